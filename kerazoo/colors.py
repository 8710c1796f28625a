"""The colors of classes."""

import numpy as np


def palette(count: int) -> np.ndarray:
    """Colors of classes: those of PASCAL VOC, black the first.

    Args:
        count: How many, at most 256.

    Returns:
        uint8 array (count, 3) of RGB.
    """
    found = np.zeros((count, 3), "uint8")
    for number in range(count):
        for bit in range(8):
            # The lowest bits of the number become the highest of the channels.
            for channel in range(3):
                found[number, channel] |= (number >> (3 * bit + channel) & 1) << 7 - bit
    return found


def colored(masks: np.ndarray, classes: int, void: int = -1) -> np.ndarray:
    """Class ids as colors, white where there is no class.

    Args:
        masks: Integer array of any shape.
        classes: Number of classes.
        void: The id of no class.

    Returns:
        uint8 array of that shape and RGB.
    """
    known = np.concatenate([palette(classes), [[255, 255, 255]]]).astype("uint8")
    return known[np.where(masks == void, classes, masks)]


def beside(images: np.ndarray, masks: np.ndarray, classes: int) -> np.ndarray:
    """Images with the classes of their pixels, in colors, to the right of each.

    Args:
        images: Array (n, height, width, 1 or 3) in 0..255.
        masks: Class ids (n, height, width), -1 for none.
        classes: Number of classes.

    Returns:
        Array (n, height, 2 * width, 3).
    """
    images = np.broadcast_to(images, (*images.shape[:3], 3))
    return np.concatenate([images, colored(masks, classes)], 2)
