"""Pictures of batches, because people look."""

import math

import numpy as np
from PIL import Image

from kerazoo import memory, reader
from kerazoo.data.batches import Batches
from kerazoo.files import check_file, replacing
from kerazoo.fonts import drawn, legible
from kerazoo.reader import Count, Path

# Pixels between images, above each the height of its class' name, and a letter's width.
GAP, LINE, LETTER = 4, 14, 6.2


@reader.checked
def show(
    batches: Batches, path: Path, *, count: Count = 64, side: Count = 96
) -> np.ndarray:
    """Writes the first images of an epoch, as the network gets them, to a PNG file.

    Above each stands the name of its class, of a mixed image the likeliest.

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
    truth = labels if labels.ndim == 1 else labels.argmax(-1)
    names, font = legible(batches.split.classes, int(width / LETTER))
    lines = {one: drawn(names[one], font, LINE, width) for one in set(truth.tolist())}
    cell = (LINE + height + GAP, width + GAP)
    grid = np.full(
        (rows * cell[0] + GAP, columns * cell[1] + GAP, channels), 255, "uint8"
    )
    for place, (image, label) in enumerate(zip(images, truth, strict=True)):
        top = GAP + place // columns * cell[0]
        left = GAP + place % columns * cell[1]
        grid[top : top + LINE, left : left + width] = lines[label][..., None]
        grid[top + LINE :][:height, left : left + width] = image
    picture = Image.fromarray(grid[..., 0] if channels == 1 else grid)
    with replacing(path) as scratch:
        picture.save(scratch, format="PNG")
    return labels
