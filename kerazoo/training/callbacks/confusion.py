"""The confusion matrix of the validation images, and the accuracy of every class."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kerazoo.analysis import plots
from kerazoo.training.accuracy import confusion
from kerazoo.training.callbacks.throttled import Throttled


class ConfusionMatrix(Throttled):
    """Writes the matrix as a figure and ``accuracy_of/CLASS`` as scalars.

    Args:
        writer: A writer of ``tf.summary``; ``None`` where another worker writes, for
            the matrix is added up over all of them.
        classes: Class names.
        every: Epochs between matrices; one is also written at the end.
    """

    def __init__(self, writer: Any, classes: Sequence[str], every: int = 10) -> None:
        super().__init__(writer, every)
        self.classes = classes

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        # The metrics still hold what the validation has counted.
        matrix = confusion(self.model)
        if self.writer and matrix is not None:
            self._matrix = matrix
            if (epoch + 1) % self.every == 0:
                self._write_scalars(epoch + 1)
            super().on_epoch_end(epoch, logs)

    def _write_scalars(self, step):
        counts = self._matrix.sum(1)
        with self.writer.as_default(step=step):
            for name, right, count in zip(
                self.classes, self._matrix.diagonal(), counts, strict=True
            ):
                if count:
                    tf.summary.scalar(f"accuracy_of/{name}", right / count)

    def write(self, step: int) -> None:
        figure = plots.confusion(self._matrix.astype(int), self.classes)
        with self.writer.as_default(step=step):
            tf.summary.image("confusion_matrix", plots.pixels(figure)[None])
