"""``@network``: the options that all builders share, a family's own ones, variants."""

import contextlib
import dataclasses
import functools
import inspect
import math
import pathlib
import textwrap
import warnings
import zipfile
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import keras
from keras import layers

from kerazoo import memory, reader
from kerazoo.layers.activation import check_activation
from kerazoo.recursion import allow_deep_graphs
from kerazoo.registry import (
    BODY,
    SHARED,
    Card,
    Option,
    documented_arguments,
    list_models,
    read_options,
)
from kerazoo.symbolic import symbolic

DOC = """{summary}

Args:
    input_shape: ``(height, width, channels)`` of the images; by default the paper's.
        Height and width may be ``None`` where no layer needs them fixed.
    classes: The number of classes; by default the paper's.
    include_top: Whether the network ends in its classifier, or in its last features.
    pooling: Without the top: ``None`` for the feature map, ``"avg"`` or ``"max"`` for
        its global average or maximum.
    weights: ``None`` for random initialisation; the name of trained weights, as in
        ``"imagenet"`` or ``"timm/a1_in1k"`` (``kerazoo weights`` lists them), which
        bring the options of the network that they belong to; or the path of a file:
        kerazoo's own, a published one, or Keras' ``.weights.h5`` or ``.keras``.
    input_tensor: A Keras tensor to build upon, in place of a new input.
    classifier_activation: The activation of the top; ``None`` for logits.
    name: The model's name. Where given, it also prefixes the name of every layer, so
        that two copies of a network can stand in one graph.
{own}
Returns:
    A flat functional ``keras.Model`` from images to class scores (or features).

Raises:
    ValueError: For an option that does not exist or a value that is not allowed; the
        message says what is.
"""


# A number beyond what the papers' networks have: the size is looked at.
LARGE = 1024
# Of a body: the scores, or named outputs.
Outputs: TypeAlias = keras.KerasTensor | dict[str, keras.KerasTensor]


class Head(Protocol):
    """From a network's last features to class scores; see :mod:`kerazoo.blocks`."""

    def __call__(
        self,
        x: keras.KerasTensor,
        classes: int,
        activation: Any,
        *args: Any,
        **options: Any,
    ) -> keras.KerasTensor:
        """The class scores."""


class Builder(Protocol):
    """What :func:`network` makes: keyword options in, a model out."""

    card: Card

    def __call__(self, **options: Any) -> keras.Model:
        """The network with these options."""


@dataclasses.dataclass(frozen=True)
class Top:
    """What a network's body calls last: the head, or the pooling in its place.

    Attributes:
        include_top: Whether the head is wanted.
        classes: The number of classes.
        classifier_activation: The classifier's activation.
        pooling: What replaces the head.
    """

    include_top: bool
    classes: int
    classifier_activation: Any
    pooling: str | None

    def __call__(
        self, x: keras.KerasTensor, head: Head, **options: Any
    ) -> keras.KerasTensor:
        """``head(x, classes, activation, **options)``, or ``x`` pooled as asked."""
        if self.include_top:
            return head(x, self.classes, self.classifier_activation, **options)
        if self.pooling is None:
            return x
        if len(x.shape) != 4:
            raise ValueError(
                f"pooling={self.pooling!r} needs a feature map, and this network's "
                "features are a vector; leave pooling out."
            )
        pool = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}
        return pool[self.pooling](name=f"{self.pooling}_pool")(x)


def network(body: Callable, /, **variant: Any) -> Any:
    """Turns a body into a builder with the options that all networks share.

    ::

        @network
        def alexnet(inputs, top, *, groups: Literal[1, 2] = 1): ...

        @network(resnet, depth=50)
        def resnet50(): ...

    The first builds what its body says. The second is a variant: a docstring over the
    body of its family.

    Args:
        body: ``body(inputs, top, ...)``: from the input tensor to the output tensor, or
            to a dictionary of named outputs; it ends in ``top(x, head, ...)``. Its
            annotated keyword-only parameters are the network's own options. Where one
            is called ``regions`` and nobody gives them, they become an input of so many
            boxes as the option ``proposals`` says; without the top there are none.
        **variant: The body's other parameters; of an option, another default.

    Returns:
        The builder, or of a variant the decorator that gives it. ``@register`` gives
        it the card, from which it takes the default input, number of classes and
        smallest image, and the options.
    """
    if not variant:
        return _builder(body, body, {})
    return lambda stub: _builder(stub, body, variant)


