"""Naming what is on an image, with the network of a run."""

import os
from collections.abc import Iterable

import numpy as np

from kerazoo import data as kerazoo_data
from kerazoo.run import Run


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
    classes, channels = run.config.classes, run.config.image_shape[-1]
    # Every file is read before the model is, so that a bad one costs nothing.
    decoded = {path: kerazoo_data.read_image(path, channels) for path in images}
    model = run.model()
    rows = []
    for path, pixels in decoded.items():
        scores = np.asarray(model(pixels[None], training=False))[0]
        best = np.argsort(-scores)[:top]
        guesses = [{"class": classes[i], "probability": float(scores[i])} for i in best]
        rows.append({"image": str(path), "top": guesses})
    return rows
