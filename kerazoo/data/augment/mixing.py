"""Augmentations that mix each image of a batch, and its label, with the one before."""

import tensorflow as tf

from kerazoo.data.augment.registry import augmentation

TRIES = 16


def beta(u: tf.Tensor, alpha: float) -> tf.Tensor:
    """Numbers distributed as Beta(alpha, alpha), 0 < alpha <= 1.

    Jöhnk's rejection method (1964) with sixteen tries; the last is kept, which happens
    to one number in 65,536 at worst (alpha = 1).

    Args:
        u: Uniform tensor (n, 2 * TRIES).
        alpha: Both parameters.

    Returns:
        A tensor (n,).
    """
    # Powers of small numbers would vanish, so all of it is done in logarithms.
    logs = tf.math.log(u + 2.0**-25) / alpha
    x, y = logs[:, :TRIES], logs[:, TRIES:]
    total = tf.maximum(x, y) + tf.math.softplus(-tf.abs(x - y))
    accepted = tf.cast(total <= 0, tf.int32)
    # argmax finds the first; where none fits, all are zero and it is the first too.
    first = tf.argmax(accepted, 1)
    return tf.sigmoid(tf.gather(x - y, first, batch_dims=1))


def before(tensor: tf.Tensor) -> tf.Tensor:
    return tf.roll(tensor, 1, 0)


@augmentation("mix", draws=2 * TRIES, limits=(0.01, 1))
def mixup(
    images: tf.Tensor, labels: tf.Tensor, u: tf.Tensor, alpha: float = 0.2
) -> tuple[tf.Tensor, tf.Tensor]:
    """Blends pairs of images and labels; float32 images (Zhang et al. 2017)."""
    share = beta(u, alpha)
    images = tf.cast(images, tf.float32)
    weight = share[:, None, None, None]
    images = weight * images + (1 - weight) * before(images)
    return images, share[:, None] * labels + (1 - share[:, None]) * before(labels)


@augmentation("mix", draws=2 * TRIES + 2, limits=(0.01, 1))
def cutmix(
    images: tf.Tensor, labels: tf.Tensor, u: tf.Tensor, alpha: float = 1.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """Pastes a box of one image into another, labels by area (Yun et al. 2019)."""
    half = tf.sqrt(1 - beta(u[:, 2:], alpha)) / 2
    inside = []
    for axis in (0, 1):
        size = tf.cast(tf.shape(images)[axis + 1], tf.float32)
        line = tf.range(size)[None]
        centre, reach = (u[:, axis] * size)[:, None], (half * size)[:, None]
        inside.append((line >= centre - reach) & (line < centre + reach))
    box = inside[0][:, :, None] & inside[1][:, None, :]
    share = 1 - tf.reduce_mean(tf.cast(box, tf.float32), [1, 2])[:, None]
    images = tf.where(box[..., None], before(images), images)
    return images, share * labels + (1 - share) * before(labels)
