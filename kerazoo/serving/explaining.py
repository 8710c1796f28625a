"""Explaining what a trained network says of an image."""

import inspect
import os
import typing
from typing import Annotated, Any, Literal

import numpy as np

from kerazoo import data as kerazoo_data
from kerazoo import reader
from kerazoo.analysis.attribution import METHODS, Attribution, Explainable
from kerazoo.errors import unknown
from kerazoo.reader import Weights
from kerazoo.run import Run
from kerazoo.serving.classification import Network, classifier
from kerazoo.serving.raw_images import raw_batch

Method = Literal[
    "cam",
    "grad_cam",
    "occlusion",
    "gradient",
    "smooth_grad",
    "integrated_gradients",
    "guided_backpropagation",
    "deconvnet",
]
Image = Annotated[
    str | os.PathLike | np.ndarray,
    "the file of an image, or a uint8 image (height, width, channels)",
]
# What every method takes.
COMMON = ("network", "image", "class_name")


@reader.checked
def explain(
    network: Network,
    image: Image,
    method: Method = "grad_cam",
    *,
    weights: Weights | None = None,
    best: bool = False,
    class_name: str | int | None = None,
    **options: Any,
) -> Attribution:
    """Which part of an image has to do with what a network says of it.

    It explains the logit of a class; of a run of a segmentation the mean of the logits
    over all pixels, of a detector the highest score of any box. The map is of the image
    as the network gets it, resized.

    Args:
        network: The name of a network, with `weights`; or a run, or its folder.
        image: An image file of any size, or a uint8 image.
        method: See :mod:`kerazoo.analysis.attribution`, which has a function of that
            name for each.
        weights: Of a network: the name of trained weights, or a file; see
            :func:`kerazoo.classifier`.
        best: Of a run: whether to take the network of the epoch with the lowest
            validation loss, in place of the last.
        class_name: The class, by its name or number; by default that of the highest
            score.
        **options: What else the method takes: ``layer`` of ``grad_cam``, ``layer`` and
            ``unit`` of ``guided_backpropagation`` and ``deconvnet``, ``window`` and
            ``strides`` of ``occlusion``, ``samples``, ``noise`` and ``seed`` of
            ``smooth_grad``, ``steps`` of ``integrated_gradients``.

    Raises:
        ValueError: Where there is no such network, run, image, class, layer or option,
            or the method is not for networks of that kind.
    """
    options = _read(method, options)
    # What is no image is refused before a network is loaded.
    pixels = _pixels(image)
    known = explained(network, weights=weights, best=best)
    (pixels,) = raw_batch(pixels, known.channels)
    if class_name is not None:
        # A wrong class is said first, and not what the network has no layer for.
        known.number(class_name)
    return METHODS[method](known, pixels, class_name, **options)


def explained(
    network: Any, *, weights: Weights | None = None, best: bool = False
) -> Explainable:
    """A run, or a network with trained weights, ready to be explained.

    Args:
        network: As :func:`explain` takes it.
        weights: The same.
        best: The same.
    """
    run = network if isinstance(network, Run) else None
    if run is None and weights is None and os.path.isdir(network):
        run = Run(network)
    if run is not None and weights is None and run.config.task != "classification":
        return Explainable(run.model(best=best), run.config.classes)
    found = classifier(network, weights=weights, best=best)
    return Explainable(found.model, found.names)


def option_kinds(method: str) -> dict[str, Any]:
    """The options of a method by name, with their declarations.

    Raises:
        ValueError: Where there is no such method.
    """
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    function = METHODS[method]
    kinds = typing.get_type_hints(function, include_extras=True)
    names = [one for one in inspect.signature(function).parameters if one not in COMMON]
    return {name: kinds[name] for name in names}


def _read(method, options):
    """The options of a method as it declares them; what it does not take is refused."""
    kinds = option_kinds(method)
    for name in options:
        if name not in kinds and kinds:
            raise unknown(f"option of {method}", name, kinds)
        if name not in kinds:
            raise ValueError(f"{method} takes no {name}; leave it out.")
    return {name: reader.read(kinds[name], one, name) for name, one in options.items()}


def _pixels(image):
    if not isinstance(image, np.ndarray):
        return np.asarray(kerazoo_data.read_image(image))
    batch = raw_batch(image, 3)
    if len(batch) > 1:
        raise ValueError(f"image is a batch of {len(batch)}; give one image.")
    return batch[0]
