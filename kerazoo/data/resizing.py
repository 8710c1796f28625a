"""Bringing images to the size and the channels that a network takes."""

from collections.abc import Sequence

import tensorflow as tf

RESIZES = ("bilinear", "pad", "crop", "center")


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
            it shrinks. A served network does the same (see
            :meth:`kerazoo.training.Pipeline.for_serving`).
        nearest: Whether a pixel takes the nearest one's value, as masks must.

    Returns:
        A uint8 tensor of that size.
    """
    if images.shape[-3:-1] == tuple(size):
        return images
    if how == "center":
        # Both sides grow by the size, so that a cut around the centre always fits.
        images = _padded(images, [[side, side] for side in size])
        return _cut(images, (tf.shape(images)[-3:-1] - size) // 2, size)
    if how != "bilinear":
        images = _in_proportion(images, tf.constant(size), how)
    if nearest:
        return tf.image.resize(images, size, "nearest")
    scaled = tf.image.resize(images, size, antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(scaled), 0, 255), tf.uint8)


def _in_proportion(images, size, how):
    """Images cut or filled up to the proportions of a size, around their centre.

    To the pixel what ``keras.layers.Resizing`` does, which served networks begin with.
    """
    have = tf.shape(images)[-3:-1]
    # The height that goes with the width, and the width that goes with the height.
    fitting = tf.cast(have[::-1] * size, tf.float32) / tf.cast(size[::-1], tf.float32)
    fitting = tf.cast(fitting, tf.int32)
    if how == "crop":
        box = tf.maximum(tf.minimum(have, fitting), 1)
        return _cut(images, (have - box) // 2, box)
    missing = (tf.maximum(have, fitting) - have) // 2
    return _padded(images, tf.stack([missing, missing], 1))


def _cut(images, corner, size):
    bottom, right = tf.unstack(corner + size)
    return images[..., corner[0] : bottom, corner[1] : right, :]


def _padded(images, sides):
    others = tf.zeros([len(images.shape) - 3, 2], tf.int32)
    return tf.pad(images, tf.concat([others, sides, [[0, 0]]], 0))
