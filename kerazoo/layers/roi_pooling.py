"""Features of regions of interest, in a grid of fixed size."""

import math
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.layers import boxes as box
from kerazoo.reader import Count, Pair


class _Regions(keras.layers.Layer):
    """What the two layers below have in common."""

    @reader.checked
    def __init__(
        self, pool_size: Count | Pair = 7, strides: Count = 16, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        pair = (pool_size, pool_size) if isinstance(pool_size, int) else pool_size
        self.pool_size = (pair[0], pair[1])
        self.strides = strides

    def build(self, inputs_shape: tuple, regions_shape: tuple) -> None:
        if None in inputs_shape[1:]:
            raise ValueError(
                f"{type(self).__name__} needs a feature map of known size, but it is "
                f"of shape {tuple(inputs_shape)}: give the images a height and a width."
            )

    def compute_output_shape(self, inputs_shape: tuple, regions_shape: tuple) -> tuple:
        return (*regions_shape[:2], *self.pool_size, inputs_shape[-1])

    def compute_output_spec(
        self, inputs: KerasTensor, regions: KerasTensor
    ) -> KerasTensor:
        shape = self.compute_output_shape(inputs.shape, regions.shape)
        return KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        own = {"pool_size": self.pool_size, "strides": self.strides}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="kerazoo")
class RoIPooling2D(_Regions):
    """The largest value of every bin of a grid over each region, as Caffe computes it.

    The corners of a region are rounded to cells of the feature map, half away from
    zero; the last column and row are those of its last pixel, ``x2 - 1`` and
    ``y2 - 1``. Bins may overlap by a cell. Caffe's boxes are inclusive, torchvision
    takes half-open ones for such: pass it ``x2 - 1`` for the same values.

    The maximum of a bin is that of four windows whose sides are powers of two, looked
    up in a table of all of them.

    Args:
        pool_size: Rows and columns of the grid, an integer or a pair.
        strides: Pixels of the image that a cell of the feature map stands for.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Feature maps `(batch, height, width, channels)` of known size.
        regions: `(batch, n, 4)`: x1, y1, x2, y2 in pixels of the image, half-open.
            They are cut off at the map.

    Output shape: `(batch, n, *pool_size, channels)`.

    Raises:
        ValueError: If the size of the feature maps is not known.

    Reference:
        Girshick, "Fast R-CNN", ICCV 2015, arXiv 1504.08083, Sec. 2.1; Caffe,
        `src/caffe/layers/roi_pooling_layer.cpp`.
    """

    def call(self, inputs: KerasTensor, regions: KerasTensor) -> KerasTensor:
        height, width = inputs.shape[1:3]
        size = (height * self.strides, width * self.strides)
        regions = box.clip(ops.cast(regions, "float32"), size)
        x1, y1, x2, y2 = ops.unstack(ops.stop_gradient(regions), axis=-1)
        rows = bins(self._cells(y1, y2), height, self.pool_size[0])
        columns = bins(self._cells(x1, x2), width, self.pool_size[1])
        return largest(maxima(inputs, *self.pool_size), rows, columns)

    def _cells(self, start, end):
        """The first and the last cell of regions on an axis."""
        first, last = (
            # keras.ops.round rounds halves to even.
            ops.floor(ops.maximum(one, 0) / self.strides + 0.5)
            for one in (start, end - 1)
        )
        return first, ops.maximum(last, first)


# First and last windows of each bin on an axis, and the power of two of their side.
Bins = tuple[KerasTensor, KerasTensor, KerasTensor]


def bins(span: tuple[KerasTensor, KerasTensor], side: int, count: int) -> Bins:
    """Parts spans of cells into bins, which may share a cell.

    Bin ``i`` of ``n`` goes from ``floor(i * length / n)`` up to ``ceil((i + 1) *
    length / n)``.

    Args:
        span: The first and the last cell of every span, both ``(batch, n)``.
        side: Cells of the map; what is outside of it is cut off.
        count: Bins of a span.

    Returns:
        Two windows whose sides are a power of two cover a bin from its two ends: their
        first cells ``(batch, n, count)``, and the power, -1 where a bin is empty.
    """
    first, last = span
    size = (last - first + 1)[..., None] / count
    number = np.arange(count, dtype="float32")
    low = ops.clip(ops.floor(number * size) + first[..., None], 0, side)
    high = ops.clip(ops.ceil((number + 1) * size) + first[..., None], 0, side)
    low, high = ops.cast(low, "int32"), ops.cast(high, "int32")
    power = ops.full_like(low, -1)
    for one in range(int(math.log2(side)) + 1):
        power = ops.where(high - low >= 2**one, one, power)
    span = ops.left_shift(ops.ones_like(power), ops.maximum(power, 0))
    low = ops.minimum(low, side - 1)
    return low, ops.maximum(high - span, 0), power


