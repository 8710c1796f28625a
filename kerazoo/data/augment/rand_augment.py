"""RandAugment with a choice for each example.

Keras' own `RandAugment` picks its operations once for a batch and draws from a state
that a parallel map advances in any order, so it cannot be a function of the example.
"""

import math

import tensorflow as tf

from kerazoo.data.augment.color import blend, grey
from kerazoo.data.augment.geometry import as_like, matrices, turn, warp
from kerazoo.data.augment.registry import augmentation

OPERATIONS = (
    "identity",
    "rotate",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
    "brightness",
    "color",
    "contrast",
    "sharpness",
    "posterize",
    "solarize",
    "autocontrast",
    "equalize",
)


@augmentation("pair", draws=8, limits=(0, 30))
def rand_augment(
    images: tf.Tensor,
    masks: tf.Tensor | None,
    u: tf.Tensor,
    operations: float = 2,
    magnitude: float = 9,
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Does some of 14 operations at a magnitude of 30 (RandAugment, at most 4).

    Cubuk et al. 2019, Sec. 3; ranges as in AutoAugment, Cubuk et al. 2018, Table 6.
    """
    for number in range(min(int(operations), 4)):
        pick, way = u[:, 2 * number], u[:, 2 * number + 1]
        chosen = tf.cast(pick * len(OPERATIONS), tf.int32)
        sign = tf.where(way < 0.5, -1.0, 1.0)
        images, masks = operate(images, masks, chosen, sign, magnitude / 30)
    return images, masks


def operate(
    images: tf.Tensor,
    masks: tf.Tensor | None,
    chosen: tf.Tensor,
    sign: tf.Tensor,
    strength: float,
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Does one operation to each image.

    Args:
        images: uint8 tensor (n, height, width, channels).
        masks: uint8 tensor (n, height, width, 1) that moves with them, or None.
        chosen: int32 tensor (n,) of positions in `OPERATIONS`.
        sign: float32 tensor (n,) of -1 and 1: the direction, where there is one.
        strength: From 0 to 1.

    Returns:
        Tensors like `images` and `masks`.
    """

    def amount(name, largest):
        return tf.where(chosen == OPERATIONS.index(name), sign * strength * largest, 0)

    def select(name, changed, images):
        mask = chosen == OPERATIONS.index(name)
        return tf.where(mask[:, None, None, None], changed, images)

    # A unit is half of a side, so 0.9 moves by 0.45 of the image.
    place = [
        [1, amount("shear_x", 0.3), amount("translate_x", 0.9)],
        [amount("shear_y", 0.3), 1, amount("translate_y", 0.9)],
        [0, 0, 1],
    ]
    angle = amount("rotate", math.pi / 6)
    moved = turn(angle) @ matrices(place)
    if masks is not None:
        masks = warp(masks, moved, nearest=True)
    images = tf.cast(warp(images, moved), tf.float32)

    mean = tf.reduce_mean(grey(images), [1, 2, 3], keepdims=True)
    others = {
        "brightness": tf.zeros_like(images),
        "color": grey(images) + tf.zeros_like(images),
        "contrast": tf.round(mean) + tf.zeros_like(images),
        "sharpness": smooth(images),
    }
    result = images
    for name, other in others.items():
        result = select(name, blend(images, other, 1 + amount(name, 0.9)), result)
    step = 2.0 ** round(4 * strength)
    result = select("posterize", tf.floor(images / step) * step, result)
    bright = images >= 256 * (1 - strength)
    result = select("solarize", tf.where(bright, 255 - images, images), result)
    result = select("autocontrast", autocontrast(images), result)
    result = select("equalize", equalize(images), result)
    return as_like(result, tf.zeros([0], tf.uint8)), masks


def smooth(images: tf.Tensor) -> tf.Tensor:
    """Pillow's SMOOTH filter: 1 around 5, over 13; the border stays as it is."""
    channels = images.shape[-1]
    kernel = tf.constant([[1.0, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13
    kernel = tf.tile(kernel[:, :, None, None], [1, 1, channels, 1])
    inner = tf.nn.depthwise_conv2d(images, kernel, [1, 1, 1, 1], "VALID")
    padding = [[0, 0], [1, 1], [1, 1], [0, 0]]
    inside = tf.pad(tf.ones_like(inner), padding)
    return tf.where(inside > 0, tf.pad(tf.round(inner), padding), images)


def autocontrast(images: tf.Tensor) -> tf.Tensor:
    """Spreads each channel of each image over 0..255."""
    low = tf.reduce_min(images, [1, 2], keepdims=True)
    high = tf.reduce_max(images, [1, 2], keepdims=True)
    spread = (images - low) * 255 / tf.maximum(high - low, 1)
    return tf.where(high > low, spread, images)


def equalize(images: tf.Tensor) -> tf.Tensor:
    """Gives the values of each channel of each image equal shares, as Pillow does."""
    shape = tf.shape(images)
    rows = tf.transpose(tf.cast(images, tf.int32), [0, 3, 1, 2])
    rows = tf.reshape(rows, [shape[0] * shape[3], -1])
    counts = tf.math.bincount(rows, minlength=256, maxlength=256, axis=-1)
    # Pillow leaves the fullest share out of the step between two levels.
    last = tf.reduce_max(rows, 1, keepdims=True)
    at_last = tf.gather(counts, last, batch_dims=1)
    step = (tf.shape(rows)[1] - at_last) // 255
    below = tf.cumsum(counts, axis=1, exclusive=True)
    table = tf.minimum((below + step // 2) // tf.maximum(step, 1), 255)
    table = tf.where(step > 0, table, tf.range(256)[None])
    rows = tf.gather(table, rows, batch_dims=1)
    rows = tf.reshape(rows, [shape[0], shape[3], shape[1], shape[2]])
    return tf.cast(tf.transpose(rows, [0, 2, 3, 1]), tf.float32)
