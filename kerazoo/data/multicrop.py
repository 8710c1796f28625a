"""Several views of each image, whose predictions are averaged in evaluation."""

import tensorflow as tf

from kerazoo import errors

# Sizes of the smaller side, Szegedy et al. 2014, Sec. 7.
GOOGLENET_SCALES = (256, 288, 320, 352)


def views(images, kind, size):
    """Cuts views out of images.

    Args:
        images: Tensor or array (n, height, width, channels).
        kind: "center" is the middle; "ten_crop" the corners and the middle, each
            mirrored too (Krizhevsky et al. 2012, Sec. 4.1); "googlenet" 144 views of
            images scaled to four sizes: left, middle and right (or top ...) square of
            each, of these the corners, the middle and the square itself scaled down,
            each mirrored too (Szegedy et al. 2014, Sec. 7).
        size: Height and width of a view, or one number.

    Returns:
        A tensor (n, views, size, size, channels) in the type of the images; average
        the probabilities over axis 1.

    Raises:
        ValueError: If the kind is unknown or the images are smaller than a view.
    """
    kinds = {"center": _center, "ten_crop": _ten, "googlenet": _googlenet}
    if kind not in kinds:
        raise errors.unknown("kind of views", kind, kinds)
    images = tf.convert_to_tensor(images)
    size = (size, size) if isinstance(size, int) else tuple(size)
    least = GOOGLENET_SCALES[0] if kind == "googlenet" else None
    have = (least, least) if least else tuple(images.shape[1:3])
    if have[0] < size[0] or have[1] < size[1]:
        raise ValueError(
            f"images of {have[0]}x{have[1]} pixels have no views of "
            f"{size[0]}x{size[1]}; scale the images up or give a smaller size"
        )
    return tf.stack(kinds[kind](images, *size), 1)


def _center(images, height, width):
    top = (images.shape[1] - height) // 2
    left = (images.shape[2] - width) // 2
    return [images[:, top : top + height, left : left + width]]


def _five(images, height, width):
    down, right = images.shape[1] - height, images.shape[2] - width
    corners = [
        images[:, top : top + height, left : left + width]
        for top in (0, down)
        for left in (0, right)
    ]
    return corners + _center(images, height, width)


def _mirrored(some):
    return some + [tf.reverse(one, [2]) for one in some]


def _ten(images, height, width):
    return _mirrored(_five(images, height, width))


def _googlenet(images, height, width):
    found = []
    for scale in GOOGLENET_SCALES:
        tall, wide = images.shape[1:3]
        ratio = scale / min(tall, wide)
        sides = (round(tall * ratio), round(wide * ratio))
        scaled = _resized(images, sides)
        room = (sides[0] - scale, sides[1] - scale)
        for part in (0, 1, 2):
            top, left = room[0] * part // 2, room[1] * part // 2
            square = scaled[:, top : top + scale, left : left + scale]
            found += _five(square, height, width)
            found.append(_resized(square, (height, width)))
    return _mirrored(found)


def _resized(images, size):
    scaled = tf.image.resize(images, size, antialias=True)
    if images.dtype == tf.uint8:
        scaled = tf.clip_by_value(tf.round(scaled), 0, 255)
    return tf.cast(scaled, images.dtype)
