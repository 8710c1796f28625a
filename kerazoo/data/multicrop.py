"""Several views of each image, whose predictions are averaged in evaluation."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import tensorflow as tf

from kerazoo import errors, reader
from kerazoo.data import resizing
from kerazoo.reader import Count, axes

Images = Annotated[tf.Tensor | np.ndarray, axes("n", "height", "width", "channels")]
# Views of an image, by kind.
VIEWS = {"center": 1, "flip": 2, "ten_crop": 10, "googlenet": 144}
# Smaller sides over the network's: 256 for 224 pixels in Krizhevsky et al. 2012, Sec.
# 4.1; 256, 288, 320 and 352 in Szegedy et al. 2014, Sec. 7.
ROOM = 8 / 7
GOOGLENET_ROOM = (8 / 7, 9 / 7, 10 / 7, 11 / 7)


@reader.checked
def views(images: Images, kind: str, size: Count | Sequence[Count]) -> tf.Tensor:
    """Cuts views out of images.

    Args:
        images: Tensor or array (n, height, width, channels).
        kind: "center" is the middle; "flip" the middle and its mirror image; "ten_crop"
            the corners and the middle, each mirrored too (Krizhevsky et al. 2012, Sec.
            4.1); "googlenet" 144 views of images scaled to four sizes (smaller sides of
            256, 288, 320 and 352 for views of 224, others in proportion): left, middle
            and right (or top ...) square of each, of these the corners, the middle and
            the square itself scaled down, each mirrored too (Szegedy et al. 2014, Sec.
            7).
        size: Height and width of a view, or one number.

    Returns:
        A tensor (n, views, height, width, channels) in the type of the images; average
        the probabilities over axis 1.

    Raises:
        ValueError: If the kind is unknown or the images are smaller than a view.
    """
    if kind not in VIEWS:
        raise errors.unknown("kind of views", kind, VIEWS)
    images = tf.convert_to_tensor(images)
    size = (size, size) if isinstance(size, int) else tuple(size)
    have = images.shape[1:3]
    if kind != "googlenet" and (have[0] < size[0] or have[1] < size[1]):
        raise ValueError(
            f"images of {have[0]}x{have[1]} pixels have no views of "
            f"{size[0]}x{size[1]}; scale the images up or give a smaller size"
        )
    return _cut(images, kind, size)


def views_of_whole(
    image: tf.Tensor, kind: str, size: Sequence[int], resize: str
) -> tf.Tensor:
    """Scales an image of any size as the papers do and cuts its views.

    Args:
        image: uint8 tensor (height, width, channels).
        kind: As in :func:`views`. For "flip" the image is brought to the size itself,
            for "center" and "ten_crop" to 8/7 of it.
        size: Height and width of a view.
        resize: How it is brought there, see :func:`resizing.resize`; "googlenet" keeps
            the proportions.

    Returns:
        A uint8 tensor (views, height, width, channels).
    """
    if kind != "googlenet":
        room = 1 if kind == "flip" else ROOM
        image = resizing.resize(image, [round(room * side) for side in size], resize)
    found = _cut(image[None], kind, size)[0]
    return tf.ensure_shape(found, (VIEWS[kind], *size, image.shape[-1]))


def _cut(images, kind, size):
    if kind == "googlenet":
        return tf.stack(_googlenet(images, *size), 1)
    places = _five(images, *size) if kind == "ten_crop" else _center(images, *size)
    return tf.stack(places if kind == "center" else _mirrored(places), 1)


def _sides(images):
    """Height and width, as numbers where they are known."""
    shape = tf.shape(images)
    return [images.shape[axis] or shape[axis] for axis in (1, 2)]


def _center(images, height, width):
    tall, wide = _sides(images)
    top, left = (tall - height) // 2, (wide - width) // 2
    return [images[:, top : top + height, left : left + width]]


def _five(images, height, width):
    tall, wide = _sides(images)
    corners = [
        images[:, top : top + height, left : left + width]
        for top in (0, tall - height)
        for left in (0, wide - width)
    ]
    return corners + _center(images, height, width)


def _mirrored(some):
    return some + [tf.reverse(one, [2]) for one in some]


def _googlenet(images, height, width):
    found = []
    sides = tf.cast(tf.shape(images)[1:3], tf.float64)
    for room in GOOGLENET_ROOM:
        scale = round(room * max(height, width))
        target = tf.round(sides * (scale / tf.reduce_min(sides)))
        scaled = _resized(images, tf.cast(target, tf.int32))
        tall, wide = _sides(scaled)
        for part in (0, 1, 2):
            top, left = (tall - scale) * part // 2, (wide - scale) * part // 2
            square = scaled[:, top : top + scale, left : left + scale]
            found += _five(square, height, width)
            found.append(_resized(square, (height, width)))
    return _mirrored(found)


def _resized(images, size):
    scaled = tf.image.resize(images, size, antialias=True)
    if images.dtype == tf.uint8:
        scaled = tf.clip_by_value(tf.round(scaled), 0, 255)
    return tf.cast(scaled, images.dtype)
