"""The one reader of a model's graph: which layer reads which."""

import collections
import functools
from collections.abc import Iterator
from typing import Any

import keras


class Graph:
    """The layers of a functional model and who reads them, by name.

    Args:
        model: The model.

    Attributes:
        model: The same.
        calls: For every layer, in order, the layers that each of its calls reads.
        outputs: The layers that give the model's outputs, in the structure of these.

    Raises:
        ValueError: Where the model is neither functional nor sequential.
    """

    def __init__(self, model: keras.Model) -> None:
        if not is_graph(model):
            raise ValueError(
                f"{getattr(model, 'name', model)!r} has no graph of layers; give a "
                "functional model, or a sequential one that is built."
            )
        if isinstance(model, keras.Sequential):
            model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
        config = keras.Model(model.input, model.output, name=model.name).get_config()
        self.model = model
        self.calls = {
            layer["name"]: [list(_names(call)) for call in layer["inbound_nodes"]]
            for layer in config["layers"]
        }
        ends = keras.tree.flatten(config["output_layers"])
        names = [end for end in ends if isinstance(end, str)]
        self.outputs = keras.tree.pack_sequence_as(model.output, names)

    @functools.cached_property
    def readers(self) -> collections.Counter[str]:
        """How many calls read a layer; an output of the model counts as one more."""
        read = [
            name for calls in self.calls.values() for call in calls for name in call
        ]
        return collections.Counter([*read, *keras.tree.flatten(self.outputs)])

    @functools.cached_property
    def shapes(self) -> dict[str, tuple]:
        """The shape of each layer's or function's first output, without the batch."""
        return {
            one.name: tuple(keras.tree.flatten(one.output)[0].shape[1:])
            for one in self.model.operations
        }

    @property
    def flat(self) -> bool:
        """Whether no layer is a model with weights, and each is called once.

        A model without them, such as the resizing of a served network, is one step.
        """
        models = [la for la in self.model.layers if isinstance(la, keras.Model)]
        inner = any(model.weights for model in models)
        return not inner and all(len(calls) < 2 for calls in self.calls.values())

    @property
    def passed(self) -> list[Any]:
        """The layers and functions through which every path to the scores runs.

        They are in the order of computation. Of several outputs the one that is called
        ``predictions`` gives the scores, or else the first.
        """
        end = self.outputs
        end = end.get("predictions", end) if isinstance(end, dict) else end
        # Auxiliary heads are no part of the way to the end.
        way, todo = set(), [keras.tree.flatten(end)[0]]
        while todo:
            name = todo.pop()
            if name not in way:
                way.add(name)
                todo += self.sources(name)
        order = [one for one in self.model.operations if one.name in way]
        place = {layer.name: number for number, layer in enumerate(order)}
        latest: dict[str, int] = {}
        for layer in order:
            for source in self.sources(layer.name):
                latest[source] = max(latest.get(source, 0), place[layer.name])
        passed, furthest = [], 0
        for number, layer in enumerate(order):
            # No edge jumps over this layer.
            if furthest <= number:
                passed.append(layer)
            furthest = max(furthest, latest.get(layer.name, 0))
        return passed

    def sources(self, name: str) -> list[str]:
        """The layers that a layer reads in its first call; none for an input."""
        return self.calls[name][0] if self.calls[name] else []


def is_graph(layer: keras.Layer) -> bool:
    """Whether a layer is a model whose graph Keras knows."""
    return isinstance(layer, keras.Model) and bool(getattr(layer, "inputs", None))


def _names(value: Any) -> Iterator[str]:
    """The layers whose tensors stand in a call, as Keras writes it down."""
    if isinstance(value, dict) and "keras_history" in value:
        yield value["keras_history"][0]
    elif isinstance(value, (dict, list, tuple)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _names(item)
