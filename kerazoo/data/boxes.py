"""Boxes around the objects of images: what a batch of them has for its truth."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf


class Objects(NamedTuple):
    """The objects of a batch of images.

    A tuple, for `tf.data` and Keras know how to go through one.

    Attributes:
        boxes: float32 (n, k, 4): x1, y1, x2, y2 in pixels of the batch's images,
            half-open; rows of -1 where an image has fewer than k objects.
        classes: int32 (n, k): class ids, -1 for none.
    """

    boxes: tf.Tensor | np.ndarray
    classes: tf.Tensor | np.ndarray


def of_masks(masks: tf.Tensor, classes: tf.Tensor) -> Objects:
    """The objects whose pixels are marked; one that is out of the image is none.

    Args:
        masks: uint8 tensor (n, height, width): 0, and k + 1 where object k is.
        classes: int32 tensor (n, k): class ids, -1 for none.
    """
    numbers = tf.range(1, classes.shape[1] + 1)[:, None, None]
    shapes = tf.equal(tf.cast(masks, tf.int32)[:, None], numbers)
    boxes = boxes_around(tf.cast(shapes, tf.int32))
    there = boxes[..., 0] >= 0
    return Objects(tf.cast(boxes, tf.float32), tf.where(there, classes, -1))


def boxes_around(shapes: tf.Tensor) -> tf.Tensor:
    """The boxes around shapes.

    Args:
        shapes: int32 tensor (n, k, height, width): 1 inside, 0 outside.

    Returns:
        int32 tensor (n, k, 4): x1, y1, x2, y2, half-open; rows of -1 around nothing.
    """
    ends = []
    for axis in (-2, -1):  # Along columns for x, then along rows for y.
        line = tf.reduce_max(shapes, axis)
        last = line.shape[-1] - tf.argmax(line[..., ::-1], -1, tf.int32)
        ends.append((tf.argmax(line, -1, tf.int32), last))
    box = tf.stack([ends[0][0], ends[1][0], ends[0][1], ends[1][1]], -1)
    return tf.where(tf.reduce_any(shapes > 0, [-2, -1])[..., None], box, -1)
