"""What a layer adds around its map before its window slides over it."""

from collections.abc import Sequence
from typing import Any

from kerazoo.layers import CeilMaxPooling2D
from kerazoo.surgery.receptive_field import window_of

# Rows above and below, columns on the left and on the right.
Sides = tuple[tuple[int, int], tuple[int, int]]
NONE: Sides = ((0, 0), (0, 0))


def rule_of(layer: Any) -> str:
    """By what rule a layer with a window pads: ``same``, ``valid``, ``ceil``, ``1``."""
    if isinstance(layer, CeilMaxPooling2D):
        return "ceil"
    if hasattr(layer, "border"):
        return str(layer.border)
    return str(getattr(layer, "padding", "valid"))


def padding_of(
    layer: Any, grid: Sequence[int | None], made: Sequence[int | None]
) -> Sides | None:
    """The rows and columns that a layer with a window adds on every side.

    Args:
        layer: A convolution or a pooling.
        grid: Height and width of what it reads.
        made: Those of its output.

    Returns:
        ``((above, below), (left, right))`` in positions of the map that it reads;
        ``None`` where a size is open and the rule looks at it.
    """
    rule, slid = rule_of(layer), window_of(layer)
    if rule == "valid" or slid is None:
        return NONE
    if rule.isdigit():
        return ((int(rule), int(rule)), (int(rule), int(rule)))
    above, left = (
        _along_axis(rule, *sizes) for sizes in zip(*slid, grid, made, strict=True)
    )
    return None if above is None or left is None else (above, left)


def _along_axis(rule, window, stride, size, made):
    if size is None or made is None:
        # Any size will do where the window moves by one.
        missing = window - 1 if rule == "same" and stride == 1 else None
    else:
        missing = max(0, (made - 1) * stride + window - size)
    if missing is None:
        return None
    before = missing // 2 if rule == "same" else 0
    return before, missing - before
