"""Augmentations that change values and leave pixels in their places."""

import math

import tensorflow as tf

from kerazoo.data.augment.geometry import as_like, both_ways
from kerazoo.data.augment.registry import augmentation

# Of the RGB values of ImageNet's training images in 0..1: eigenvalues, and eigenvectors
# in the columns, as published with fb.resnet.torch (datasets/imagenet.lua).
EIGENVALUES = (0.2175, 0.0188, 0.0045)
EIGENVECTORS = (
    (-0.5675, 0.7192, 0.4009),
    (-0.5808, -0.0045, -0.8140),
    (-0.5836, -0.6948, 0.4203),
)


def grey(values: tf.Tensor) -> tf.Tensor:
    """Luma of float images, one channel; weights of ITU-R BT.601."""
    if values.shape[-1] == 1:
        return values
    return tf.reduce_sum(values * (0.299, 0.587, 0.114), -1, keepdims=True)


def blend(values: tf.Tensor, other: tf.Tensor | float, factor: tf.Tensor) -> tf.Tensor:
    """Moves from `other` (factor 0) to the images (1) and beyond."""
    return other + factor[:, None, None, None] * (values - other)


@augmentation("pixels", draws=3, limits=(0, 1))
def color_jitter(images: tf.Tensor, u: tf.Tensor, strength: float = 0.4) -> tf.Tensor:
    """Scales brightness, contrast and saturation by 1 - strength ... 1 + strength."""
    values = tf.cast(images, tf.float32)
    factors = 1 + both_ways(u, strength)
    values = tf.clip_by_value(blend(values, 0.0, factors[:, 0]), 0, 255)
    mean = tf.reduce_mean(grey(values), [1, 2, 3], keepdims=True)
    values = tf.clip_by_value(blend(values, mean, factors[:, 1]), 0, 255)
    return as_like(blend(values, grey(values), factors[:, 2]), images)


@augmentation("pixels", draws=6, limits=(0, 10))
def lighting(images: tf.Tensor, u: tf.Tensor, deviation: float = 0.1) -> tf.Tensor:
    """Shifts RGB along the principal components of ImageNet (AlexNet).

    Krizhevsky et al. 2012, Sec. 4.1: each component times its eigenvalue times a
    normal number of this deviation; here rounded and clipped to 0..255.
    """
    if images.shape[-1] != 3:
        raise ValueError(
            f"augmentation lighting needs RGB images, not {images.shape[-1]} channel; "
            "give image_shape 3 channels or leave it out"
        )
    # Box and Muller's normal numbers.
    radius = tf.sqrt(-2 * tf.math.log(1 - u[:, :3]))
    normal = deviation * radius * tf.cos(2 * math.pi * u[:, 3:])
    shift = 255 * tf.linalg.matvec(EIGENVECTORS, normal * EIGENVALUES)
    return as_like(tf.cast(images, tf.float32) + shift[:, None, None], images)


@augmentation("pixels", draws=2, limits=(1, math.inf))
def cutout(images: tf.Tensor, u: tf.Tensor, pixels: float = 16) -> tf.Tensor:
    """Blackens a square of this side, centred anywhere (DeVries and Taylor 2017)."""
    size = tf.cast(tf.shape(images)[1:3], tf.float32)
    centre = tf.floor(u * size)
    half = int(pixels) // 2
    inside = [
        (line[None] >= middle[:, None] - half)
        & (line[None] < middle[:, None] - half + int(pixels))
        for line, middle in (
            (tf.range(size[0]), centre[:, 0]),
            (tf.range(size[1]), centre[:, 1]),
        )
    ]
    hidden = inside[0][:, :, None] & inside[1][:, None, :]
    return tf.where(hidden[..., None], tf.zeros_like(images), images)
