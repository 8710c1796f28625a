"""Pictures of batches, because people look."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from kerazoo import colors, memory, reader
from kerazoo.data.batches import Batches
from kerazoo.detections import Objects
from kerazoo.files import check_file, replacing
from kerazoo.fonts import drawn, legible
from kerazoo.reader import Count, Path

# Pixels between images, above each the height of its class' name, and a letter's width.
GAP, LINE, LETTER = 4, 14, 6.2


@reader.checked
def show(batches: Batches, path: Path, *, count: Count = 64, side: Count = 96) -> Any:
    """Writes the first images of an epoch, as the network gets them, to a PNG file.

    Above each stands the name of its class, of a mixed image the likeliest; beside one
    whose every pixel has a class stand those, in colors; objects have boxes around them
    and their classes inside.

    Args:
        batches: A `Batches`; its first epoch is shown.
        path: File to write.
        count: How many images, at most.
        side: Images whose smaller side has fewer pixels are enlarged, by whole factors
            so that every pixel stays a square.

    Returns:
        The labels of the images, row by row, as `Batches.take` gives them.

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
    boxed = isinstance(labels, Objects)
    masked = not boxed and labels.ndim == 3
    if masked:
        images = colors.beside(images, labels, len(batches.split.classes))
    if boxed:
        images = with_boxes(images, labels, batches.split.classes, factor)
    else:
        images = images.repeat(factor, 1).repeat(factor, 2)
    columns = math.ceil(math.sqrt(len(images) / (1 + masked)))
    rows = math.ceil(len(images) / columns)
    _, height, width, channels = images.shape
    above = [] if masked or boxed else _names(batches.split.classes, labels, width)
    line = LINE if above else 0
    cell = (line + height + GAP, width + GAP)
    grid = np.full(
        (rows * cell[0] + GAP, columns * cell[1] + GAP, channels), 255, "uint8"
    )
    for place, image in enumerate(images):
        top = GAP + place // columns * cell[0]
        left = GAP + place % columns * cell[1]
        if above:
            grid[top : top + line, left : left + width] = above[place][..., None]
        grid[top + line :][:height, left : left + width] = image
    picture = Image.fromarray(grid[..., 0] if channels == 1 else grid)
    with replacing(path) as scratch:
        picture.save(scratch, format="PNG")
    return labels


def with_boxes(
    images: np.ndarray, objects: Objects, classes: Sequence[str], factor: int = 1
) -> np.ndarray:
    """Images with the boxes of their objects, and what is in them.

    Args:
        images: uint8 (n, height, width, 1 or 3).
        objects: Of these images.
        classes: Class names.
        factor: By how much the images are enlarged.

    Returns:
        uint8 (n, factor * height, factor * width, 3).
    """
    images = np.broadcast_to(images, (*images.shape[:3], 3))
    images = images.repeat(factor, 1).repeat(factor, 2)
    for number, image in enumerate(images):
        one = objects.on(number)
        _draw_boxes(image, factor * one.boxes, one.classes, classes)
    return images


def _draw_boxes(image, boxes, ids, classes):
    """Draws boxes into an image, and what is in them."""
    shades = colors.palette(len(classes) + 1)[1:]
    names, font = legible(classes, 12)
    for (x1, y1, x2, y2), one in zip(boxes.astype(int), ids.tolist(), strict=True):
        inside = image[y1:y2, x1:x2]
        for edge in (inside[:2], inside[-2:], inside[:, :2], inside[:, -2:]):
            edge[:] = shades[one]
        width = min(x2 - x1, int(LETTER * len(names[one])) + GAP)
        label = drawn(names[one], font, min(LINE, y2 - y1), width)
        inside[: len(label), :width] = label[..., None]


def _names(classes, labels, width):
    """The names of the likeliest classes, drawn."""
    truth = labels if labels.ndim == 1 else labels.argmax(-1)
    names, font = legible(classes, int(width / LETTER))
    lines = {one: drawn(names[one], font, LINE, width) for one in set(truth.tolist())}
    return [lines[one] for one in truth.tolist()]
