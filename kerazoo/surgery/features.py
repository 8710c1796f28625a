"""Features: what a network has computed half way, as a model with named outputs."""

import numbers
from collections.abc import Iterable

import keras

from kerazoo import reader
from kerazoo.errors import unknown
from kerazoo.surgery.graph import Graph
from kerazoo.surgery.receptive_field import sights


@reader.checked
def features(model: keras.Model, names: str | int | Iterable[str | int]) -> keras.Model:
    """A network's intermediate outputs, for detection, segmentation, transfer, looking.

    Args:
        model: A flat functional model, as every builder of kerazoo returns.
        names: What to give out, one or several of: a layer's name; the beginning of
            names, as in ``"stage3"`` or ``"stage3_block2"``, for the last layer of that
            stage or block; a stride in input pixels, as in ``8``, for the last layer
            of that stride through which everything behind it passes.

    Returns:
        A ``keras.Model`` of the same layers (no weight is copied: training one trains
        the other) from the same input to a dictionary of feature maps. Its keys are the
        names as given; the stride 8 has the key ``"stride8"``.

    Raises:
        ValueError: For a name or stride that the network has not, or where the model is
            not a flat functional graph.
    """
    if isinstance(names, (str, int, numbers.Integral)):
        names = [names]
    names = [n if isinstance(n, str) else reader.whole(n, "stride") for n in names]
    if not names:
        raise ValueError(
            f"names is empty; give a layer, a stage or a stride of {model.name}."
        )
    trunk = _trunk(model) if any(isinstance(name, int) for name in names) else {}
    outputs = {}
    for name in names:
        if isinstance(name, int):
            if name not in trunk:
                strides = ", ".join(map(str, sorted(trunk)))
                raise ValueError(
                    f"{model.name} has no stride {name}; it must be one of {strides}."
                )
            outputs[f"stride{name}"] = _output(trunk[name])
        else:
            outputs[name] = _output(find_layer(model, name))
    return keras.Model(model.input, outputs, name=f"{model.name}_features")


@reader.checked
def find_layer(model: keras.Model, name: str) -> keras.Layer:
    """The layer of that name, or the last one of the stage or block of that name.

    Raises:
        ValueError: Where there is none.
    """
    # A name given to the builder stands before the name of every layer.
    wanted = (name, f"{model.name}_{name}")
    for layer in model.layers:
        if layer.name in wanted:
            return layer
    for layer in reversed(model.layers):
        if layer.name.startswith(tuple(f"{start}_" for start in wanted)):
            return layer
    # Keras names the inputs of parts of models, as in keras_tensor_17CLONE.
    named = [
        one for one in model.layers if not isinstance(one, keras.layers.InputLayer)
    ]
    parts = [layer.name.split("_") for layer in named]
    allowed = {"_".join(p[: n + 1]) for p in parts for n in range(len(p))}
    raise unknown(f"layer or stage of {model.name}", name, allowed)


def _output(layer):
    return keras.tree.flatten(layer.output)[0]


def _trunk(model):
    """For every stride, the last layer that no path from image to scores avoids."""
    graph = Graph(model)
    if not graph.flat:
        raise ValueError(
            f"{model.name} is not a flat functional model, so that its layers have no "
            "stride; give layers by name."
        )
    strides = {name: sight.stride for name, sight in sights(graph).items()}
    found = {}
    for layer in graph.passed:
        stride = strides[layer.name]
        padded = isinstance(layer, keras.layers.ZeroPadding2D)
        is_map = len(_output(layer).shape) == 4 and not padded
        if stride and stride[0] == stride[1] and is_map:
            found[int(stride[0])] = layer
    return found
