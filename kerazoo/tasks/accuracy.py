"""Accuracy that remembers which classes were taken for which."""

from typing import Any

import keras
import numpy as np
from keras import ops

# A matrix of more classes would cost a step more than it tells.
LARGEST = 1000


class Accuracy(keras.metrics.Metric):
    """The share of right guesses, read off the matrix of truth and guess.

    So the confusion matrix of the validation images needs no second pass over them.

    Args:
        classes: Number of classes.
        name: The metric's name.
        void: A label that is not counted, or ``None``.

    Attributes:
        matrix: Counts ``(truth, guess)`` since the last reset.
    """

    def __init__(
        self, classes: int, name: str = "accuracy", void: int | None = None
    ) -> None:
        super().__init__(name=name)
        self.classes, self.void = classes, void
        self.matrix = self.add_variable(
            (classes, classes), initializer="zeros", name="matrix"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch.

        Args:
            y_true: Class ids ``(batch, ...)``, or rows ``(batch, classes)``.
            y_pred: Scores ``(batch, ..., classes)``.
            sample_weight: Not supported.
        """
        if len(y_true.shape) == 2 and y_true.shape[-1] == self.classes:
            y_true = ops.argmax(y_true, axis=-1)
        truth = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        guess = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
        ones = ops.ones_like(truth, dtype=self.matrix.dtype)
        if self.void is not None:
            ones = ops.where(truth == self.void, 0, ones)
            truth = ops.maximum(truth, 0)
        counts = ops.segment_sum(
            ones,
            truth * self.classes + ops.reshape(guess, (-1,)),
            num_segments=self.classes**2,
        )
        self.matrix.assign_add(ops.reshape(counts, self.matrix.shape))

    def result(self) -> Any:
        """The share, 0 before the first batch."""
        return ops.divide_no_nan(ops.trace(self.matrix), ops.sum(self.matrix))


def confusion(model: keras.Model) -> np.ndarray | None:
    """The counts ``(truth, guess)`` since a model's metrics were reset.

    Args:
        model: A compiled model.

    Returns:
        A float32 array, or ``None`` where no :class:`Accuracy` is among the metrics.
    """
    for group in model.metrics:
        for metric in getattr(group, "metrics", (group,)):
            if isinstance(metric, Accuracy):
                return ops.convert_to_numpy(metric.matrix)
    return None
