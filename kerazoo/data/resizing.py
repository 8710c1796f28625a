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


def resize(images: tf.Tensor, size: Sequence[int], how: str) -> tf.Tensor:
    """Brings uint8 images (..., height, width, channels) to `size`.

    Args:
        images: One image or a batch of one size.
        size: Height and width.
        how: "bilinear" stretches; "pad" keeps the proportions and fills up with black;
            "crop" keeps the proportions and cuts off what sticks out; "center" does not
            scale: it cuts and fills around the centre. Scaling is bilinear,
            antialiased when it shrinks.

    Returns:
        A uint8 tensor of that size.
    """
    have = tf.shape(images)[-3:-1]
    if images.shape[-3:-1] == tuple(size):
        return images
    if how == "center":
        return tf.image.resize_with_crop_or_pad(images, *size)
    target = tf.constant(size)
    if how != "bilinear":
        ratio = tf.cast(target, tf.float32) / tf.cast(have, tf.float32)
        scale = tf.reduce_min(ratio) if how == "pad" else tf.reduce_max(ratio)
        target = tf.cast(tf.round(tf.cast(have, tf.float32) * scale), tf.int32)
        target = tf.maximum(target, 1)
    scaled = tf.image.resize(images, target, antialias=True)
    scaled = tf.cast(tf.clip_by_value(tf.round(scaled), 0, 255), tf.uint8)
    if how != "bilinear":
        scaled = tf.image.resize_with_crop_or_pad(scaled, *size)
    return scaled
