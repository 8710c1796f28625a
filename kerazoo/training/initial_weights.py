"""The weights that a training begins with."""

import contextlib

import keras

from kerazoo import reader
from kerazoo.data import Batches
from kerazoo.errors import unknown
from kerazoo.reader import Positive
from kerazoo.recipe import Recipe
from kerazoo.run import Run
from kerazoo.training import initialization
from kerazoo.training.stages import find_layers, weighted_layers
from kerazoo.weights import WeightSet
from kerazoo.weights.loading import load_set

# Images that autoencoders learn from: what every layer gives for them is in memory.
PRETRAIN_IMAGES = 10_000


def set_initial_weights(
    model: keras.Model,
    recipe: Recipe,
    batches: Batches,
    weights: WeightSet | None = None,
) -> str:
    """Sets a network's weights as its recipe says; by default they stay the builder's.

    Args:
        model: The network with its normalisation in front.
        recipe: The recipe.
        batches: The training batches, of which LSUV sees the first, and autoencoders
            those of the first epoch.
        weights: What the recipe's `weights` are.

    Returns:
        What trained weights it begins with, and what of it is new; or nothing.

    Raises:
        ValueError: For an unknown initialiser, a run that is not there or does not fit
            the network, or one that branches and cannot be pre-trained.
    """
    if recipe.initializer:
        _initialize(model, recipe, batches)
    if recipe.start_from:
        _take(model, recipe)
    if recipe.pretrain:
        return _pretrain(model, recipe, batches)
    if weights is None:
        return ""
    report = load_set(model, weights)
    said = [f"{weights.name}, trained on {weights.data}", *report.adapted]
    if not report.new:
        said.append("their head is kept, for it has as many classes")
    return "; ".join(said)


def _initialize(model, recipe, batches):
    name, colon, value = recipe.initializer.partition(":")
    known = (*initialization.NAMES, "lsuv", "normal", "orthonormal", "uniform")
    if name not in known:
        raise unknown("initializer", name, known)
    if colon and name not in ("normal", "uniform"):
        raise ValueError(
            f"initializer is {recipe.initializer!r}; {name} takes no number, so write "
            f"{name} alone."
        )
    if name == "lsuv":
        initialization.lsuv(model, batches.take(recipe.batch_size)[0], seed=recipe.seed)
        return
    if name == "orthonormal":
        initialization.orthonormal(model, seed=recipe.seed)
        return
    rule = recipe.initializer
    if name == "normal":
        try:
            deviation = reader.parse(Positive, value, "initializer")
        except ValueError as error:
            raise ValueError(
                f"initializer is {recipe.initializer!r}; a normal distribution needs "
                "its standard deviation, as in normal:0.01."
            ) from error
        rule = keras.initializers.RandomNormal(stddev=deviation)
    if name == "uniform":
        rule = _uniform(recipe.initializer, value if colon else "0:1")
    initialization.reinitialize(model, rule, seed=recipe.seed)


def _uniform(given, value):
    with contextlib.suppress(ValueError):
        ends = [reader.parse(float, end, "initializer") for end in value.split(":")]
        if len(ends) == 2 and ends[0] < ends[1]:
            return keras.initializers.RandomUniform(*ends)
    raise ValueError(
        f"initializer is {given!r}; a uniform distribution needs its two ends in "
        "rising order, as in uniform:0:1."
    )


def _pretrain(model, recipe, batches):
    """Trains autoencoders, and says what their errors have become."""
    errors = initialization.pretrain_autoencoders(
        model,
        batches.take(PRETRAIN_IMAGES)[0],
        epochs=recipe.pretrain_epochs,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
    )
    said = [f"{name} {e[0]:.3g} to {e[-1]:.3g}" for name, e in errors.items()]
    return f"autoencoders, squared errors from {', '.join(said)}"


def _take(model, recipe):
    """Copies layers of the same name from a finished run."""
    run = Run(recipe.start_from)
    if not run.finished:
        raise ValueError(
            f"The recipe {recipe.name} starts from {run.path}, which has not ended; "
            "finish it with the command that began it."
        )
    source = {layer.name: layer for layer, _ in weighted_layers(run.model())}
    for pattern in recipe.start_layers:
        for layer in find_layers(model, pattern, "start_layers"):
            weights = source[layer.name].get_weights() if layer.name in source else []
            shapes = [tuple(w.shape) for w in weights]
            if shapes != [tuple(w.shape) for w in layer.weights]:
                raise ValueError(
                    f"{model.name} cannot take {layer.name} from {recipe.start_from}, "
                    f"which has {shapes or 'no such layer'} where the network has "
                    f"{[tuple(w.shape) for w in layer.weights]}; narrow start_layers."
                )
            layer.set_weights(weights)
