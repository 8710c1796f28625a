"""Naming what is on an image, with the network of a run."""

import os
from collections.abc import Iterable

import numpy as np

from kerazoo import data as kerazoo_data
from kerazoo import tasks
from kerazoo.run import Run
from kerazoo.tasks import Prediction


def predict(
    run: str | os.PathLike | Run, images: Iterable[str | os.PathLike], *, top: int = 3
) -> list[Prediction]:
    """The likeliest classes of image files.

    Args:
        run: The run or its folder.
        images: PNG, JPEG or other files that Pillow reads, of any size.
        top: How many classes to give for each.

    Returns:
        A :class:`kerazoo.tasks.Prediction` an image.

    Raises:
        ValueError: Where a file is missing or no image, or there is no model.
    """
    run = run if isinstance(run, Run) else Run(run)
    if top < 1:
        raise ValueError(f"top is {top}; it must be 1 or more.")
    config = run.config
    task = tasks.find(config.task)
    channels = config.image_shape[-1]
    # Every file is read before the model is, so that a bad one costs nothing.
    decoded = {path: kerazoo_data.read_image(path, channels) for path in images}
    model = run.model()
    found = []
    for path, pixels in decoded.items():
        outputs = np.asarray(model(pixels[None], training=False))[0]
        guesses = task.guesses(outputs, config.classes, top)
        found.append(Prediction(str(path), guesses))
    return found
