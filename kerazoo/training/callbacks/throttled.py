"""When something is written that takes its time."""

import time
from typing import Any

import keras


class Throttled(keras.callbacks.Callback):
    """Writes at the ends of some epochs, as long as that costs little; and at the end.

    Args:
        writer: A writer of ``tf.summary``.
        every: Epochs between two writings.
        share: The part of the training's time that writing may take.
    """

    def __init__(self, writer: Any, every: int = 10, share: float = 0.005) -> None:
        super().__init__()
        self.writer = writer
        self.every = every
        self.share = share
        self._epochs = self._written = 0

    def write(self, step: int) -> None:
        """Writes.

        Args:
            step: Epochs that have ended.
        """
        raise NotImplementedError

    def _timed_write(self, step):
        start = time.monotonic()
        self.write(step)
        self._written = step
        self._spent += time.monotonic() - start

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._start, self._spent = time.monotonic(), 0.0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epochs = epoch + 1
        affordable = self._spent <= self.share * (time.monotonic() - self._start)
        if self._epochs % self.every == 0 and affordable:
            self._timed_write(self._epochs)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._epochs != self._written:
            self._timed_write(self._epochs)
