"""Patches: which rows and columns of the image a position of a feature map sees."""

from typing import Any

import keras
from keras import layers

from kerazoo.surgery.graph import Graph
from kerazoo.surgery.padding import padding_of
from kerazoo.surgery.receptive_field import MERGES_WHOLE_GRID, window_of

# The first and the last row or column.
Range = tuple[int, int]


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
    seen = needed(graph, layer, position, within=True)
    if seen is None:
        return None
    (top, bottom), (left, right) = seen
    return top, left, bottom + 1, right + 1


def needed(
    graph: Graph, layer: str, position: tuple[int, int], *, within: bool = False
) -> tuple[Range, Range] | None:
    """The rows and the columns of the image that a position of a layer needs.

    Args:
        graph: Of a flat model with one batch of images among its inputs.
        layer: The layer's name.
        position: Row and column of its feature map.
        within: Whether paddings count for nothing, on the image as on every map.

    Returns:
        The first and the last row and column; ``None`` where it sees no image.
    """
    rows, columns = (_along(graph, layer, position, axis, within) for axis in (0, 1))
    return None if rows is None or columns is None else (rows, columns)


def _along(graph, name, position, axis, within):
    """Along one axis, by a walk from the layer to the image."""
    entries = keras.tree.flatten(graph.model.input)
    images = next(one for one in entries if len(one.shape) == 4)
    # By layer, what is needed of its map.
    spans: dict[str, Range] = {name: (position[axis],) * 2}
    for layer in reversed(graph.model.operations):
        if layer.name not in spans:
            continue
        if layer.output is images:
            return spans[layer.name]
        made = graph.shapes[layer.name]
        for source in graph.sources(layer.name):
            grid = graph.shapes[source]
            if len(grid) != 3:
                continue
            first, last = _before(layer, axis, spans[layer.name], grid[:2], made)
            if within:
                first, last = max(0, first), min(grid[axis] - 1, last)
                if first > last:
                    continue
            known = spans.get(source, (first, last))
            spans[source] = min(first, known[0]), max(last, known[1])
    return None


def _before(layer: Any, axis: int, span: Range, grid: Any, made: Any) -> Range:
    """What a layer needs of the map before it, along an axis, for some positions."""
    first, last = span
    if len(made) != 3 or isinstance(layer, MERGES_WHOLE_GRID):
        return 0, grid[axis] - 1
    if isinstance(layer, layers.ZeroPadding2D):
        above = layer.padding[axis][0]
        return first - above, last - above
    if isinstance(layer, layers.Cropping2D):
        above = layer.cropping[axis][0]
        return first + above, last + above
    if isinstance(layer, layers.Conv2DTranspose):
        stride, kernel = layer.strides[axis], layer.kernel_size[axis]
        above = max(0, kernel - stride) // 2 if layer.padding == "same" else 0
        begin = -((kernel - 1 - above - first) // stride)
        return begin, (last + above) // stride
    if isinstance(layer, layers.UpSampling2D) or hasattr(layer, "upsampling"):
        size = (getattr(layer, "upsampling", None) or layer.size)[axis]
        return first // size, last // size
    window = window_of(layer)
    if window is None:
        # A map of one position is spread over all.
        same = grid[axis] == made[axis]
        return (first, last) if same else (0, grid[axis] - 1)
    sides = padding_of(layer, grid, made[:2])
    above = sides[axis][0] if sides else 0
    kernel, stride = window[0][axis], window[1][axis]
    return first * stride - above, last * stride - above + kernel - 1
