"""A ``keras.Model`` of the user's own as the network of a training."""

import dataclasses
import functools
import hashlib
import json
import re
from typing import Any

import keras
from keras import layers

from kerazoo import recipes
from kerazoo.analysis.ledger import ledger
from kerazoo.recipe import Recipe
from kerazoo.surgery.graph import Graph, is_graph

# Keras numbers the models that have no name of their own.
NUMBERED = re.compile(r"(sequential|functional|model)_\d+")
# What brings pixels to another range.
NORMALIZING = (layers.Rescaling, layers.Normalization)
# Activations of Keras without a function of their name, as PReLU.
ACTIVATIONS = {name.replace("_", "") for name in dir(keras.activations)} | {"prelu"}


@dataclasses.dataclass(frozen=True)
class OwnModel:
    """A model that ``fit`` is given instead of a network's name.

    Copies of it are trained and served; the model itself stays as it is. A copy begins
    with its weights.

    Attributes:
        model: The model: one image in, the scores of the classes out.
    """

    model: keras.Model

    def __post_init__(self) -> None:
        """Refuses what cannot be trained here.

        Raises:
            ValueError: For a model without a graph or an input shape, of several inputs
                or outputs, that does not end in a softmax or logits of two classes or
                more, or with parts that Keras could not read back from a file.
        """
        model, name = self.model, self.model.name
        if not is_graph(model):
            raise ValueError(
                f"{name} has no graph of layers that could be copied; give a "
                "functional model, or a sequential one that begins with "
                "keras.Input((height, width, channels))."
            )
        if len(model.inputs) != 1 or len(model.outputs) != 1:
            raise ValueError(
                f"{name} has {len(model.inputs)} inputs and {len(model.outputs)} "
                "outputs; give a model from one image to the scores of its classes."
            )
        shape, scores = model.inputs[0].shape, model.outputs[0].shape
        if len(shape) != 4 or shape[0] is not None or shape[3] not in (1, 3):
            raise ValueError(
                f"{name} takes {shape}; give a model of images, as in keras.Input((32, "
                "32, 3)), with 1 or 3 channels and batches of any size."
            )
        if len(scores) != 2 or scores[1] is None or scores[1] < 2:
            raise ValueError(
                f"{name} gives {scores}, which are no scores of two classes or more; "
                "end it in Dense(classes, activation='softmax'), two units for two "
                "classes. A regression cannot be trained here."
            )
        if not self.softmax and (activation := _activation(_last(model))):
            raise ValueError(
                f"{name} ends in {activation}, which gives neither probabilities nor "
                "logits; end it in a softmax, or in a layer without an activation."
            )
        _check_readable(name, json.loads(model.to_json()))

    @property
    def name(self) -> str:
        """The model's name, without the number that Keras gives to nameless ones."""
        name = self.model.name
        return NUMBERED.sub(r"\1", name) if NUMBERED.fullmatch(name) else name

    @property
    def softmax(self) -> bool:
        """Whether it gives probabilities; logits otherwise."""
        return _activation(_last(self.model)) == "softmax"

    @functools.cached_property
    def fingerprint(self) -> str:
        """A digest of the architecture, whatever its layers are called."""
        config = _anonymous(_functional(self.model).get_config(), {})
        return hashlib.sha256(json.dumps(config).encode()).hexdigest()[:16]

    @functools.cached_property
    def macs(self) -> float:
        """Multiply-adds of one image; without end where nobody can count them."""
        try:
            macs = ledger(self.model).macs
        except (ValueError, KeyError):
            macs = None
        return float("inf") if macs is None else macs

    def choose_recipe(self, given: Recipe | str | None) -> Recipe:
        """The recipe that somebody means.

        Args:
            given: As for :func:`kerazoo.recipes.choose`; ``None`` leaves normalisation
                to a model that has its own.

        Raises:
            ValueError: Where recipe and model contradict each other.
        """
        recipe, normalizes = recipes.choose(given), _normalizes(self.model)
        if given is None and normalizes:
            recipe = recipe.replace({"normalization": "none"})
        if normalizes and recipe.normalization != "none":
            raise ValueError(
                f"{self.name} normalises its images itself ({normalizes}), and so does "
                f"the recipe {recipe.name} (normalization={recipe.normalization}); set "
                "normalization=none, or take the layer out."
            )
        if recipe.options:
            raise ValueError(
                f"The recipe {recipe.name} sets options "
                f"({', '.join(recipe.options)}) of a network of kerazoo, which "
                f"{self.name} does not have; leave them out."
            )
        own, asked = self.model.inputs[0].shape[1:], recipe.image_shape
        if asked and any(a not in (None, b) for a, b in zip(own, asked, strict=True)):
            raise ValueError(
                f"image_shape is {list(asked)}, but {self.name} takes images of "
                f"{own}; leave image_shape out."
            )
        return recipe

    def image_shape(
        self, recipe: Recipe, source_shape: tuple[int | None, ...]
    ) -> tuple[int, int, int]:
        """What images are brought to: the model's input, else the recipe's or data's.

        Args:
            recipe: The recipe.
            source_shape: The data set's images, ``None`` where they differ.

        Raises:
            ValueError: Where none of them says.
        """
        height, width, channels = self.model.inputs[0].shape[1:]
        if None in (height, width):
            height, width = (recipe.image_shape or source_shape)[:2]
        if None in (height, width):
            raise ValueError(
                f"{self.name} takes images of any size, and those of the data differ; "
                "set the size with the recipe's image_shape."
            )
        return height, width, channels

    def check_classes(self, classes: int) -> None:
        """Refuses data of other classes.

        Raises:
            ValueError: Where the model has other than so many scores.
        """
        units = self.model.outputs[0].shape[1]
        if units != classes:
            raise ValueError(
                f"{self.name} gives the scores of {units} classes, but the data have "
                f"{classes}; end it in so many units."
            )

    def build(self, images: Any, x: Any, activation: str | None) -> keras.Model:
        """A copy with the same weights.

        Args:
            images: The input of the copy.
            x: What the model's first layers read, computed of the input.
            activation: ``softmax``, or ``None`` for logits.
        """
        copy = _copy(self.model, self.name, activation, images, x)
        if activation and not _activation(_last(copy)):
            names = {layer.name for layer in copy.layers}
            name = "predictions" if "predictions" not in names else "probabilities"
            end = layers.Activation(activation, dtype="float32", name=name)
            copy = keras.Model(images, end(copy.output), name=self.name)
        return copy


