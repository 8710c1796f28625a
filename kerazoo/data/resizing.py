"""Bringing images to the size and the channels that a network takes."""

from collections.abc import Sequence
from typing import Literal, get_args

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kerazoo import reader
from kerazoo.layers.restore_boxes import window
from kerazoo.reader import Channels, ModelName, Pair, Share

Resize = Literal["bilinear", "pad", "crop", "center"]
Interpolation = Literal["bilinear", "bicubic"]
RESIZES = get_args(Resize)
# Added before the fraction is cut off. Where sizes have a simple ratio, halves are
# common; with 0.5 alone the last bit of a sum would decide which way they go.
ROUNDING = 0.5034
# Lines of a result that are computed together.
BAND = 16
# Of images that are computed in bands, which takes half the time of a photo of 500x375
# pixels, and twice that of one of 2000x1500.
MOST_VALUES = 1_500_000


def channels(images: tf.Tensor, count: int) -> tf.Tensor:
    """Turns grey into RGB or RGB into grey.

    Grey is the luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B, in the integer form
    of Pillow's `convert("L")`, to the bit.

    Args:
        images: uint8 tensor (..., channels).
        count: Channels of the result, 1 or 3.

    Returns:
        A uint8 tensor (..., count).
    """
    have = images.shape[-1]
    if have == count:
        return images
    if have == 1:
        return tf.repeat(images, count, -1)
    weights = tf.constant([19595, 38470, 7471])
    luma = tf.reduce_sum(tf.cast(images, tf.int32) * weights, -1, keepdims=True)
    return tf.cast(tf.bitwise.right_shift(luma + 2**15, 16), tf.uint8)


def resize(
    images: tf.Tensor, size: Sequence[int], how: str, *, nearest: bool = False
) -> tf.Tensor:
    """Brings uint8 images (..., height, width, channels) to `size`.

    Args:
        images: One image or a batch of one size.
        size: Height and width.
        how: "bilinear" stretches; "pad" fills up with black to the proportions of the
            size and "crop" cuts to them, before they scale; "center" does not scale:
            it cuts and fills around the centre. Scaling is bilinear, antialiased when
            it shrinks. :func:`resizer` does the same in a served network.
        nearest: Whether a pixel takes the nearest one's value, as masks must.

    Returns:
        A uint8 tensor of that size.
    """
    if images.shape[-3:-1] == tuple(size):
        return images
    have = tf.unstack(tf.shape(images)[-3:-1])
    box = window(have, size, how, tf)
    if how in ("crop", "center"):
        images = _cut(images, have, box)
    if how in ("pad", "center"):
        images = _filled(images, have, box)
    if nearest and how != "center":
        return tf.image.resize(images, size, "nearest")
    return images if how == "center" else scale(images, size)


def scale(images: tf.Tensor, size: Sequence[int] | tf.Tensor) -> tf.Tensor:
    """Stretches uint8 images (..., height, width, channels) to a size, bilinearly."""
    shape = tf.shape(images)
    scaled = tf.cond(
        tf.size(images) <= MOST_VALUES,
        lambda: _in_bands(images, shape, size),
        lambda: tf.image.resize(images, size, antialias=True),
    )
    return tf.cast(tf.floor(scaled + ROUNDING), tf.uint8)


def _in_bands(images, shape, size):
    """Float32 images of another size, as :func:`resizer` has them.

    Its matrices are zero but for a band, of which a few rows together see few pixels.
    """
    channels, (height, width) = images.shape[-1], tf.unstack(size)
    x = tf.reshape(images, [-1, shape[-3], shape[-2], channels])
    x = _band(tf.transpose(x, (1, 0, 2, 3)), height)
    x = _band(tf.transpose(x, (2, 1, 0, 3)), width)
    x = tf.transpose(x, (1, 2, 0, 3))
    return tf.reshape(x, tf.concat([shape[:-3], [height, width, channels]], 0))


