"""Pixels as trained weights take them."""

from typing import Any

from keras import layers, ops

from kerazoo.weights.records import Preprocessing

# The place of every channel of an RGB image.
ORDERS = {"bgr": (2, 1, 0)}


def normalized(pixels: Any, preprocessing: Preprocessing) -> Any:
    """Pixels of the network's size, in the order, with the mean and deviation.

    Args:
        pixels: RGB or grey, (batch, height, width, channels) in 0..255, float32.
        preprocessing: What the weights were trained with; its size does not count.
    """
    if places := ORDERS.get(preprocessing.order):
        pixels = ops.take(pixels, places, axis=-1)
    scales = [1 / one for one in preprocessing.std]
    offsets = [-m * s for m, s in zip(preprocessing.mean, scales, strict=True)]
    # Of 0..255 a half of 16 bits would not tell all values apart.
    layer = layers.Rescaling(scales, offsets, dtype="float32", name="normalize_weights")
    return layer(pixels)
