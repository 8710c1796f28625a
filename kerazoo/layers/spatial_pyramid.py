"""Spatial pyramid pooling: as many features from a map of any size."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.reader import Count


@keras.saving.register_keras_serializable(package="kerazoo")
class SpatialPyramidPooling2D(keras.layers.Layer):
    """The largest value of every bin of several grids over the whole map.

    Bin ``i`` of ``n`` spans the cells from ``floor(i * side / n)`` up to
    ``ceil((i + 1) * side / n)``, so that there are always ``n``; neighbours may share a
    cell. The paper's windows of ``ceil(side / n)`` in steps of ``floor(side / n)``
    are the same at its 13 cells, and make another number of bins at some other sizes.

    Args:
        levels: Rows (and columns) of each grid.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `(batch, height, width, channels)`; height and width may be unknown.
    Output shape: `(batch, bins, channels)`, level by level, row by row.

    Reference:
        He et al., "Spatial Pyramid Pooling in Deep Convolutional Networks for Visual
        Recognition", ECCV 2014, arXiv 1406.4729, Sec. 2.2 and 2.3.
    """

    @reader.checked
    def __init__(self, levels: tuple[Count, ...] = (6, 3, 2, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.levels = tuple(levels)

    def call(self, inputs: KerasTensor) -> KerasTensor:
        height, width = ops.shape(inputs)[1:3]
        found = []
        for bins in self.levels:
            for top, bottom in _edges(height, bins):
                rows = ops.max(inputs[:, top:bottom], axis=1)
                found += [
                    ops.max(rows[:, left:right], axis=1)
                    for left, right in _edges(width, bins)
                ]
        return ops.stack(found, axis=1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (input_shape[0], sum(n * n for n in self.levels), input_shape[-1])

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        return KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "levels": self.levels}


def _edges(side: Any, bins: int) -> Sequence[tuple[Any, Any]]:
    """Where each bin of an axis begins and ends; whole numbers, or scalar tensors."""
    return [(i * side // bins, -(-(i + 1) * side // bins)) for i in range(bins)]
