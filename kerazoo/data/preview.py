"""Pictures of batches, because people look."""

import math

import numpy as np
from PIL import Image

from kerazoo import memory, reader
from kerazoo.data.batches import Batches
from kerazoo.files import check_file, replacing
from kerazoo.reader import Count, Path


@reader.checked
def show(
    batches: Batches, path: Path, *, count: Count = 64, side: Count = 96
) -> np.ndarray:
    """Writes the first images of an epoch, as the network gets them, to a PNG file.

    Args:
        batches: A `Batches`; its first epoch is shown.
        path: File to write.
        count: How many images, at most.
        side: Images whose smaller side has fewer pixels are enlarged, by whole factors
            so that every pixel stays a square.

    Returns:
        The labels of the images, row by row.

    Raises:
        ValueError: If the file cannot be written.
    """
    path = check_file(path)
    count = min(count, batches.size)
    height, width, channels = batches.image_shape
    factor = max(1, side // min(height, width))
    memory.check(
        f"A picture of {count} images of {factor * height}x{factor * width} pixels",
        count * factor**2 * height * width * channels,
        "give a smaller count or side",
    )
    images, labels = batches.take(count)
    images = np.clip(np.rint(images), 0, 255).astype("uint8")
    images = images.repeat(factor, 1).repeat(factor, 2)
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    _, height, width, channels = images.shape
    gap = 4
    grid = np.full(
        (rows * (height + gap) + gap, columns * (width + gap) + gap, channels),
        255,
        "uint8",
    )
    for place, image in enumerate(images):
        top = gap + place // columns * (height + gap)
        left = gap + place % columns * (width + gap)
        grid[top : top + height, left : left + width] = image
    picture = Image.fromarray(grid[..., 0] if channels == 1 else grid)
    with replacing(path) as scratch:
        picture.save(scratch, format="PNG")
    return labels
