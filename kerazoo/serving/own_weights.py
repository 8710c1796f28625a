"""A run's weights as a file of their own, with all that belongs to them."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerazoo import reader, registry
from kerazoo.files import check_file
from kerazoo.reader import Name, Path
from kerazoo.run import Run
from kerazoo.weights import Accuracy, Preprocessing, WeightSet, save_weights
from kerazoo.weights.loading import resolve
from kerazoo.weights.own import is_own

# What whitens images cannot be said in a mean and a deviation.
WHITENING = ("normalize_gcn", "normalize_zca")


@reader.checked
def weight_set(run: Path | Run, *, name: Name | None = None) -> WeightSet:
    """What the weights of a finished run are.

    Args:
        run: The run or its folder.
        name: What they are called; by default ``run/`` and the folder's name.

    Raises:
        ValueError: Where the run has not ended, is of a network that kerazoo cannot
            build by name, or whitens its images.
    """
    run = run if isinstance(run, Run) else Run(run)
    config, recipe = run.config, run.recipe
    if config.network not in registry.list_models():
        raise ValueError(
            f"{run.path} is of {config.network}, which kerazoo does not build by name; "
            "keep its model.keras, which has everything."
        )
    if not run.finished:
        raise ValueError(
            f"{run.path} has not ended; give the command again that began it, and save "
            "what comes out."
        )
    model, metrics = run.model(), run.metrics
    return WeightSet(
        network=config.network,
        name=name or f"run/{run.path.resolve().name}",
        data=config.data,
        classes=len(config.classes),
        rules="kerazoo",
        preprocessing=_preprocessing(run, model),
        options=recipe.options,
        accuracy=()
        if metrics.accuracy is None
        else (
            Accuracy(
                top1=metrics.accuracy, top5=metrics.top5, size=config.image_shape[0]
            ),
        ),
        source="a run of kerazoo",
        labels=config.classes,
    )


def _preprocessing(run, model):
    shape = run.config.image_shape
    names = [layer.name for layer in model.layers]
    if any(name in names for name in WHITENING):
        raise ValueError(
            f"{run.path} whitens its images (normalization="
            f"{run.recipe.normalization}), which a file of weights does not hold; keep "
            "its model.keras, which has everything."
        )
    mean, std = np.zeros(shape[-1]), np.ones(shape[-1])
    for layer in model.layers:
        if layer.name.startswith("normalize_"):
            std = 1 / np.broadcast_to(np.asarray(layer.scale, "float64"), shape[-1])
            offset = np.broadcast_to(np.asarray(layer.offset, "float64"), shape[-1])
            mean = -offset * std
    native = model.get_layer("native").output.shape[1:3] if "native" in names else None
    return Preprocessing(
        size=shape[:2],
        mean=tuple(float(one) for one in mean),
        std=tuple(float(one) for one in std),
        order=_order(run),
        resize=run.recipe.resize,
        native=native,
    )


def _order(run):
    """The order of the channels, that of the weights which the run began with."""
    if run.config.image_shape[-1] == 1:
        return "grey"
    if run.recipe.weights is None:
        return "rgb"
    began = resolve(run.config.network, run.recipe.weights)
    return "rgb" if began is None else began.preprocessing.order


@reader.checked
def save_run_weights(
    run: Path | Run,
    path: Path,
    *,
    name: Name | None = None,
    half: bool = False,
    training: Mapping[str, Any] | None = None,
) -> WeightSet:
    """Writes a run's weights to a file of safetensors.

    ``kerazoo.classifier(network, weights=path)`` and ``kerazoo.NETWORK(weights=path)``
    read it: it says what network it belongs to, with which options, what is done to the
    images and what the classes are called.

    Args:
        run: The run or its folder.
        path: The file; its name must end in ``.safetensors``. An earlier one that
            kerazoo has written is replaced.
        name: What the weights are called; by default ``run/`` and the folder's name.
        half: Whether to keep 16 bits of every number.
        training: What else is to be kept of the training, as plain data.

    Returns:
        What the file says of itself.

    Raises:
        ValueError: As :func:`weight_set`; or where the path is of another kind, is
            another's or cannot be written, or `training` is no plain data.
    """
    run = run if isinstance(run, Run) else Run(run)
    path = check_file(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"{path} must end in .safetensors; give such a name.")
    if path.exists() and not is_own(path):
        raise ValueError(
            f"{path} was not written by kerazoo, so that it is not replaced; move it "
            "away, or give another path."
        )
    known = weight_set(run, name=name)
    config = run.config
    facts: dict[str, Any] = {
        "recipe": run.recipe.to_dict(),
        "history": run.history,
        "images": dict(config.images),
        "precision": dict(config.precision),
        "versions": dict(config.versions),
    }
    save_weights(
        run.model(), known, pathlib.Path(path), training=facts | dict(training or {}),
        half=half,
    )  # fmt: skip
    return known
