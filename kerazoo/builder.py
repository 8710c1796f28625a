"""The options that every builder takes, validated, documented and applied once."""

import contextlib
import dataclasses
import functools
import inspect
import pathlib
import sys
import warnings
import zipfile
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import keras
from keras import layers

from kerazoo.errors import unknown

# Keras follows a graph by recursion, one call for every layer of its longest path; a
# network of 1202 weight layers has some 4,200 of them, and Python stops at 1,000.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 10_000))

OPTIONS_DOC = """
Args:
    input_shape: ``(height, width, channels)`` of the images; by default the paper's.
        Height and width may be ``None`` where no layer needs them fixed.
    classes: The number of classes; by default the paper's.
    include_top: Whether the network ends in its classifier, or in its last features.
    pooling: Without the top: ``None`` for the feature map, ``"avg"`` or ``"max"`` for
        its global average or maximum.
    weights: ``None`` for random initialisation, or the path of a ``.weights.h5`` or
        ``.keras`` file of the same network.
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


class Builder(Protocol):
    """A network's builder as an editor sees it; a network's own options come last."""

    card: Any

    def __call__(
        self,
        *,
        input_shape: Sequence[int | None] | None = None,
        classes: int | None = None,
        include_top: bool = True,
        pooling: str | None = None,
        weights: str | pathlib.Path | None = None,
        input_tensor: Any = None,
        classifier_activation: str | None = "softmax",
        name: str | None = None,
        **options: Any,
    ) -> keras.Model: ...


@dataclasses.dataclass(frozen=True)
class Top:
    """What a network's body calls last: the head, or the pooling in its place.

    Attributes:
        include: Whether the head is wanted.
        classes: The number of classes.
        activation: The classifier's activation.
        pooling: What replaces the head.
    """

    include: bool
    classes: int
    activation: Any
    pooling: str | None

    def __call__(self, x, head: Callable, **options):
        """``head(x, classes, activation, **options)``, or ``x`` pooled as asked."""
        if self.include:
            return head(x, self.classes, self.activation, **options)
        if self.pooling is None:
            return x
        if len(x.shape) != 4:
            raise ValueError(
                f"pooling={self.pooling!r} needs a feature map, and this network's "
                "features are a vector; leave pooling out."
            )
        pool = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}
        return pool[self.pooling](name=f"{self.pooling}_pool")(x)


def network(body: Callable) -> Builder:
    """Turns a body into a builder with the options that all networks share.

    Args:
        body: ``body(inputs, top, **own)``: from the input tensor to the output tensor,
            or to a dictionary of named outputs; it ends in ``top(x, head, ...)``. Its
            keyword-only parameters are the network's own options.

    Returns:
        The builder. ``@register`` gives it the card, from which it takes the default
        input, number of classes and smallest image.
    """
    own = [
        p
        for p in inspect.signature(body).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    ]
    shared = inspect.signature(Builder.__call__).parameters.values()
    shared = [p for p in shared if p.kind is p.KEYWORD_ONLY]

    @functools.wraps(body)
    def builder(**options):
        allowed = {p.name: p.default for p in [*shared, *own]}
        for option in options:
            if option not in allowed:
                raise unknown(f"option of {body.__name__}", option, allowed)
        given = allowed | options
        mine = {p.name: given.pop(p.name) for p in own}
        return _build(body, builder.card, mine, **given)

    builder.__signature__ = inspect.Signature(
        [*shared, *own], return_annotation=keras.Model
    )
    summary, _, rest = inspect.cleandoc(body.__doc__).partition("\n\n")
    rest = inspect.cleandoc(rest.removeprefix("Args:\n")).replace("\n", "\n    ")
    builder.__doc__ = f"{summary}\n{OPTIONS_DOC.format(own=rest + chr(10))}"
    return builder


def _build(
    body,
    card,
    own,
    *,
    input_shape,
    classes,
    include_top,
    pooling,
    weights,
    input_tensor,
    classifier_activation,
    name,
):
    if keras.config.image_data_format() != "channels_last":
        raise ValueError(
            "kerazoo builds channels-last networks; call "
            "keras.config.set_image_data_format('channels_last') first."
        )
    classes = _check_classes(card.classes if classes is None else classes)
    if pooling not in (None, "avg", "max"):
        raise ValueError(f"pooling is {pooling!r}; it must be None, 'avg' or 'max'.")
    if pooling and include_top:
        raise ValueError(
            f"pooling={pooling!r} replaces the top; give include_top=False with it."
        )
    weights = _check_weights(weights)
    if input_tensor is None:
        shape = card.input_shape if input_shape is None else input_shape
        shape = _check_shape(card, shape)
        inputs = keras.Input(shape, name="images")
        source, before = inputs, ()
    else:
        if not keras.utils.is_keras_tensor(input_tensor):
            raise ValueError(
                f"input_tensor is a {type(input_tensor).__name__}; it must be a Keras "
                "tensor, as keras.Input or a layer's call returns."
            )
        inputs, given = input_tensor, tuple(input_tensor.shape[1:])
        _check_shape(card, given)
        if input_shape is not None and tuple(input_shape) != given:
            raise ValueError(
                f"input_shape={tuple(input_shape)} contradicts input_tensor of shape "
                f"{given}; leave one of them out."
            )
        source = keras.utils.get_source_inputs(input_tensor)
        # A model made from a list expects its input in a list, and warns of a tensor.
        source = source[0] if len(source) == 1 else source
        before = keras.Model(source, inputs).layers
    top = Top(include_top, classes, classifier_activation, pooling)
    with keras.name_scope(name) if name else contextlib.nullcontext():
        outputs = body(inputs, top, **own)
    model = keras.Model(source, outputs, name=name or card.name)
    if name:
        for layer in model.layers:
            if layer not in before:
                layer.name = f"{name}_{layer.name}"
    if weights:
        load_weights(model, weights)
    return model


def _whole(number):
    return isinstance(number, int) and not isinstance(number, bool)


def _check_classes(classes):
    if not _whole(classes) or classes < 1:
        raise ValueError(f"classes is {classes!r}; it must be a whole number from 1.")
    return classes


def _check_shape(card, shape):
    if not isinstance(shape, Sequence) or isinstance(shape, str) or len(shape) != 3:
        raise ValueError(
            f"input_shape is {shape!r}; it must be (height, width, channels), as in "
            f"{card.input_shape}."
        )
    *size, channels = shape
    for side in size:
        if side is not None and (not _whole(side) or side < card.minimum):
            raise ValueError(
                f"input_shape is {tuple(shape)}; the smallest image that {card.name} "
                f"takes is {card.minimum}x{card.minimum}."
            )
    if not _whole(channels) or channels < 1:
        raise ValueError(
            f"input_shape is {tuple(shape)}; the number of channels must be a whole "
            "number from 1."
        )
    return tuple(shape)


def _check_weights(weights):
    if weights is None:
        return None
    if not str(weights).endswith((".weights.h5", ".keras")):
        raise ValueError(
            f"weights is {str(weights)!r}; it must be None or the path of a "
            ".weights.h5 or .keras file."
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
