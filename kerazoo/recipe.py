"""Contract 2: a recipe says how to train, in strings and numbers.

A recipe is data: it prints as JSON, reads back from it, and imports nothing. What the
words mean is written at the fields; the training part gives them effect.
"""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from kerazoo.errors import unknown


def _at_least(lowest, words, *fields, prefix=""):
    for field in fields:
        value = getattr(words, field)
        # Turned round, so that it also holds for what is no number.
        if value is not None and not value >= lowest:
            raise ValueError(
                f"{prefix}{field} is {value}; it must be {lowest} or more."
            )


def _above_zero(words, *fields, prefix=""):
    for field in fields:
        value = getattr(words, field)
        if value is not None and not value > 0:
            raise ValueError(f"{prefix}{field} is {value}; it must be above 0.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Optimizer:
    """An optimiser of Keras and its arguments; ``None`` leaves Keras' default.

    Attributes:
        name: ``sgd``, ``adam``, ``adamw``, ``rmsprop`` or another of Keras.
        learning_rate: The base rate, which the schedule scales.
        momentum: Of SGD and RMSprop. The rate stands inside the velocity, as in Caffe.
        nesterov: Whether the momentum looks ahead.
        rho: RMSprop's decay.
        beta_1: Adam's first decay.
        beta_2: Adam's second decay.
        epsilon: Inside the square root for RMSprop, as in TensorFlow 1.
        weight_decay: Decoupled decay (AdamW). The papers' decay is the recipe's own.
        clipnorm: The largest norm of one variable's gradient.
        global_clipnorm: The largest norm of all gradients together.
        clipvalue: The largest absolute value of a gradient.
        ema_momentum: Evaluate with a moving average of the weights of this momentum.
        gradient_accumulation_steps: Batches whose gradients make one step.
        multipliers: Multiples of the learning rate by the path of a weight, as in
            ``{"*/bias": 2}`` for Caffe's biases; of the patterns that fit a path the
            last counts. With SGD alone.
    """

    name: str = "sgd"
    learning_rate: float = 0.01
    momentum: float | None = None
    nesterov: bool | None = None
    rho: float | None = None
    beta_1: float | None = None
    beta_2: float | None = None
    epsilon: float | None = None
    weight_decay: float | None = None
    clipnorm: float | None = None
    global_clipnorm: float | None = None
    clipvalue: float | None = None
    ema_momentum: float | None = None
    gradient_accumulation_steps: int | None = None
    multipliers: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        """Refuses numbers that cannot mean anything."""
        _above_zero(self, "learning_rate", prefix="optimizer.")
        _at_least(1, self, "gradient_accumulation_steps", prefix="optimizer.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule:
    """How the learning rate moves.

    A field that the named schedule does not speak of does nothing there, so that one
    word changes the schedule of a recipe.

    Attributes:
        name: ``constant``; ``step`` (times ``factor`` at every boundary, or the
            ``values`` between them); ``exponential`` (times ``factor`` every ``every``
            epochs, at once where ``staircase``); ``polynomial`` (to ``end`` with
            ``power``); ``cosine`` (to ``end``, in ``cycles`` equal parts that each
            begin at the base rate again); ``one_cycle`` (up from ``start`` for
            ``warmup``, then a cosine to ``end``); ``plateau`` (times ``factor`` after
            ``patience`` epochs without a better validation loss).
        unit: What boundaries, ``every`` and ``warmup`` count: ``epochs``, ``steps``, or
            the ``share`` of the whole training, which stays right when its length is
            changed.
        boundaries: Where the rate steps.
        values: Rates as multiples of the base rate, one more than boundaries.
        factor: What a step multiplies by.
        every: The length of an exponential step.
        staircase: Whether the exponential decay goes in steps.
        power: The polynomial's exponent.
        start: The first rate of ``one_cycle`` as a multiple of the base rate.
        end: The last rate as a multiple of the base rate; a plateau's lowest.
        warmup: The length of the linear rise of ``cosine`` and ``one_cycle``.
        cycles: How often a cosine is gone through.
        patience: Epochs without improvement before a plateau steps.
    """

    name: Literal[
        "constant",
        "step",
        "exponential",
        "polynomial",
        "cosine",
        "one_cycle",
        "plateau",
    ] = "constant"
    unit: Literal["epochs", "steps", "share"] = "epochs"
    boundaries: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    factor: float = 0.1
    every: float = 1.0
    staircase: bool = True
    power: float = 1.0
    start: float = 0.0
    end: float = 0.0
    warmup: float = 0.0
    cycles: int = 1
    patience: int = 10

    def __post_init__(self):
        """Refuses numbers that cannot mean anything."""
        _above_zero(self, "every", prefix="schedule.")
        _at_least(0, self, "warmup", "patience", prefix="schedule.")
        _at_least(1, self, "cycles", prefix="schedule.")
        if self.cycles > 1 and (self.name != "cosine" or self.warmup):
            raise ValueError(
                f"schedule.cycles is {self.cycles}, which a cosine without warmup can "
                "go through; set schedule.name=cosine and schedule.warmup=0."
            )
        if list(self.boundaries) != sorted(self.boundaries):
            raise ValueError(
                f"schedule.boundaries is {list(self.boundaries)}; it must be in rising "
                "order."
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train a network.

    Attributes:
        name: The recipe's name, that of its file.
        networks: Patterns of the networks that it is for.
        kind: ``paper`` (as published), ``modern`` (close to the paper's result in a
            fraction of its epochs) or ``laptop`` (minutes on two cores).
        source: Where its numbers come from.
        data: The data set that it is for.
        options: The builder's own options, as in ``{"groups": 2}``.
        image_shape: The network's input; ``None`` for the card's.
        resize: ``bilinear`` (stretched), ``pad`` or ``crop`` (in proportion), or
            ``center`` (not scaled).
        normalisation: ``minmax``, ``minus_one_one``, ``standardise``, ``mean``,
            ``lenet``, ``gcn``, ``zca`` or ``none``.
        augment: Augmentations by name, as in ``("flip", "pad_crop:4")``.
        validation: The share of the training set kept for validation.
        batch_size: Images of one step, over all devices.
        epochs: Passes over the training set.
        steps: Training steps, in place of epochs.
        optimizer: The optimiser.
        schedule: The learning rate's schedule.
        loss: ``crossentropy``, ``squared_hinge``, or ``map`` (LeNet-5's).
        auxiliary_weight: The weight of the loss of every auxiliary head.
        auxiliary_fade: Steps in which that weight falls to zero in a straight line;
            ``None`` keeps it.
        label_smoothing: The share of a label spread over all classes.
        weight_decay: The papers' decay ``w``: ``w * theta`` is added to the gradient of
            every kernel, an L2 penalty of ``w / 2``.
        decay_all: Whether biases and batch norms decay too.
        l1: The weight of an L1 penalty on kernels.
        max_norm: The largest norm of a unit's incoming weights.
        dropout_scale: Multiplies the rates of the network's own dropout layers; with 0
            it has none.
        initializer: ``None`` for the builder's; for all kernels ``lsuv``,
            ``orthonormal``, ``xavier`` (Caffe's, by fan-in alone), ``normal:STD`` for a
            Gaussian of that standard deviation, or an initialiser of Keras.
        start_from: A finished run whose weights the network begins with.
        start_layers: Patterns of the layers that are taken from it, all of which must
            fit; the others are initialised as ever.
        early_stopping: Epochs without a better validation loss before the end.
        snapshots: Epochs, from 1, at whose end the weights are kept, for an ensemble of
            one training.
        seed: Of initialisation, shuffling, augmentation and dropout.
    """

    name: str = "custom"
    networks: tuple[str, ...] = ("*",)
    kind: Literal["paper", "modern", "laptop"] = "laptop"
    source: str = ""
    data: str = "digits"
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    image_shape: tuple[int, ...] | None = None
    resize: Literal["bilinear", "pad", "crop", "center"] = "bilinear"
    normalisation: str = "standardise"
    augment: tuple[str, ...] = ()
    validation: float = 0.1
    batch_size: int = 128
    epochs: int = 10
    steps: int | None = None
    optimizer: Optimizer = dataclasses.field(default_factory=Optimizer)
    schedule: Schedule = dataclasses.field(default_factory=Schedule)
    loss: Literal["crossentropy", "squared_hinge", "map"] = "crossentropy"
    auxiliary_weight: float = 0.3
    auxiliary_fade: int | None = None
    label_smoothing: float = 0.0
    weight_decay: float = 0.0
    decay_all: bool = False
    l1: float = 0.0
    max_norm: float | None = None
    dropout_scale: float = 1.0
    initializer: str | None = None
    start_from: str | None = None
    start_layers: tuple[str, ...] = ("*",)
    early_stopping: int | None = None
    snapshots: tuple[int, ...] = ()
    seed: int = 1

    def __post_init__(self):
        """Refuses numbers that cannot mean anything."""
        _at_least(1, self, "batch_size", "steps", "auxiliary_fade", "early_stopping")
        _at_least(0, self, "epochs", "seed", "weight_decay", "l1", "auxiliary_weight")
        _at_least(0, self, "dropout_scale")
        _above_zero(self, "max_norm")
        for field in ("validation", "label_smoothing"):
            if not 0 <= getattr(self, field) < 1:
                raise ValueError(
                    f"{field} is {getattr(self, field)}; it must be a share from 0 up "
                    "to, but less than, 1."
                )
        last = self.epochs if self.steps is None else math.inf
        for epoch in self.snapshots:
            if not 1 <= epoch <= last:
                raise ValueError(
                    f"snapshots names epoch {epoch}; it must be from 1 to the recipe's "
                    f"epochs, {self.epochs}."
                )
        if self.snapshots and self.optimizer.ema_momentum:
            raise ValueError(
                "snapshots would keep the raw weights, not optimizer.ema_momentum's "
                "average; leave one of them out."
            )
        if self.early_stopping and self.optimizer.ema_momentum:
            raise ValueError(
                "early_stopping would put back weights that are not those of "
                "optimizer.ema_momentum's average; leave one of them out."
            )

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain data."""
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        """The recipe as JSON."""
        return json.dumps(self.to_dict(), indent=2)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Recipe":
        """The recipe of plain data, as :meth:`to_dict` or a JSON file gives it.

        Raises:
            ValueError: For an unknown field or a value of the wrong kind.
        """
        if not isinstance(data, Mapping):
            raise ValueError(
                f"A recipe is a mapping of fields, not a {type(data).__name__}."
            )
        return _read(cls, data, "")

    def override(self, *settings: str) -> "Recipe":
        """The recipe with fields set by text, as the command line does.

        Args:
            *settings: As in ``optimizer.learning_rate=0.05``; the value is read as
                JSON, or as a string where it is none.

        Raises:
            ValueError: For an unknown field or a value of the wrong kind.
        """
        data = self.to_dict()
        for setting in settings:
            path, sign, text = setting.partition("=")
            if not sign:
                raise ValueError(
                    f"A setting is FIELD=VALUE, as in epochs=5; {setting!r} has no '='."
                )
            value = None if text == "None" else _json(text)
            *parents, last = path.split(".")
            target = data
            for depth, parent in enumerate(parents):
                if not isinstance(target.get(parent), dict):
                    raise unknown("recipe field", ".".join(parents[: depth + 1]), data)
                target = target[parent]
            if last not in target and parents != ["options"]:
                raise unknown("recipe field", path, _paths(self.to_dict()))
            target[last] = value
        return self.from_dict(data)


def _json(text):
    """The value of a JSON text, or the text where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _paths(data, prefix=""):
    for key, value in data.items():
        yield prefix + key
        if isinstance(value, dict):
            yield from _paths(value, f"{prefix}{key}.")


def _read(cls, data, prefix):
    kinds = typing.get_type_hints(cls)
    for key in data:
        if key not in kinds:
            raise unknown("recipe field", f"{prefix}{key}", (prefix + k for k in kinds))
    return cls(**{k: _value(kinds[k], v, prefix + k) for k, v in data.items()})


def _value(kind, value, path):
    """``value`` as the annotation asks for it."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        if isinstance(value, Mapping):
            return _read(kind, value, f"{path}.")
    elif origin in (types.UnionType, typing.Union):
        if value is None and type(None) in inner:
            return None
        return _value(next(k for k in inner if k is not type(None)), value, path)
    elif origin is Literal:
        if value not in inner:
            raise unknown(path, value, inner)
        return value
    elif origin is tuple:
        if isinstance(value, str):
            value = [part for part in value.split(",") if part]
            if inner[0] is not str:
                value = [_json(part) for part in value]
        if isinstance(value, (list, tuple)):
            return tuple(_value(inner[0], part, path) for part in value)
    elif kind is float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if number and math.isfinite(value):
            return float(value)
    elif kind is str:
        if isinstance(value, (str, int, float)):
            return str(value)
    elif isinstance(value, origin or kind) and not (
        kind is int and isinstance(value, bool)
    ):
        return value
    name = getattr(kind, "__name__", str(kind)) if origin is not tuple else "list"
    raise ValueError(f"{path} is {value!r}; it must be of kind {name}.")
