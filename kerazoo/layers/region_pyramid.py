"""Spatial pyramid pooling of regions of a feature map."""

from typing import Any

import keras
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.layers.roi_pooling import bins, largest, maxima
from kerazoo.reader import Count


@keras.saving.register_keras_serializable(package="kerazoo")
class RegionPyramidPooling2D(keras.layers.Layer):
    """The largest value of every bin of several grids over each region.

    A region spans the cells from `floor((x1 - offsets[0]) / strides + 0.5)` to
    `ceil((x2 - offsets[1]) / strides - 0.5)`, both included and cut off at the map;
    where the second lies before the first, the one cell in their middle. Bins are those
    of `SpatialPyramidPooling2D`.

    Args:
        levels: Rows (and columns) of each grid.
        strides: Pixels of the image that a cell of the feature map stands for.
        offsets: Pixels from the image's edge to that of the first cell, as the left
            and the right edge of a region see it; by default half a cell before and
            behind it, the paper's rule for convolutions with padding.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Feature maps `(batch, height, width, channels)` of known size.
        regions: `(batch, n, 4)`: x1, y1, x2, y2 in pixels of the image, half-open.

    Output shape: `(batch, n, bins, channels)`, level by level, row by row.

    Raises:
        ValueError: If the size of the feature maps is not known.

    Reference:
        He et al., "Spatial Pyramid Pooling in Deep Convolutional Networks for Visual
        Recognition", ECCV 2014, arXiv 1406.4729, Sec. 4.1 and Appendix A.
    """

    @reader.checked
    def __init__(
        self,
        levels: tuple[Count, ...] = (6, 3, 2, 1),
        strides: Count = 16,
        offsets: tuple[float, float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.levels, self.strides = tuple(levels), strides
        self.offsets = (
            (-strides / 2, strides / 2) if offsets is None else tuple(offsets)
        )

    def build(self, inputs_shape: tuple, regions_shape: tuple) -> None:
        if None in inputs_shape[1:]:
            raise ValueError(
                f"RegionPyramidPooling2D needs a feature map of known size, but it is "
                f"of shape {tuple(inputs_shape)}: give the images a height and a width."
            )

    def call(self, inputs: KerasTensor, regions: KerasTensor) -> KerasTensor:
        height, width, channels = inputs.shape[1:]
        x1, y1, x2, y2 = ops.unstack(
            ops.stop_gradient(ops.cast(regions, "float32")), axis=-1
        )
        rows, columns = self._cells(y1, y2, height), self._cells(x1, x2, width)
        table = maxima(inputs, min(self.levels), min(self.levels))
        found = []
        for count in self.levels:
            grid = largest(
                table,
                bins(rows, height, count),
                bins(columns, width, count),
            )
            shape = (-1, regions.shape[1], count * count, channels)
            found.append(ops.reshape(grid, shape))
        return ops.concatenate(found, axis=2)

    def _cells(self, start, end, side):
        """The first and the last cell of regions on an axis."""
        before, behind = self.offsets
        first = ops.floor((start - before) / self.strides + 0.5)
        last = ops.ceil((end - behind) / self.strides - 0.5)
        first, last = (ops.clip(one, 0, side - 1) for one in (first, last))
        middle = ops.floor((first + last) / 2)
        crossed = first > last
        return ops.where(crossed, middle, first), ops.where(crossed, middle, last)

    def compute_output_shape(self, inputs_shape: tuple, regions_shape: tuple) -> tuple:
        count = sum(n * n for n in self.levels)
        return (*regions_shape[:2], count, inputs_shape[-1])

    def compute_output_spec(
        self, inputs: KerasTensor, regions: KerasTensor
    ) -> KerasTensor:
        shape = self.compute_output_shape(inputs.shape, regions.shape)
        return KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        names = ("levels", "strides", "offsets")
        return super().get_config() | {name: getattr(self, name) for name in names}
