"""Boxes that change between an image and what it is resized to."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.layers import boxes as box
from kerazoo.reader import Name, Pair


class _Resizing(keras.layers.Layer):
    """What the two layers below have in common."""

    @reader.checked
    def __init__(
        self, size: Pair, resize: Name, native: Pair | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**{"dtype": "float32"} | kwargs)
        self.size, self.resize = tuple(size), resize
        self.native = None if native is None else tuple(native)

    def compute_output_spec(
        self, raw: KerasTensor, boxes: KerasTensor, *others: KerasTensor
    ) -> KerasTensor:
        return KerasTensor(boxes.shape, "float32")

    def get_config(self) -> dict[str, Any]:
        names = ("size", "resize", "native")
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable(package="kerazoo")
class ResizeBoxes(_Resizing):
    """Brings boxes from a raw image to the resized one.

    Args:
        size: Height and width of the resized images.
        resize: How they are resized: `bilinear`, `pad`, `crop` or `center`.
        native: Height and width that images are brought to before, or `None`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        raw: The images `(batch, height, width, channels)` of any size.
        boxes: `(batch, n, 4)`, in pixels of the raw images; rows of -1 for none.

    Output shape: that of `boxes`; cut off at the image, -1 where less than a pixel is
    left.
    """

    def call(self, raw: KerasTensor, boxes: KerasTensor) -> KerasTensor:
        have = ops.shape(raw)[1:3]
        boxes = ops.cast(boxes, "float32")
        if self.native:
            boxes = _forth(boxes, have, self.native, "bilinear")
            have = self.native
        boxes = box.clip(_forth(boxes, have, self.size, self.resize), self.size)
        seen = ops.all(boxes[..., 2:] - boxes[..., :2] >= 1, axis=-1)
        return ops.where(seen[..., None], boxes, -1.0)


@keras.saving.register_keras_serializable(package="kerazoo")
class RestoreBoxes(_Resizing):
    """Brings the boxes of detections from a resized image to the raw one.

    Args:
        size: Height and width of the resized images.
        resize: How they were resized: `bilinear`, `pad`, `crop` or `center`.
        native: Height and width that images were brought to before, or `None`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        raw: The images `(batch, height, width, channels)` of any size.
        boxes: `(batch, n, 4)`, in pixels of the resized images.
        classes: `(batch, n)`, -1 where there is no box.

    Output shape: that of `boxes`; cut off at the image, 0 where there is no box.
    """

    def call(
        self, raw: KerasTensor, boxes: KerasTensor, classes: KerasTensor
    ) -> KerasTensor:
        have = ops.shape(raw)[1:3]
        boxes = ops.cast(boxes, "float32")
        if self.native:
            boxes = _back(boxes, self.native, self.size, self.resize)
            boxes = _back(boxes, have, self.native, "bilinear")
        else:
            boxes = _back(boxes, have, self.size, self.resize)
        boxes = box.clip(boxes, [ops.cast(side, "float32") for side in have])
        return ops.where((classes >= 0)[..., None], boxes, 0.0)


def _back(boxes, have, size, how):
    """Boxes of an image of a size, in pixels of the one that it was made of."""
    start, scale = _start_and_scale(have, size, how)
    return boxes * scale + start


def _forth(boxes, have, size, how):
    """Boxes of an image, in pixels of the one of a size that is made of it."""
    start, scale = _start_and_scale(have, size, how)
    return (boxes - start) / scale


def _start_and_scale(have, size, how):
    """Where the part of an image begins that is resized, and by how much it shrinks."""
    (top, tall), (left, wide) = (
        [ops.cast(one, "float32") for one in axis]
        for axis in window(have, size, how, ops)
    )
    x, y = wide / size[1], tall / size[0]
    return ops.stack([left, top, left, top]), ops.stack([x, y, x, y])


def window(
    have: Sequence[Any], size: Sequence[int], how: str, math: Any
) -> list[tuple]:
    """What part of an image becomes the result: its start and its length on each axis.

    Where it begins before the image or ends after it, there is black.

    Args:
        have: Height and width of the image, integer scalars of any kind.
        size: Height and width of the result.
        how: As for :func:`resize`.
        math: The module that knows such scalars, ``tensorflow`` or ``keras.ops``.
    """
    if how == "bilinear":
        return [(0, side) for side in have]
    if how == "center":
        pairs = zip(have, size, strict=True)
        return [((side + length) // 2 - length, length) for side, length in pairs]
    (tall, wide), (height, width) = have, size
    # The height that goes with the width, and the width that goes with the height.
    fitting = wide * height // width, tall * width // height
    if how == "crop":
        pairs = zip(have, fitting, strict=True)
        lengths = [math.maximum(math.minimum(side, fit), 1) for side, fit in pairs]
        pairs = zip(have, lengths, strict=True)
        return [((side - length) // 2, length) for side, length in pairs]
    pairs = zip(have, fitting, strict=True)
    missing = [(math.maximum(side, fit) - side) // 2 for side, fit in pairs]
    pairs = zip(have, missing, strict=True)
    return [(-more, side + 2 * more) for side, more in pairs]
