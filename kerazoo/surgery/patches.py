"""Patches: which rows and columns of the image a position of a feature map sees."""

import math
from typing import Any

from keras import layers

from kerazoo.layers import CeilMaxPooling2D, PaddedMaxPooling2D
from kerazoo.surgery.graph import Graph
from kerazoo.surgery.receptive_field import window_of


def patch(
    graph: Graph, layer: str, position: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """The part of the image that a position of a layer sees, without what is outside.

    Within the image it is as large as :func:`kerazoo.ledger` says that the layer sees.

    Args:
        graph: Of a flat model with one image as its input.
        layer: The layer's name.
        position: Row and column of its feature map.

    Returns:
        Top, left, bottom and right in pixels, half-open; ``None`` where it sees none.
    """
    rows, columns = (_span(graph, layer, position[axis], axis) for axis in (0, 1))
    if rows is None or columns is None:
        return None
    return rows[0], columns[0], rows[1], columns[1]


def _span(graph, name, index, axis):
    """Along one axis, by a walk from the layer to the image."""
    shapes = graph.shapes
    needed: dict[str, Any] = {name: (index, index + 1)}
    for layer in reversed(graph.model.layers):
        span = needed.get(layer.name)
        if span is None:
            continue
        sources = graph.sources(layer.name)
        if not sources:
            return span
        for source in sources:
            grid = shapes[source]
            if len(grid) != 3:
                continue
            seen = _before(layer, span, grid[axis], shapes[layer.name], axis)
            start, end = max(0, seen[0]), min(grid[axis], seen[1])
            if start < end:
                known = needed.get(source, (start, end))
                needed[source] = min(start, known[0]), max(end, known[1])
    return None


def _before(layer, span, size, shape, axis):
    """What a span of a layer's output needs of its input of some size.

    A span is the first row or column and that behind the last.
    """
    first, last = span[0], span[1] - 1
    if len(shape) != 3:
        return 0, size
    if isinstance(layer, layers.ZeroPadding2D):
        pad = layer.padding[axis][0]
        return first - pad, last - pad + 1
    if isinstance(layer, layers.Cropping2D):
        cut = layer.cropping[axis][0]
        return first + cut, last + cut + 1
    if isinstance(layer, layers.Conv2DTranspose):
        window, step = layer.kernel_size[axis], layer.strides[axis]
        # With "same", what is more than the steps is cut away on both sides.
        cut = max(0, window - step) // 2 if layer.padding == "same" else 0
        start = math.ceil((first + cut - window + 1) / step)
        return start, (last + cut) // step + 1
    if isinstance(layer, layers.UpSampling2D) or hasattr(layer, "upsampling"):
        factor = (getattr(layer, "upsampling", None) or layer.size)[axis]
        return first // factor, last // factor + 1
    sides = window_of(layer)
    if sides is not None:
        window, step = sides[0][axis], sides[1][axis]
        pad = _padding(layer, window, step, size, axis)
        return first * step - pad, last * step - pad + window
    if shape[axis] != size:
        return 0, size
    return span


def _padding(layer, window, step, size, axis):
    """Rows above, or columns at the left, that a sliding window finds empty."""
    if isinstance(layer, CeilMaxPooling2D):
        return 0
    if isinstance(layer, PaddedMaxPooling2D):
        return layer.border
    if getattr(layer, "padding", "valid") != "same":
        return 0
    return max(0, (math.ceil(size / step) - 1) * step + window - size) // 2