def _band(x, size):
    """Lines (length, ...) stretched to (size, ...), float32."""
    shape = tf.shape(x)
    length = shape[0]
    bands = -(-size // BAND)
    # In halves of the size-th part of a pixel, which are whole numbers.
    reach = 2 * tf.maximum(length, size)
    centers = length * (2 * tf.range(bands * BAND) + 1)
    first = tf.maximum((centers[::BAND] - reach + size) // (2 * size), 0)
    seen = tf.minimum(-(-(length * (BAND - 1) + reach) // size), length)
    pixels = tf.minimum(first, length - seen)[:, None] + tf.range(seen)
    centers = tf.reshape(centers, [bands, BAND, 1])
    distance = tf.abs((2 * pixels[:, None] + 1) * size - centers)
    weights = tf.maximum(reach - distance, 0)
    # Lines behind the last have no pixels.
    total = tf.maximum(tf.reduce_sum(weights, -1, keepdims=True), 1)
    weights = tf.cast(weights, tf.float32) / tf.cast(total, tf.float32)
    x = tf.gather(tf.reshape(x, [length, -1]), pixels)
    x = tf.matmul(weights, tf.cast(x, tf.float32))
    return tf.reshape(x, tf.concat([[bands * BAND], shape[1:]], 0))[:size]


def shrunk(images: tf.Tensor, size: Sequence[int]) -> tf.Tensor:
    """Images (n, height, width, channels) of any type, stretched to a size."""
    if images.shape[1:3] == tuple(size):
        return images
    if images.dtype == tf.uint8:
        return scale(images, size)
    return tf.image.resize(images, size, antialias=True)


def nearest(maps: tf.Tensor, size: Sequence[int]) -> tf.Tensor:
    """Maps (n, height, width) of any type at another size, by the nearest pixel."""
    return tf.image.resize(maps[..., None], size, "nearest")[..., 0]


def restored(
    maps: np.ndarray, seen: Sequence[int], size: Sequence[int], how: str
) -> tuple[np.ndarray, np.ndarray]:
    """What was found on a resized image, at the places of the image itself.

    Args:
        maps: float array (height, width, channels) of the resized image; they may be
            smaller than it.
        seen: Height and width of the resized image.
        size: Height and width of the image.
        how: How it was resized.

    Returns:
        float32 array (*size, channels), bilinear; and where it is known, a bool array
        of the size: what was cut away is not.
    """
    maps = tf.image.resize(maps, seen)
    (top, tall), (left, wide) = window(size, seen, how, np)
    scaled = np.asarray(tf.image.resize(maps, (int(tall), int(wide))), "float32")
    found = np.zeros((*size, maps.shape[-1]), "float32")
    known = np.zeros(size, bool)
    inside = [
        slice(max(0, start), min(side, start + length))
        for side, start, length in zip(size, (top, left), (tall, wide), strict=True)
    ]
    outside = [
        slice(one.start - start, one.stop - start)
        for one, start in zip(inside, (top, left), strict=True)
    ]
    found[*inside] = scaled[*outside]
    known[*inside] = True
    return found, known


@reader.checked
def resizer(
    size: Pair,
    how: Resize,
    channels: Channels,
    name: ModelName = "resize",
    *,
    share: Share = 1.0,
    interpolation: Interpolation = "bilinear",
) -> keras.Model:
    """:func:`resize` as a model of plain Keras operations, for a served network.

    Every axis is resized by a product with a matrix. That runs wherever networks do:
    ``tf.image.resize``, which is faster, becomes an operation that neither ONNX nor
    LiteRT has, and so does ``keras.layers.Resizing``.

    Args:
        size: Height and width.
        how: As for :func:`resize`.
        channels: Of the images.
        name: The model's name.
        share: Of "crop": the share of the shorter side that is seen, as published
            weights have it: with 0.875 an image is scaled to a shorter side of 256, and
            the middle 224x224 of it are cut out.
        interpolation: "bicubic" is Pillow's, antialiased as well.

    Returns:
        A model without weights from uint8 images (batch, any height, any width,
        channels) to uint8 images of that size: the pixels of :func:`resize`, but that
        one in some thousands, where both are near a half, may be rounded the other way.

    Raises:
        ValueError: For a share of anything but a "crop", or of nothing.
    """
    if not share or (share < 1 and how != "crop"):
        raise ValueError(
            f"share is {share:g}, and the resizing {how}; a share from above 0 up to 1 "
            "is of a crop alone."
        )
    images = keras.Input((None, None, channels), dtype="uint8", name="images")
    # A symbolic tensor has no numbers for its sides; lines of ones do as well.
    column, row = (
        ops.cast(part, "int32") for part in (images[:1, :, :1], images[:1, :1])
    )
    lines = [
        ops.ones_like(ops.sum(column, (0, 2, 3))),
        ops.ones_like(ops.sum(row, (0, 1, 3))),
    ]
    have = [ops.sum(line) for line in lines]
    if share < 1:
        boxes, scaled = [(0, side) for side in have], _scaled(have, size, share)
    else:
        boxes, scaled = window(have, size, how, ops), [(side, 0) for side in size]
    # No box is longer than this, on any axis.
    longest = [*lines * -(-max(size) // min(size)), np.ones(max(size), "int32")]
    kernel = KERNELS[interpolation]
    tall, wide = (
        _matrix(line, ops.concatenate(longest), box, side, place, kernel)
        for line, box, side, place in zip(lines, boxes, size, scaled, strict=True)
    )
    x = ops.cast(ops.transpose(images, (0, 3, 1, 2)), "float32")
    x = ops.matmul(tall, ops.matmul(x, ops.transpose(wide)))
    if interpolation != "bilinear":
        # Its weights are negative in places.
        x = ops.clip(x, 0, 255)
    x = ops.cast(ops.floor(x + ROUNDING), "uint8")
    return keras.Model(images, ops.transpose(x, (0, 2, 3, 1)), name=name)


def resized(
    raw: keras.KerasTensor,
    size: Pair,
    how: Resize,
    *,
    native: Pair | None = None,
    share: Share = 1.0,
    interpolation: Interpolation = "bilinear",
) -> keras.KerasTensor:
    """Raw images as the first layers of a served network bring them to a size.

    Args:
        raw: uint8 images (batch, any height, any width, channels).
        size: Height and width.
        how: As for :func:`resizer`.
        native: Height and width to which they are stretched before.
        share: As for :func:`resizer`.
        interpolation: As for :func:`resizer`.

    Returns:
        float32 pixels (batch, height, width, channels) of 0..255.
    """
    count = raw.shape[-1]
    images = resizer(native, "bilinear", count, "native")(raw) if native else raw
    resize = resizer(size, how, count, share=share, interpolation=interpolation)
    return keras.layers.Rescaling(1.0, dtype="float32", name="resized")(resize(images))


def _scaled(have, size, share):
    """What the axes are scaled to before a crop, and where on them it begins.

    The shorter side becomes ``size / share``, rounded down, and the longer one keeps
    its proportion, rounded down too; so PyTorch's transforms reckon.
    """
    # A share such as 224 / 232 is written with few digits.
    least = [int(side / share + 0.01) for side in size]
    (height, width), (tall, wide) = have, least
    scaled = [
        ops.maximum(tall, height * wide // width),
        ops.maximum(wide, width * tall // height),
    ]
    return [
        # Halves are rounded to even numbers there.
        (one, _half_to_even(one - side))
        for one, side in zip(scaled, size, strict=True)
    ]


def _half_to_even(number):
    half = number // 2
    return half + number % 2 * (half % 2)


def _triangle(distance):
    return ops.maximum(1 - distance, 0)


def _cubic(distance):
    """Keys' cubic with a slope of -0.5, which Pillow has."""
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return ops.where(distance < 1, near, ops.where(distance < 2, far, 0))


KERNELS = {"bilinear": _triangle, "bicubic": _cubic}


def _matrix(line, longest, box, size, place, kernel):
    """The matrix (size, pixels) that resizes an axis.

    A result is a mean of the pixels around its place in the box. Their weights fall
    with the distance, in pixels, or in results where these are further apart.

    Args:
        line: Ones, for every pixel of the axis.
        longest: Ones, at least as many as the box is long.
        box: Where the box begins, and how long it is.
        size: How many results there are.
        place: How many there would be of the whole box, and how many of these are left
            out before the first.
        kernel: The weight at a distance.
    """
    (start, length), (scaled, offset) = box, place
    # NumPy would take a symbolic tensor on its right for a number.
    centers = 2 * (offset + np.arange(size, dtype="int32")[:, None]) + 1
    # A tensor made here, outside the graph, would become an input of an ONNX file.
    numbers = isinstance(length, int) and isinstance(scaled, int)
    reach = 2 * (max(length, scaled) if numbers else ops.maximum(length, scaled))

    def weights(pixel):
        # Whole numbers: units of half a pixel's scaled-th part have no rounding.
        distance = ops.abs((2 * pixel + 1) * scaled - length * centers)
        inside = ops.logical_and(pixel >= 0, pixel < length)
        return ops.where(inside, kernel(distance / reach), 0)

    total = ops.sum(weights(ops.cumsum(longest) - 1), -1, keepdims=True)
    return weights(ops.cumsum(line) - 1 - start) / total


def _cut(images, have, box):
    """What there is of a box of images."""
    (top, bottom), (left, right) = (
        (tf.maximum(start, 0), tf.minimum(start + length, side))
        for side, (start, length) in zip(have, box, strict=True)
    )
    return images[..., top:bottom, left:right, :]


def _filled(images, have, box):
    """Images that fill a box, with black around them."""
    sides = [
        [tf.maximum(-start, 0), tf.maximum(start + length - side, 0)]
        for side, (start, length) in zip(have, box, strict=True)
    ]
    others = [[0, 0]] * (len(images.shape) - 3)
    return tf.pad(images, [*others, *sides, [0, 0]])