def _functional(model, name=None):
    """The graph alone, not compiled."""
    return keras.Model(model.inputs[0], model.outputs[0], name=name or model.name)


def _last(model):
    """The operation that gives a model's output, within models in it too."""
    functional = _functional(model)
    name = Graph(functional).outputs
    (last,) = (one for one in functional.operations if one.name == name)
    return _last(last) if is_graph(last) else last


def _activation(operation):
    """The name of the activation that an operation ends in; None for none."""
    kind = type(operation).__name__
    if kind.lower() in ACTIVATIONS:
        return kind.lower()
    activation = operation.get_config().get("activation", "linear")
    if isinstance(activation, dict):
        return str(activation.get("config"))
    return None if activation in ("linear", None) else activation


def _copy(model, name, activation, images=None, x=None):
    """A copy of a graph with the same weights and another activation at its end."""
    functional = _functional(model, name)
    end = Graph(functional).outputs
    copies: dict[int, Any] = {}

    def fresh(operation):
        if id(operation) not in copies:
            copies[id(operation)] = operation, _anew(operation, end, activation)
        return copies[id(operation)][1]

    def call(operation, *args, **options):
        args, options = keras.tree.map_structure(
            lambda value: x if value is images and x is not None else value,
            (args, options),
        )
        # A softmax that is a layer of its own is left out.
        if operation.name == end and activation is None and _is_softmax(operation):
            return args[0]
        return operation(*args, **options)

    copy = keras.models.clone_model(
        functional, input_tensors=images, clone_function=fresh, call_function=call
    )
    for old, new in copies.values():
        if isinstance(old, keras.Layer) and old.weights:
            new.set_weights(old.get_weights())
    return copy


def _is_softmax(operation):
    return type(operation).__name__ == "Softmax"


def _anew(operation, end, activation):
    """An operation made anew; the last with another activation."""
    if operation.name == end and is_graph(operation):
        return _copy(operation, operation.name, activation)
    config = operation.get_config()
    if operation.name == end and "activation" in config:
        config["activation"] = activation or "linear"
    return type(operation).from_config(config)


def _operations(model):
    """The operations of a graph in order, those of models in it too."""
    for operation in _functional(model).operations:
        if is_graph(operation):
            yield from _operations(operation)
        else:
            yield operation


def _normalizes(model):
    """The layer that normalises images before anything is learnt of them, or None."""
    for operation in _operations(model):
        if isinstance(operation, NORMALIZING):
            return operation.name
        if getattr(operation, "weights", None):
            return None
    return None


def _check_readable(name, config):
    """Refuses what a saved model could not be read back with."""
    if isinstance(config, list):
        for one in config:
            _check_readable(name, one)
    if not isinstance(config, dict):
        return
    kind, registered = config.get("class_name"), config.get("registered_name")
    if kind == "Lambda":
        raise ValueError(
            f"{name} has a Lambda layer, whose code Keras does not read back from a "
            "file; write it as a layer of its own."
        )
    what = config.get("config") if kind == "function" else registered
    known = str(config.get("module")).startswith("keras") or not registered
    if isinstance(what, str) and ">" not in what and not known:
        raise ValueError(
            f"{name} has {what}, which Keras could not read back from the run's file; "
            "put @keras.saving.register_keras_serializable() before its definition."
        )
    for one in config.values():
        _check_readable(name, one)


def _anonymous(value, numbers):
    """A configuration with numbers, in order, for the names of layers."""

    def number(name):
        if isinstance(name, str):
            return numbers.setdefault(name, len(numbers))
        return name

    if isinstance(value, (list, tuple)):
        return [_anonymous(one, numbers) for one in value]
    if not isinstance(value, dict) or value.get("class_name") == "DTypePolicy":
        return value
    found = {}
    for key, one in value.items():
        if key == "name":
            found[key] = number(one)
        elif key in ("keras_history", "input_layers", "output_layers"):
            found[key] = keras.tree.map_structure(number, one)
        # Some layers draw a seed of their own.
        elif key != "seed":
            found[key] = _anonymous(one, numbers)
    return found
