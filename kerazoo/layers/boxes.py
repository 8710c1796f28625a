"""Arithmetic of boxes, in float32: x1, y1, x2, y2 in pixels, half-open.

``x2 - x1`` is the width, and a box over a whole image is ``(0, 0, width, height)``. A
row of -1 stands for no box.
"""

import math
from collections.abc import Sequence
from typing import Any

from keras import ops

# No side grows by more than from a cell of a feature map to an image of 1,000 pixels.
LARGEST_GROWTH = math.log(1000 / 16)


def areas(boxes: Any) -> Any:
    """The areas of boxes ``(..., 4)``, 0 where one is empty."""
    x1, y1, x2, y2 = ops.unstack(boxes, axis=-1)
    return ops.maximum(x2 - x1, 0) * ops.maximum(y2 - y1, 0)


def iou(boxes: Any, others: Any) -> Any:
    """Intersection over union of every box with every other.

    Args:
        boxes: Tensor ``(..., n, 4)``.
        others: Tensor ``(..., m, 4)``.

    Returns:
        Tensor ``(..., n, m)``; 0 where both are empty.
    """
    boxes, others = boxes[..., :, None, :], others[..., None, :, :]
    start = ops.maximum(boxes[..., :2], others[..., :2])
    end = ops.minimum(boxes[..., 2:], others[..., 2:])
    width, height = ops.unstack(ops.maximum(end - start, 0), axis=-1)
    both = width * height
    union = areas(boxes) + areas(others) - both
    return ops.where(union > 0, both / ops.where(union > 0, union, 1), 0.0)


def sides_and_centres(boxes: Any) -> tuple[Any, Any, Any, Any]:
    """Widths, heights and the two coordinates of the centres of boxes ``(..., 4)``."""
    x1, y1, x2, y2 = ops.unstack(boxes, axis=-1)
    return x2 - x1, y2 - y1, (x1 + x2) / 2, (y1 + y2) / 2


def encode(boxes: Any, references: Any, scales: Sequence[float] = (1, 1, 1, 1)) -> Any:
    """What moves reference boxes to boxes (Girshick et al. 2014, appendix C).

    ``((x - x_r) / w_r, (y - y_r) / h_r, log(w / w_r), log(h / h_r)) / scales``, of
    centres and sides. An empty box gives what a box of one pixel would.

    Args:
        boxes: Tensor ``(..., 4)``.
        references: Tensor of the same shape.
        scales: What the four numbers are divided by.
    """
    width, height, x, y = sides_and_centres(boxes)
    wide, high, at, below = sides_and_centres(references)
    width, height, wide, high = (
        ops.maximum(side, 1e-3) for side in (width, height, wide, high)
    )
    moves = [
        (x - at) / wide,
        (y - below) / high,
        ops.log(width / wide),
        ops.log(height / high),
    ]
    return ops.stack(moves, axis=-1) / ops.convert_to_tensor(scales, "float32")


def decode(moves: Any, references: Any, scales: Sequence[float] = (1, 1, 1, 1)) -> Any:
    """The inverse of :func:`encode`; no side grows more than 62.5 times.

    Args:
        moves: Tensor ``(..., 4)``.
        references: Tensor of the same shape.
        scales: What the four numbers are multiplied by.
    """
    moves = ops.cast(moves, "float32") * ops.convert_to_tensor(scales, "float32")
    right, down, wider, higher = ops.unstack(moves, axis=-1)
    width, height, x, y = sides_and_centres(references)
    x, y = x + right * width, y + down * height
    width = width * ops.exp(ops.minimum(wider, LARGEST_GROWTH)) / 2
    height = height * ops.exp(ops.minimum(higher, LARGEST_GROWTH)) / 2
    return ops.stack([x - width, y - height, x + width, y + height], axis=-1)


def clip(boxes: Any, size: Sequence[Any]) -> Any:
    """Boxes ``(..., 4)`` cut off at an image of a size ``(height, width)``."""
    height, width = size
    x1, y1, x2, y2 = ops.unstack(boxes, axis=-1)
    sides = [ops.clip(x, 0, width) for x in (x1, x2)]
    rows = [ops.clip(y, 0, height) for y in (y1, y2)]
    return ops.stack([sides[0], rows[0], sides[1], rows[1]], axis=-1)


def anchors(
    size: Sequence[int],
    stride: int,
    ratios: Sequence[float],
    scales: Sequence[float],
) -> Any:
    """The reference boxes of a feature map (Ren et al. 2015, sec. 3.1.1).

    A box of ``stride`` pixels is brought to each ratio of height to width, its sides
    rounded to whole pixels as the authors do, and to each scale; all stand at the
    centre of each cell.

    Args:
        size: Height and width of the feature map.
        stride: Pixels of the image that a cell stands for.
        ratios: Of height to width.
        scales: Sides as multiples of the stride.

    Returns:
        float32 array ``(height, width, ratios times scales, 4)``, all scales of the
        first ratio first.
    """
    import numpy as np

    around = []
    for ratio in ratios:
        wide = np.round(np.sqrt(stride * stride / ratio))
        for scale in scales:
            width, height = wide * scale, np.round(wide * ratio) * scale
            around.append([-width / 2, -height / 2, width / 2, height / 2])
    rows, columns = (stride * np.arange(side) + stride / 2 for side in size)
    x, y = np.meshgrid(columns, rows)
    centres = np.stack([x, y, x, y], -1)[:, :, None]
    return (centres + np.array(around)).astype("float32")
