"""Models inside a model opened, so that all layers stand in one graph."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from kerazoo.surgery.graph import Graph, is_graph


def open_models(
    model: keras.Model,
    *,
    shape: Sequence[int | None] | None = None,
    opens: Callable[[Any], bool] = is_graph,
) -> keras.Model:
    """A copy of a model whose layers, and those of models inside it, are one graph.

    A layer keeps its name, behind that of its model where another has it already. The
    weights are those that the layers begin with.

    Args:
        model: A functional model.
        shape: ``(height, width, channels)`` of its images, where they are to be others.
        opens: Which of its layers that are models are opened.
    """
    return _opened(model, shape, opens)[0]


def opened_with_weights(
    model: keras.Model, opens: Callable[[Any], bool] = is_graph
) -> keras.Model:
    """The same, with copies of the model's weights.

    Args:
        model: A functional model.
        opens: Which of its layers that are models are opened.

    Raises:
        ValueError: Where a layer is used more than once.
    """
    copy, pairs = _opened(model, None, opens)
    for name, calls in Graph(copy).calls.items():
        if len(calls) > 1:
            raise ValueError(
                f"{model.name} has models inside it and uses its layer {name} "
                f"{len(calls)} times; give a model in which each layer is used once."
            )
    for one, original in pairs:
        one.set_weights(original.get_weights())
    return copy


def _opened(model, shape, opens):
    """The copy, and its layers with those that they are copies of."""

    def entry(tensor):
        sizes = tensor.shape if shape is None else (None, *shape)
        return keras.Input(batch_shape=sizes, dtype=tensor.dtype, name=tensor.name)

    inputs = keras.tree.map_structure(entry, model.input)
    # No other layer takes their names.
    taken = {one.name for one in keras.tree.flatten(inputs)}
    pairs: list[tuple[Any, Any]] = []
    outputs = _called_again(model, inputs, taken, pairs, opens)
    return keras.Model(inputs, outputs, name=model.name), pairs


def _called_again(model, inputs, taken, pairs, opens, prefix=""):
    """The outputs of copies of a model's layers, those of models inside it too."""
    originals: dict[int, str] = {}
    made: dict[str, Any] = {}

    def copy(layer):
        one = layer
        if isinstance(layer, keras.Layer) and not opens(layer):
            name = layer.name if layer.name not in taken else f"{prefix}{layer.name}"
            while name in taken:
                name += "_"
            taken.add(name)
            one = type(layer).from_config(layer.get_config() | {"name": name})
            pairs.append((one, layer))
        originals[id(one)] = layer.name
        return one

    def call(layer, *args, **kwargs):
        if opens(layer):
            inner, within = Graph(layer).model, f"{prefix}{layer.name}_"
            found = _called_again(inner, args[0], taken, pairs, opens, within)
        else:
            for word in ("training", "mask"):
                kwargs.pop(word, None)
            found = layer(*args, **kwargs)
        made[originals[id(layer)]] = found
        return found

    # Without what it was compiled with, for which there are no variables here.
    bare = keras.Model(model.input, model.output)
    keras.models.clone_model(
        bare, input_tensors=inputs, clone_function=copy, call_function=call
    )
    # The outputs of the clone itself would be of a graph of its own.
    names = keras.tree.flatten(Graph(model).outputs)
    outputs = [keras.tree.flatten(made[name])[0] for name in names]
    return keras.tree.pack_sequence_as(model.output, outputs)
