"""Detecting: raw images in, boxes, scores and classes out."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kerazoo import data as kerazoo_data
from kerazoo import reader
from kerazoo.analysis import plots
from kerazoo.detections import Detections, Proposals, fitted
from kerazoo.files import replacing
from kerazoo.layers import ResizeBoxes, RestoreBoxes
from kerazoo.proposals import of_model
from kerazoo.reader import Name, Path, Rate
from kerazoo.recipe import Recipe
from kerazoo.run import Run
from kerazoo.serving.compiled_later import CompiledLater
from kerazoo.serving.places import places
from kerazoo.serving.raw_images import raw_batch
from kerazoo.tasks.detection import SHOWN


class Detector:
    """A function from raw images to the detections on them.

    Its first calls compute at once; from the third on it is compiled.

    Args:
        model: From raw uint8 images of any size to `boxes`, `scores` and `classes`.
        names: Class names; empty for ids.
        score_threshold: What the score of a detection exceeds.
        proposals: What finds the regions that the model takes beside the images; None
            where it takes none.

    Attributes:
        model: The same.
        names: The same.
    """

    def __init__(
        self,
        model: keras.Model,
        names: Sequence[str] = (),
        score_threshold: float = 0,
        proposals: Proposals | None = None,
    ) -> None:
        self.model, self.names = model, tuple(names)
        self._threshold, self._proposals = score_threshold, proposals
        self._predict = CompiledLater(model)
        self._channels = image_input(model).shape[-1]

    def __call__(self, images: Any) -> list[Detections]:
        """The detections on every image, boxes in pixels of that image.

        Args:
            images: One uint8 image (height, width, channels), a batch of them, or a
                list of images of different sizes.

        Raises:
            ValueError: For what is no image.
        """
        if isinstance(images, (list, tuple)):
            return [found for one in images for found in self(one)]
        batch = raw_batch(images, self._channels)
        inputs = network_input(self.model, batch, self._proposals)
        found = Detections.of_batch(self._predict(inputs), self.names)
        return [one.above(self._threshold) for one in found]


def image_input(model: keras.Model) -> Any:
    """The input of a detector that takes the images."""
    return next(one for one in model.inputs if len(one.shape) == 4)


def network_input(
    model: keras.Model, images: np.ndarray, proposals: Proposals | None
) -> Any:
    """What a served network takes for raw images of one size.

    Args:
        model: The network.
        images: uint8 (n, height, width, channels).
        proposals: What finds regions on them; None where the network takes none.
    """
    if proposals is None:
        return images
    count = model.input["proposals"].shape[1]
    found = np.stack([fitted(proposals(one), count) for one in images])
    return {image_input(model).name: images, "proposals": found}


@reader.checked
def detector(
    run: Path | Run | keras.Model,
    *,
    score_threshold: Rate = 0.0,
    best: bool = False,
    proposals: Name | None = None,
) -> Detector:
    """A function from raw images to the detections on them.

    Args:
        run: A run of a detector, its folder, or a model that a builder has made, which
            takes images in 0..255 as it is.
        score_threshold: What the score of a detection exceeds; by default all that the
            network gives, which a measure of precision needs and a picture does not.
        best: Whether to take the network of the epoch with the lowest validation loss,
            in place of the last.
        proposals: What finds regions for a network that takes them, as in a recipe; by
            default what the run was trained with, or ``selective_search``.

    Returns:
        A function of one uint8 image, a batch, or a list of images of different sizes;
        it gives a list of :class:`kerazoo.detections.Detections`, one for each image.

    Raises:
        ValueError: Where there is no run, it is of no detector, or its proposals
            cannot be made.
    """
    if isinstance(run, keras.Model):
        model, recipe = _of_raw_images(run), Recipe(proposals=proposals)
        found = of_model(model, recipe).get("proposals")
        return Detector(model, (), score_threshold, found)
    run = run if isinstance(run, Run) else Run(run)
    if run.config.task != "detection":
        raise ValueError(
            f"{run.path} is a network for {run.config.task}; give a run of a detector, "
            "or use kerazoo.predict."
        )
    model, recipe = run.model(best=best), run.recipe
    if proposals is not None:
        recipe = dataclasses.replace(recipe, proposals=proposals)
    found = of_model(model, recipe).get("proposals")
    return Detector(model, run.config.classes, score_threshold, found)


def _of_raw_images(model):
    """A model of resized images behind the resizing of raw ones."""
    outputs = model.output
    if not isinstance(outputs, dict) or set(outputs) != {"boxes", "scores", "classes"}:
        raise ValueError(
            f"{model.name} gives no boxes, scores and classes; give a detector, such "
            "as kerazoo.yolo()."
        )
    images = image_input(model)
    height, width, channels = images.shape[1:]
    if any(isinstance(one, RestoreBoxes) for one in model.layers):
        return model
    raw = keras.Input((None, None, channels), dtype="uint8", name="raw")
    resized = kerazoo_data.resizer((height, width), "bilinear", channels)(raw)
    resized = keras.layers.Rescaling(1.0, dtype="float32")(resized)
    given = raw
    if isinstance(model.input, dict):
        regions = keras.Input(model.input["proposals"].shape[1:], name="proposals")
        given = {"raw": raw, "proposals": regions}
        resize = ResizeBoxes((height, width), "bilinear", name="resized_proposals")
        resized = {images.name: resized, "proposals": resize(raw, regions)}
    found = model(resized)
    restore = RestoreBoxes((height, width), "bilinear", name="restored")
    boxes = restore(raw, found["boxes"], found["classes"])
    return keras.Model(given, {**found, "boxes": boxes}, name=model.name)


class Drawings:
    """Pictures of what was found, one for every image and of its size.

    Args:
        folder: Where they go; it is made.
        images: The image files.
        classes: Class names.

    Raises:
        ValueError: Where the folder holds such a file already.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        images: Sequence[pathlib.Path],
        classes: Sequence[str],
    ) -> None:
        self.classes = classes
        self._places = places(folder, images, (".png",))

    def write(
        self, image: pathlib.Path, pixels: np.ndarray, outputs: Any
    ) -> pathlib.Path:
        """Draws the detections of an image, and gives the file.

        Args:
            image: The image's file.
            pixels: uint8 array (height, width, 1 or 3).
            outputs: What the network gave for it.
        """
        one = Detections.of_image(outputs, self.classes)
        place = self._places[image]
        place = place.with_name(f"{place.name}.png")
        place.parent.mkdir(parents=True, exist_ok=True)
        figure = plots.detected(pixels, one.above(SHOWN), self.classes)
        with replacing(place) as scratch:
            plots.save(figure, scratch, dpi=100)
        return place
