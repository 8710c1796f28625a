"""The stages of a network, told from the names of its layers."""

import fnmatch
import re
from collections.abc import Iterator

import keras

from kerazoo.surgery.graph import is_graph
from kerazoo.surgery.replace_head import score_layers

# ``stage3`` of ``stage3_block2_conv1``; a module of an Inception network is two words.
STAGE = re.compile(r"(?:(?:inception|reduction|resnet)_)*[^_]+")
# All layers but those of class scores.
BODY = "body"


def weighted_layers(
    model: keras.Model, names: tuple[str, ...] = ()
) -> Iterator[tuple[keras.Layer, tuple[str, ...]]]:
    """The layers with weights in the graph's order, those of models within it too.

    Args:
        model: The network.
        names: Of the models that it is within.

    Yields:
        A layer, with its name and those of the models that it is within.
    """
    for layer in model.layers:
        if is_graph(layer):
            yield from weighted_layers(layer, (*names, layer.name))
        elif layer.weights:
            yield layer, (*names, layer.name)


def stages(model: keras.Model) -> dict[str, list[keras.Layer]]:
    """The layers with weights by stage, in the order of the graph.

    A stage is what its layers' names begin with: ``stage3``, ``inception_4a``,
    ``conv1``. A layer without a kernel that is named by itself, as ``bn1``, belongs to
    the stage before it, and one that Keras has numbered, as ``conv2d_3``, is a stage
    of its own.
    """
    found: dict[str, list[keras.Layer]] = {}
    stage = ""
    for layer, _ in weighted_layers(model):
        words = STAGE.match(layer.name)
        name = words[0] if words and not _numbered(layer) else layer.name
        kernel = any(weight.name.endswith("kernel") for weight in layer.weights)
        if kernel or not stage or name in found:
            stage = name
        found.setdefault(stage, []).append(layer)
    return found


def _numbered(layer):
    """Whether Keras has named a layer, by its class: ``conv2d_3``."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)
    words = re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
    return re.fullmatch(rf"{words}(_\d+)?", layer.name) is not None


def stage_depths(model: keras.Model) -> dict[str, int]:
    """How many stages lie between every stage and the class scores, from 0.

    The stages that hold layers of class scores are at 0, auxiliary heads among them;
    where a network has no such layers, as a detector, the last stage is.
    """
    named = stages(model)
    try:
        heads = {id(layer) for layer in score_layers(model)}
    except ValueError:
        heads = {id(list(named.values())[-1][-1])}
    depths, depth = {}, 0
    for name, layers in reversed(named.items()):
        is_head = any(id(layer) in heads for layer in layers)
        depth += not is_head
        depths[name] = 0 if is_head else depth
    return dict(reversed(depths.items()))


def find_layers(model: keras.Model, name: str, field: str) -> list[keras.Layer]:
    """The layers with weights that a recipe means.

    Args:
        model: The network.
        name: The name of a layer or a stage, a pattern, or ``body``.
        field: The recipe's field, for the errors.

    Raises:
        ValueError: Where there is no such layer, or no head to tell the body from.
    """
    known = list(weighted_layers(model))
    if name == BODY:
        heads = {id(layer) for layer in _heads(model, field)}
        return [layer for layer, _ in known if id(layer) not in heads]
    fitting = [layer for layer, names in known if any(_fits(name, n) for n in names)]
    if not fitting:
        raise ValueError(
            f"{field}: {model.name} has no layer with weights that fits {name!r}; its "
            f"stages are {', '.join(stages(model))}."
        )
    return fitting


def _fits(pattern, name):
    begins = "*" not in pattern and name.startswith(f"{pattern}_")
    return begins or fnmatch.fnmatchcase(name, pattern)


def _heads(model, field):
    try:
        return score_layers(model)
    except ValueError as error:
        raise ValueError(
            f"{field}: {model.name} ends in no layer of class scores, which the body "
            f"could be told from; name its stages: {', '.join(stages(model))}."
        ) from error
