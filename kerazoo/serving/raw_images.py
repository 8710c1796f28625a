"""Images as users have them, as a batch that a served network takes."""

from typing import Any

import numpy as np

from kerazoo.data.resizing import channels


def raw_batch(images: Any, count: int) -> np.ndarray:
    """One image or several of a size as uint8 (n, height, width, channels).

    Args:
        images: uint8 array (height, width), with a last axis of 1, 3 or 4 channels
            (the fourth, of opacity, is left out), or a batch of such images.
        count: How many channels the network takes.

    Raises:
        ValueError: For what is no image.
    """
    pixels = np.asarray(images)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4):
        raise ValueError(
            f"images are {pixels.dtype} of shape {pixels.shape}; give uint8 images "
            "(height, width, channels), a batch of them, or a list of images."
        )
    batch = pixels if pixels.ndim == 4 else pixels[None]
    if not batch.size:
        raise ValueError(f"images have no pixels, but the shape {pixels.shape}.")
    if batch.shape[-1] == 4:
        batch = batch[..., :3]
    if {batch.shape[-1], count} - {1, 3}:
        raise ValueError(
            f"images have {batch.shape[-1]} channels; give grey or RGB ones, with the "
            "channels last."
        )
    return np.asarray(channels(batch, count))
