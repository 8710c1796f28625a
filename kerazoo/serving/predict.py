"""Naming what is on an image, with the network of a run."""

import glob
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import keras
import numpy as np

from kerazoo import data as kerazoo_data
from kerazoo import reader, tasks
from kerazoo.files import check_folder
from kerazoo.proposals import of_model
from kerazoo.reader import Count, Path, Weights
from kerazoo.run import Run
from kerazoo.serving.classification import classifier
from kerazoo.serving.detection import Drawings, network_input
from kerazoo.serving.masks import MaskFiles
from kerazoo.tasks import Prediction

Paths = Annotated[
    Path | Iterable[Path],
    "a file, folder or pattern, or several; arrays go to the network itself, "
    "run.model().predict(x)",
]


@reader.checked
def predict(
    run: Path | Run,
    images: Paths,
    *,
    weights: Weights | None = None,
    top: Count = 3,
    best: bool = False,
    masks: Path | None = None,
    draw: Path | None = None,
) -> list[Prediction]:
    """The likeliest classes of image files.

    Args:
        run: The run or its folder; or a network's name, with `weights`.
        images: PNG, JPEG or other files that Pillow reads, of any size; folders, with
            all images below them; patterns such as ``"photos/*.jpg"``.
        weights: Of a network: the name of trained weights, or a file; see
            :func:`kerazoo.classifier`.
        top: How many classes to give for each.
        best: Whether to ask the network of the epoch with the lowest validation loss,
            in place of the last.
        masks: Of a segmentation a folder for the class of every pixel, at the image's
            own size: ``a.png`` with indices and colors, ``a_overlay.png`` to look at.
        draw: Of a detection a folder for pictures of what was found, ``a.png``.

    Returns:
        A :class:`kerazoo.tasks.Prediction` an image; a file that is no whole image
        has its problem there.

    Raises:
        ValueError: Where a file is missing, a folder or pattern has no image, there is
            no model, or masks are asked of a network that gives none.
    """
    paths = list_images(images)
    found = predictions(
        run, paths, weights=weights, top=top, best=best, masks=masks, draw=draw
    )
    return list(found)


@reader.checked
def predictions(
    run: Path | Run,
    images: Sequence[pathlib.Path],
    *,
    weights: Weights | None = None,
    top: Count = 3,
    best: bool = False,
    masks: Path | None = None,
    draw: Path | None = None,
) -> Iterator[Prediction]:
    """:func:`predict` one by one; no more than one image is held in memory."""
    if weights is not None:
        if best or masks is not None or draw is not None:
            raise ValueError(
                f"best, masks and draw are of a run, and {run} with weights is a "
                "network that classifies; leave them out."
            )
        yield from _classified(classifier(run, weights=weights), images, top)
        return
    run = run if isinstance(run, Run) else Run(run)
    config = run.config
    task, channels = tasks.find(config.task), config.image_shape[-1]
    for name, folder, wanted in (
        ("masks", masks, "segmentation"),
        ("draw", draw, "detection"),
    ):
        if folder is None:
            continue
        if config.task != wanted:
            raise ValueError(
                f"{name} is for networks for {wanted}, but {run.path} is a network for "
                f"{config.task}; leave {name} out."
            )
        check_folder(folder, name)
    model = run.model(best=best)
    proposals = of_model(model, config.recipe).get("proposals")
    files: MaskFiles | Drawings | None = None
    if masks is not None:
        files = _mask_files(config, model, images, masks)
    if draw is not None:
        files = Drawings(pathlib.Path(draw), images, config.classes)
    for path in images:
        try:
            pixels = kerazoo_data.read_image(path, channels)
        except ValueError as error:
            yield Prediction(str(path), problem=str(error))
            continue
        inputs = network_input(model, pixels[None], proposals)
        outputs = keras.tree.map_structure(
            lambda one: np.asarray(one)[0], model(inputs, training=False)
        )
        file = str(files.write(path, pixels, outputs)) if files else None
        guesses = task.guesses(outputs, config.classes, top)
        yield Prediction(str(path), guesses, file=file)


def _classified(classify, images, top):
    for path in images:
        try:
            (guesses,) = classify(path, top=top)
        except ValueError as error:
            yield Prediction(str(path), problem=str(error))
            continue
        yield Prediction(str(path), guesses)


def _mask_files(config, model, images, folder):
    sizes = [one.output.shape[1:3] for one in model.layers if one.name == "native"]
    return MaskFiles(
        pathlib.Path(folder),
        images,
        config.classes,
        config.image_shape[:2],
        config.recipe.resize,
        sizes[0] if sizes else None,
    )


@reader.checked
def list_images(images: Paths) -> list[pathlib.Path]:
    """The files that are meant, in order.

    Raises:
        ValueError: Where a file is missing, or a folder or pattern has no image.
    """
    given = [images] if isinstance(images, (str, os.PathLike)) else list(images)
    found = []
    for one in given:
        path = pathlib.Path(one).expanduser()
        if path.is_dir():
            more = kerazoo_data.image_files(path)
        elif path.exists():
            more = [path]
        else:
            more = [pathlib.Path(name) for name in sorted(glob.glob(str(path)))]
        if not more:
            raise ValueError(f"there is no image {path}; give another file")
        found += more
    if not found:
        raise ValueError("images is empty; give image files, folders or patterns")
    return found
