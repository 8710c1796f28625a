"""Learning rate and images per second."""

import time
from typing import Any

import keras
import tensorflow as tf


class Throughput(keras.callbacks.Callback):
    """Writes ``learning_rate`` and ``images_per_second`` of every epoch.

    Args:
        writer: A writer of ``tf.summary``.
        batch_size: Images of a step.
    """

    def __init__(self, writer: Any, batch_size: int) -> None:
        super().__init__()
        self.writer = writer
        self.batch_size = batch_size

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._steps, self._start = 0, time.perf_counter()

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        self._steps = batch + 1
        self._stop = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        speed = self._steps * self.batch_size / (self._stop - self._start)
        with self.writer.as_default(step=epoch + 1):
            tf.summary.scalar("learning_rate", float(rate))
            tf.summary.scalar("images_per_second", speed)