def _builder(function, body, variant):
    parameters = inspect.signature(body).parameters.values()
    docs = documented_arguments(body.__doc__ or "")
    own = {
        p.name: Option(
            p.name, p.annotation, variant.get(p.name, p.default), docs.get(p.name, "")
        )
        for p in parameters
        if p.kind is p.KEYWORD_ONLY
    }
    bound = {name: value for name, value in variant.items() if name not in own}
    # Raises where the variant leaves a parameter of the body open, or invents one.
    inspect.signature(body).bind(*BODY, **bound)
    known = SHARED | own

    @functools.wraps(function)
    def builder(**options: Any) -> keras.Model:
        read = read_options(function.__name__, known, options)
        weights = _trained(made.card, read)
        given = {name: option.default for name, option in known.items()} | read
        mine = {name: given.pop(name) for name in own}
        given["weights"] = weights
        return _build(functools.partial(body, **bound, **mine), made.card, **given)

    made: Any = builder
    made.__signature__ = inspect.Signature(
        [
            inspect.Parameter(
                one.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=one.default,
                annotation=one.kind,
            )
            for one in known.values()
        ],
        return_annotation=keras.Model,
    )
    summary = (function.__doc__ or "").partition("\n\n")[0]
    made.__doc__ = DOC.format(summary=summary, own="".join(map(_line, own.values())))
    return made


def _trained(card, given):
    """The weights that are wanted; their options become those that are given.

    Returns:
        A set of the catalogue, the path of a file of Keras', or ``None``.
    """
    weights = given.get("weights")
    if weights is None:
        return None
    from kerazoo.weights.loading import is_file, resolve

    if is_file(weights) and card.name not in list_models():
        return _check_weights(weights)
    chosen = resolve(card.name, weights)
    if chosen is None:
        return _check_weights(weights)
    for name, value in chosen.options.items():
        if given.setdefault(name, value) != value:
            raise ValueError(
                f"{name} is {given[name]!r}, but the weights {chosen.name} belong to "
                f"{card.name} with {name}={value!r}; leave it out, or give other "
                "weights."
            )
    given.setdefault("classes", chosen.classes)
    if given.get("input_tensor") is None:
        given.setdefault("input_shape", chosen.preprocessing.image_shape)
    return chosen


def _line(option):
    """An option in the docstring of a builder."""
    name, choices, default = option.name, option.choices, repr(option.default)
    text = f"    {name}: {option.doc} {choices}; by default {default}."
    return textwrap.fill(text, 88, subsequent_indent=8 * " ") + "\n"


def _build(body, card, *, input_shape, input_tensor, weights, name, **top):
    if keras.config.image_data_format() != "channels_last":
        raise ValueError(
            "kerazoo builds channels-last networks; call "
            "keras.config.set_image_data_format('channels_last') first."
        )
    allow_deep_graphs()
    top["classes"] = top["classes"] or card.classes
    if top["pooling"] and top["include_top"]:
        raise ValueError(
            f"pooling={top['pooling']!r} replaces the top; give include_top=False with "
            "it."
        )
    check_activation(top["classifier_activation"], "classifier_activation")
    if input_tensor is None:
        shape = _check_shape(card, input_shape or card.input_shape)
        inputs = keras.Input(shape, name="images")
        source, before = inputs, ()
    else:
        inputs = _check_tensor(card, input_tensor, input_shape)
        source = keras.utils.get_source_inputs(input_tensor)
        # A model made from a list expects its input in a list, and warns of a tensor.
        source = source[0] if len(source) == 1 else source
        before = keras.Model(source, inputs).layers
    if top["include_top"] and body.keywords.get("regions", ...) is None:
        count = body.keywords["proposals"]
        body.keywords["regions"] = keras.Input((count, 4), name="proposals")
    # What the body is given beside the images, as boxes in training.
    given = [
        source
        for one in keras.tree.flatten(list(body.keywords.values()))
        if keras.utils.is_keras_tensor(one)
        for source in keras.utils.get_source_inputs(one)
    ]
    if given:
        source = {one.name: one for one in (source, *given)}
    _check_size(body, source, inputs, Top(**top), card)
    if weights is not None and not isinstance(weights, pathlib.Path):
        from kerazoo.weights.loading import locate

        # A file that cannot be had is known before the network is built, and one that
        # is there is held against its hash once.
        path = locate(weights, top["include_top"])
        weights = dataclasses.replace(weights, path=str(path))
    with keras.name_scope(name) if name else contextlib.nullcontext():
        outputs = body(inputs, Top(**top))
    model = keras.Model(source, outputs, name=name or card.name)
    if isinstance(weights, pathlib.Path):
        load_weights(model, weights)
    elif weights is not None:
        _load_set(model, weights, top["include_top"])
    if name:
        for layer in model.layers:
            if layer not in before:
                layer.name = f"{name}_{layer.name}"
    return model