def largest(table: KerasTensor, rows: Bins, columns: Bins) -> KerasTensor:
    """The largest value of every bin; 0 where one is empty.

    Args:
        table: Of :func:`maxima`.
        rows: Of :func:`bins`.
        columns: The same.

    Returns:
        ``(batch, n, bins of rows, bins of columns, channels)``.
    """
    deep, wide, height, width, channels = table.shape[1:]
    flat = ops.reshape(table, (-1, channels))
    first = ops.arange(ops.shape(table)[0], dtype="int32")[:, None, None, None]
    (top, bottom, level), (left, right, step) = rows, columns
    place = (first * deep + level[..., None]) * wide + step[:, :, None]
    place = place * height
    ends = [
        (place + row[..., None]) * width + column[:, :, None]
        for row in (top, bottom)
        for column in (left, right)
    ]
    found = ops.take(flat, ends[0], axis=0)
    for end in ends[1:]:
        found = ops.maximum(found, ops.take(flat, end, axis=0))
    empty = (level < 0)[..., None] | (step < 0)[:, :, None]
    return ops.where(empty[..., None], ops.zeros((), found.dtype), found)


def maxima(x: KerasTensor, rows: int, columns: int) -> KerasTensor:
    """Maxima over windows of 2**i rows and 2**j columns, from every cell on.

    Windows that stick out of the map are cut off.

    Args:
        x: Maps ``(batch, height, width, channels)`` of known size.
        rows: The fewest bins that the height will be parted into.
        columns: The same of the width.

    Returns:
        A tensor ``(batch, i, j, height, width, channels)``, as large as such bins need.
    """
    deep, wide = (
        # A whole map in so many bins has none longer.
        int(math.log2(math.ceil(side / count) + 1)) + 1
        for side, count in zip(x.shape[1:3], (rows, columns), strict=True)
    )

    def wider(x, axis, power):
        rest = [slice(None)] * 4
        rest[axis] = slice(2**power, None)
        padding = [(0, 0)] * 4
        padding[axis] = (0, min(2**power, x.shape[axis]))
        moved = ops.pad(x[tuple(rest)], padding, constant_values=float("-inf"))
        return ops.maximum(x, moved)

    high = [x]
    for power in range(deep - 1):
        high.append(wider(high[-1], 1, power))
    table = []
    for one in high:
        line = [one]
        for power in range(wide - 1):
            line.append(wider(line[-1], 2, power))
        table.append(ops.stack(line, axis=1))
    return ops.stack(table, axis=1)


@keras.saving.register_keras_serializable(package="kerazoo")
class RoIAlign2D(_Regions):
    """The mean of samples in every bin of a grid over each region.

    Nothing is rounded: a sample lies between four cells and takes from each by its
    distance. Cells count from their centres ("aligned"): the older form is half a cell
    off. Rows and columns are two products with matrices.

    Args:
        pool_size: Rows and columns of the grid, an integer or a pair.
        strides: Pixels of the image that a cell of the feature map stands for.
        samples: Samples of a bin on each axis.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Feature maps `(batch, height, width, channels)` of known size.
        regions: `(batch, n, 4)`: x1, y1, x2, y2 in pixels of the image, half-open.

    Output shape: `(batch, n, *pool_size, channels)`.

    Raises:
        ValueError: If the size of the feature maps is not known.

    Reference:
        He et al., "Mask R-CNN", ICCV 2017, arXiv 1703.06870, Sec. 3.
    """

    @reader.checked
    def __init__(
        self,
        pool_size: Count | Pair = 7,
        strides: Count = 16,
        samples: Count = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, **kwargs)
        self.samples = samples

    def call(self, inputs: KerasTensor, regions: KerasTensor) -> KerasTensor:
        regions = ops.stop_gradient(ops.cast(regions, "float32"))
        x1, y1, x2, y2 = ops.unstack(regions / self.strides - 0.5, axis=-1)
        height, width = inputs.shape[1:3]
        rows = self._weights(y1, y2, height, self.pool_size[0])
        columns = self._weights(x1, x2, width, self.pool_size[1])
        rows, columns = (ops.cast(one, inputs.dtype) for one in (rows, columns))
        x = ops.einsum("brph,bhwc->brpwc", rows, inputs)
        return ops.einsum("brqw,brpwc->brpqc", columns, x)

    def _weights(self, start, end, side, bins):
        """What each cell of an axis adds to each bin: ``(batch, n, bins, side)``."""
        count = bins * self.samples
        places = (np.arange(count, dtype="float32") + 0.5) / count
        places = start[..., None] + (end - start)[..., None] * places
        inside = (places >= -1) & (places <= side)
        near = ops.clip(places, 0, side - 1)[..., None]
        cells = np.arange(side, dtype="float32")
        weights = ops.relu(1 - ops.abs(near - cells))
        weights = ops.where(inside[..., None], weights, 0.0)
        shape = (*ops.shape(start), bins, self.samples, side)
        return ops.mean(ops.reshape(weights, shape), axis=-2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "samples": self.samples}
