"""What layers that add their own losses have in common."""

from typing import Any

import keras
from keras import KerasTensor, ops


class LossLayer(keras.layers.Layer):
    """A layer that adds losses, computes in float32 and hands its first input on.

    The input is handed on so that a graph that ends in what is made of it keeps the
    layer. Each loss has a mean of its own among the model's metrics.

    Attributes:
        parts: The names of the losses.
    """

    parts: tuple[str, ...] = ()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32"} | kwargs)
        self._means = {part: keras.metrics.Mean(name=part) for part in self.parts}

    def add(self, **losses: Any) -> None:
        """Adds losses, scalars by the names of :attr:`parts`."""
        for part, loss in losses.items():
            self.add_loss(loss)
            self._means[part].update_state(loss)

    def compute_output_spec(self, passed: KerasTensor, *others: Any) -> KerasTensor:
        return KerasTensor(passed.shape, passed.dtype)


def smooth_l1(difference: Any, sigma: float = 1.0) -> Any:
    """``(sigma d)^2 / 2`` near zero, ``|d| - 1 / (2 sigma^2)`` from ``1 / sigma^2`` on.

    Girshick, "Fast R-CNN", arXiv 1504.08083, Eq. 3, where sigma is 1.
    """
    size = ops.abs(difference)
    near = 0.5 * sigma**2 * ops.square(difference)
    return ops.where(size < 1 / sigma**2, near, size - 0.5 / sigma**2)


def highest(keys: Any, count: Any, most: int) -> Any:
    """Where the largest keys are.

    Args:
        keys: Tensor ``(batch, n)``; what is not above 0 is never chosen. Of equal keys
            all are.
        count: int32 tensor ``(batch,)``: how many to choose.
        most: What no count exceeds.

    Returns:
        bool tensor ``(batch, n)``.
    """
    most = min(most, keys.shape[1])
    best = ops.top_k(keys, most)[0]
    last = ops.clip(count, 1, most)[:, None] - 1
    smallest = ops.take_along_axis(best, last, axis=1)
    return (keys > 0) & (keys >= smallest) & (count > 0)[:, None]