def _load_set(model, weights, include_top):
    from kerazoo.weights.loading import load_set

    report = load_set(model, weights, include_top=include_top)
    for said in report.adapted:
        warnings.warn(f"{model.name}: {said}", stacklevel=4)


def _check_size(body, source, inputs, top, card):
    """Refuses a network that the memory does not hold.

    Its weights are counted without being made, where a number is so large that this is
    worth the while.
    """
    shape = inputs.shape[1:]
    numbers = keras.tree.flatten([shape, top.classes, list(body.keywords.values())])
    if not any(isinstance(one, int) and one > LARGE for one in numbers):
        return
    image = math.prod(side or 1 for side in shape)
    advice = "give a smaller input_shape, fewer classes or fewer units"
    memory.check(f"{card.name}'s image of {shape}", 4 * image, advice)
    model = symbolic(lambda: keras.Model(source, body(inputs, top)))
    count = sum(math.prod(weight.shape) for weight in model.weights)
    memory.check(f"{card.name} with its {count:,} weights", 4 * count, advice)


def _check_shape(card, shape):
    height, width, channels = shape
    if height in (1, 3) and (width or 0) > 4 and channels > 4:
        raise ValueError(
            f"input_shape is {tuple(shape)}, with the channels first, it seems; give "
            f"them last: {(width, channels, height)}."
        )
    for side in shape[:2]:
        if side is not None and side < card.minimum:
            raise ValueError(
                f"input_shape is {tuple(shape)}; the smallest image that {card.name} "
                f"takes is {card.minimum}x{card.minimum}."
            )
    return shape


def _check_tensor(card, tensor, input_shape):
    if not keras.utils.is_keras_tensor(tensor):
        raise ValueError(
            f"input_tensor is a {type(tensor).__name__}; it must be a Keras tensor, as "
            "keras.Input or a layer's call returns."
        )
    given = reader.read(SHARED["input_shape"].kind, tensor.shape[1:], "input_shape")
    if input_shape is not None and input_shape != given:
        raise ValueError(
            f"input_shape={input_shape} contradicts input_tensor of shape {given}; "
            "leave one of them out."
        )
    _check_shape(card, given)
    return tensor


def _check_weights(weights):
    if not str(weights).endswith((".weights.h5", ".keras")):
        raise ValueError(
            f"weights is {str(weights)!r}; of this network it must be None or the path "
            "of a .weights.h5 or .keras file."
        )
    path = pathlib.Path(weights)
    if not path.is_file():
        raise ValueError(f"weights: there is no file {path}.")
    return path


def load_weights(model: keras.Model, path: pathlib.Path) -> None:
    """Loads a file of weights, whole or not at all.

    Raises:
        ValueError: Where the file does not fit the network.
    """
    try:
        with warnings.catch_warnings():
            # Keras warns of every layer that does not fit before it raises.
            warnings.simplefilter("ignore")
            model.load_weights(path)
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"The weights in {path} do not fit {model.name} with these options: "
            f"{str(error).splitlines()[0]} Give the classes, input_shape and options "
            "that the file was saved with."
        ) from error
