"""Naming what is on an image, with the network of a run."""

import os
import struct
import zlib
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageOps

from kerazoo.training.run import Run

# What Pillow raises for a damaged file, by format.
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def predict(
    run: str | os.PathLike | Run, images: Iterable[str | os.PathLike], *, top: int = 3
) -> list[dict]:
    """The likeliest classes of image files.

    Args:
        run: The run or its folder.
        images: PNG, JPEG or other files that Pillow reads, of any size.
        top: How many classes to give for each.

    Returns:
        A row an image: ``{"image": path, "top": [{"class", "probability"}, ...]}``.

    Raises:
        ValueError: Where a file is missing or no image, or there is no model.
    """
    run = run if isinstance(run, Run) else Run(run)
    if top < 1:
        raise ValueError(f"top is {top}; it must be 1 or more.")
    classes, channels = run.config["classes"], run.config["image_shape"][-1]
    decoded = {}
    for path in images:
        try:
            with Image.open(path) as file:
                picture = ImageOps.exif_transpose(file)
                picture = picture.convert("L" if channels == 1 else "RGB")
        except UNREADABLE as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ValueError(f"{path} cannot be read as an image: {reason}.") from error
        decoded[path] = np.asarray(picture).reshape(*picture.size[::-1], channels)
    model = run.model()
    rows = []
    for path, pixels in decoded.items():
        scores = np.asarray(model(pixels[None], training=False))[0]
        best = np.argsort(-scores)[:top]
        guesses = [{"class": classes[i], "probability": float(scores[i])} for i in best]
        rows.append({"image": str(path), "top": guesses})
    return rows
