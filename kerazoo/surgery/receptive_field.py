"""Receptive fields: which pixels of the image every layer sees, and in what steps."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from keras import layers

from kerazoo.surgery.graph import Graph

MERGES_WHOLE_GRID = (
    layers.GlobalAveragePooling2D,
    layers.GlobalMaxPooling2D,
    layers.Flatten,
)


class Sight(NamedTuple):
    """What a position of a feature map sees; ``None`` where there are no positions.

    Attributes:
        field: Rows and columns of the image that it depends on.
        stride: Rows and columns of the image from it to the next.
    """

    field: tuple[int, ...] | None
    stride: tuple[float, ...] | None


def sights(graph: Graph) -> dict[str, Sight]:
    """What every layer of a flat model sees, by name."""
    shapes = graph.shapes
    seen: dict[str, Sight] = {}
    for layer in graph.model.operations:
        sources = graph.sources(layer.name)
        seen[layer.name] = _sight(
            layer,
            [seen[name] for name in sources],
            [shapes[name] for name in sources],
            shapes[layer.name],
        )
    return seen


def _sight(layer, seen, inputs, shape):
    """Receptive field and stride of a layer's output, by the slides' recursion.

    ``R_k = R_{k-1} + (kernel_k - 1) * s_1 * ... * s_{k-1}`` for every axis; where paths
    meet, the widest field counts.
    """
    if not seen:
        return Sight((1, 1), (1.0, 1.0)) if len(shape) == 3 else Sight(None, None)
    fields = [one.field for one in seen if one.field]
    stride = seen[0].stride
    if len(fields) < len(seen) or stride is None:
        return Sight(None, None)
    field = tuple(map(max, zip(*fields, strict=True)))
    window: Sequence[float]
    step: Sequence[float]
    if isinstance(layer, MERGES_WHOLE_GRID):
        if len(inputs[0]) != 3:
            return Sight(field, stride)
        if None in inputs[0][:2]:
            return Sight(None, None)
        window, step = inputs[0][:2], (1, 1)
    elif isinstance(layer, layers.Conv2DTranspose):
        pairs = zip(layer.kernel_size, layer.strides, strict=True)
        window = [math.ceil(k / s) for k, s in pairs]
        step = [1 / s for s in layer.strides]
    elif isinstance(layer, layers.UpSampling2D) or hasattr(layer, "upsampling"):
        size = getattr(layer, "upsampling", None) or layer.size
        window, step = (1, 1), [1 / s for s in size]
    elif (slid := window_of(layer)) is not None:
        window, step = slid
    else:
        return Sight(field, stride)
    field = tuple(
        math.ceil(f + (w - 1) * s)
        for f, w, s in zip(field, window, stride, strict=True)
    )
    return Sight(field, tuple(s * t for s, t in zip(stride, step, strict=True)))


def window_of(layer: Any) -> tuple[Sequence[int], Sequence[int]] | None:
    """Kernel (dilation included) and strides of a layer that slides a window."""
    kernel = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if kernel is None:
        return None
    dilation = _pair(getattr(layer, "dilation_rate", 1))
    kernel = [(k - 1) * d + 1 for k, d in zip(_pair(kernel), dilation, strict=True)]
    return kernel, _pair(layer.strides)


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)
