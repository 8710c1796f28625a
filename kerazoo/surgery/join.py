"""Several served networks as one: side by side in one graph, or averaged into one."""

import hashlib
import json
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerazoo import reader
from kerazoo.errors import unknown
from kerazoo.surgery.preprocessing import resized_to_output

# How the members' answers become one.
RULES = ("probabilities", "logits", "votes")
PREPROCESSING = ("pixels", "native", "cut", "filled", "resize", "resized")
# The second is that of networks of the first version.
NORMALIZATIONS = ("normalize_", "normalise_")


@reader.checked
def joined(models: list[keras.Model], rule: str = "probabilities") -> keras.Model:
    """One flat network that asks all members.

    Layers are named ``member1_...``; whatever equal members compute of equal inputs,
    the preprocessing above all, is computed once and keeps its own name.

    Args:
        models: Served networks: raw images of any size to class probabilities.
        rule: ``probabilities`` (their mean), ``logits`` (the softmax of their mean,
            which is the normalised geometric mean of the probabilities) or ``votes``
            (the share of members that find a class likeliest).

    Returns:
        A served network, made of layers of Keras where the members are.

    Raises:
        ValueError: Where the members take other channels, or logits cannot be had.
    """
    if rule not in RULES:
        raise unknown("rule", rule, RULES)
    if not models:
        raise ValueError("models is empty; give two or more.")
    channels = sorted({model.inputs[0].shape[-1] for model in models})
    if len(channels) > 1:
        raise ValueError(
            f"The members take images of {' and of '.join(map(str, channels))} "
            "channels, but one network has one input; join those of one kind."
        )
    if rule == "logits":
        models = [logits_of(model) for model in models]
    raw = keras.Input((None, None, channels[0]), dtype="uint8", name="raw")
    graph = _Graph()
    outputs = [
        graph.add(model, raw, f"member{number}")
        for number, model in enumerate(models, 1)
    ]
    if rule == "votes":
        classes = outputs[0].shape[-1]
        # Keras' argmax looks at the bits of floats, which few runtimes can.
        likeliest = [ops.top_k(x, 1)[1][..., 0] for x in outputs]
        outputs = [ops.one_hot(x, classes) for x in likeliest]
    if rule == "logits":
        x = layers.Average(dtype="float32", name="mean_logits")(outputs)
        x = layers.Activation("softmax", dtype="float32", name="predictions")(x)
    else:
        x = layers.Average(dtype="float32", name="predictions")(outputs)
    return keras.Model(raw, x, name="ensemble")


class _Graph:
    """A graph into which networks are copied, none of them computing what is there."""

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}
        self._names: set[str] = set()

    def add(self, model: keras.Model, raw: Any, member: str) -> Any:
        """Copies a network; its output."""
        copies = {}

        def call(layer, *args, **options):
            config = _plain(layer)
            # An operation such as a sum, written as one, is no layer.
            weights = layer.get_weights() if isinstance(layer, layers.Layer) else []
            inputs = [id(x) for x in keras.tree.flatten((args, options))]
            key = (type(layer), config, _digest(weights), *inputs)
            if key not in self._known:
                if id(layer) not in copies:
                    copies[id(layer)] = self._copy(layer, member)
                copy = copies[id(layer)]
                # The tensors stay alive with it, so that no other takes their ids.
                self._known[key] = (copy(*args, **options), args, options)
                if weights:
                    copy.set_weights(weights)
            return self._known[key][0]

        clone = keras.models.clone_model(
            model,
            input_tensors=raw,
            clone_function=lambda layer: layer,
            call_function=call,
        )
        return clone.output

    def _copy(self, layer, member):
        name = layer.name
        shared = name in PREPROCESSING or name.startswith(NORMALIZATIONS)
        if not shared or name in self._names:
            name = f"{member}_{name}"
        self._names.add(name)
        return type(layer).from_config(layer.get_config() | {"name": name})


def _plain(layer):
    """A layer's configuration without its name, and a model's without those inside."""
    config = {k: v for k, v in layer.get_config().items() if k != "name"}
    text = json.dumps(config, sort_keys=True, default=repr)
    for number, inner in enumerate(config.get("layers", ())):
        text = text.replace(json.dumps(inner["config"]["name"]), str(number))
    return text


def _digest(weights):
    digest = hashlib.sha256()
    for value in weights:
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


@reader.checked
def logits_of(model: keras.Model) -> keras.Model:
    """A served network without the softmax at its end.

    Raises:
        ValueError: Where there is none.
    """
    last = model.layers[-1]
    if last.get_config().get("activation") != "softmax":
        raise ValueError(
            f"{model.name} does not end in a softmax, so that it has no logits; join "
            "probabilities or votes."
        )

    def bare(layer):
        config = layer.get_config()
        if layer is last:
            config["activation"] = "linear"
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=bare)
    copy.set_weights(model.get_weights())
    return copy


@reader.checked
def averaged(models: list[keras.Model], batches: Any = None) -> keras.Model:
    """One network with the mean of the members' weights.

    Izmailov et al., "Averaging Weights Leads to Wider Optima and Better
    Generalization", UAI 2018, arXiv 1803.05407, Sec. 3.2: the statistics of batch norms
    are no average and are measured again on the training images. Members must have
    come from one beginning, as snapshots of one training have; the weights of others
    have nothing in common.

    Args:
        models: Served networks of one architecture.
        batches: ``Batches`` of the training images, as in training; needed where there
            are batch norms.

    Raises:
        ValueError: Where the architectures differ.
    """
    if not models:
        raise ValueError("models is empty; give two or more.")
    first, shapes = models[0], [_shapes(model) for model in models]
    for model, other in zip(models[1:], shapes[1:], strict=True):
        if other != shapes[0]:
            raise ValueError(
                f"The weights of {first.name} and {model.name} have other names or "
                "shapes and cannot be averaged; average snapshots of one training."
            )
    whole = keras.models.clone_model(first)
    columns = zip(*(model.get_weights() for model in models), strict=True)
    whole.set_weights([np.mean(column, 0, dtype="float64") for column in columns])
    if norms_of(whole):
        _measure_again(whole, batches)
    return whole


def _shapes(model):
    return [(weight.path, tuple(weight.shape)) for weight in model.weights]


@reader.checked
def norms_of(model: keras.Model) -> list[keras.layers.Layer]:
    """The batch norms of a network."""
    return [la for la in model.layers if isinstance(la, layers.BatchNormalization)]


def _measure_again(model, batches):
    """Sets the statistics of batch norms to their mean over one epoch."""
    norms, part = norms_of(model), resized_to_output(model)
    momenta = [layer.momentum for layer in norms]
    for number, (images, _) in enumerate(batches.dataset):
        for layer in norms:
            layer.momentum = number / (number + 1)
        part(images, training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
