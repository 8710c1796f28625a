"""How many places a window has that slides over an image."""

from typing import Literal

from kerazoo import reader
from kerazoo.reader import Count, Pair, Whole

Rounding = Literal["floor", "ceil"]


@reader.checked
def output_size(
    size: Count | Pair,
    kernel: Count | Pair,
    stride: Count | Pair = 1,
    padding: Whole | tuple[Whole, Whole] | Literal["valid", "same"] = 0,
    dilation: Count | Pair = 1,
    rounding: Rounding = "floor",
) -> int | tuple[int, int]:
    """The size of what a convolution or a pooling gives.

    ``floor((size + 2 padding - extent) / stride) + 1``, where a kernel extends over
    ``dilation (kernel - 1) + 1`` pixels. Every argument is one number, or a pair for
    height and width.

    Args:
        size: Of the image or the feature map.
        kernel: Of the window.
        stride: Steps between its places.
        padding: Pixels added on each of two opposite sides; ``"valid"`` for none,
            ``"same"`` for as many as give ``ceil(size / stride)``, as in Keras.
        dilation: Steps between the pixels under a kernel.
        rounding: ``"floor"`` drops a last window that sticks out; ``"ceil"``, as
            Caffe's poolings, keeps it where it begins within the image or the padding
            before it.

    Returns:
        A number, or a pair where one was given.

    Raises:
        ValueError: Where the kernel is larger than the padded image.

    Reference:
        Dumoulin, Visin: A guide to convolution arithmetic for deep learning, 2016,
        arXiv 1603.07285, Relationship 6; for ``"ceil"`` PyTorch's
        ``pooling_output_shape``.
    """
    given = (size, kernel, stride, padding, dilation)
    pairs = [one if isinstance(one, tuple) else (one, one) for one in given]
    height, width = (_along(rounding, *axis) for axis in zip(*pairs, strict=True))
    return (height, width) if any(isinstance(one, tuple) for one in given) else height


def _along(rounding, size, kernel, stride, padding, dilation):
    if padding == "same":
        return -(-size // stride)
    padding = 0 if padding == "valid" else padding
    extent = dilation * (kernel - 1) + 1
    places = windows(size, extent, stride, padding, rounding)
    if places < 1:
        padded = f", {size + 2 * padding} with its padding," if padding else ""
        dilated = f", {extent} with its dilation," if dilation > 1 else ""
        raise ValueError(
            f"kernel is {kernel}{dilated} on a size of {size}{padded} where it has no "
            "place; give a smaller kernel, or more padding."
        )
    return places


def windows(
    size: int, extent: int, stride: int, padding: int = 0, rounding: Rounding = "floor"
) -> int:
    """The number of places of a window along an axis; less than 1 where it has none.

    Args:
        size: Of the axis.
        extent: Of the window.
        stride: Steps between its places.
        padding: Pixels before the axis and as many behind it.
        rounding: As of :func:`output_size`.
    """
    room = size + 2 * padding - extent
    if rounding == "floor":
        return room // stride + 1
    last = -(-room // stride)
    return last if last * stride >= size + padding else last + 1
