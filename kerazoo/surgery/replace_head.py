"""A trained body with a new head, for other classes than it was trained on."""

from collections.abc import Callable

import keras
from keras import layers

from kerazoo import reader
from kerazoo.layers.activation import check_activation
from kerazoo.reader import Count, ModelName
from kerazoo.surgery.graph import Graph

# What may stand between the last weights and the scores, as in Network in Network.
BEHIND = (
    layers.Activation,
    layers.Softmax,
    layers.GlobalAveragePooling2D,
    layers.GlobalMaxPooling2D,
)


@reader.checked
def replace_head(
    model: keras.Model,
    classes: Count,
    *,
    classifier_activation: str | Callable | None = "softmax",
    name: ModelName | None = None,
) -> keras.Model:
    """The same network with a new, randomly initialised layer of class scores.

    The last layer with weights, dense or convolutional, is made anew for the number of
    classes, with its other settings as they were; an auxiliary head's likewise. All
    other layers are those of the given model, not copies: training the new model trains
    them, and freezing them freezes them in both.

    Args:
        model: A network with its top, as every builder of kerazoo returns.
        classes: The new number of classes.
        classifier_activation: The activation of the scores; ``None`` for logits.
        name: The new model's name; by default the same.

    Returns:
        A flat functional ``keras.Model`` whose layers keep their names.

    Raises:
        ValueError: Where ``classes`` is not a whole number from 1, or the model does
            not end in class scores of a dense or convolutional layer.
    """
    check_activation(classifier_activation, "classifier_activation")
    graph = Graph(model)

    def anew(name):
        last = model.get_layer(name)
        layer, *behind = _head(graph, name)
        x = layer.input
        for old in (layer, *behind):
            config = old.get_config()
            if old is layer:
                config["units" if "units" in config else "filters"] = classes
            if old is last and "activation" in config:
                config["activation"] = classifier_activation
            x = type(old).from_config(config)(x)
        return x

    outputs = keras.tree.map_structure(anew, graph.outputs)
    return keras.Model(model.input, outputs, name=name or model.name)


@reader.checked
def score_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers of class scores: those that :func:`replace_head` makes anew.

    Args:
        model: A network with its top.

    Returns:
        The last layer with weights, and those of auxiliary heads.

    Raises:
        ValueError: Where the model does not end in class scores of a dense or
            convolutional layer.
    """
    graph = Graph(model)
    return [_head(graph, name)[0] for name in keras.tree.flatten(graph.outputs)]


def _head(graph, name):
    """The layer of the scores of an output, and what stands behind it."""
    last = layer = graph.model.get_layer(name)
    behind: list[keras.Layer] = []
    while isinstance(layer, BEHIND):
        behind.insert(0, layer)
        layer = graph.model.get_layer(graph.sources(layer.name)[0])
    scores = isinstance(last, layers.Dense) or last.name.endswith("predictions")
    size = {"units", "filters"} & set(layer.get_config())
    if not scores or not size or not layer.weights:
        raise ValueError(
            f"{graph.model.name} does not end in class scores of a dense or "
            "convolutional layer; give a network that was built with include_top=True."
        )
    return layer, *behind
