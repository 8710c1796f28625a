"""Contract 2: a recipe says how to train, in strings and numbers.

A recipe is data: it prints as JSON, reads back from it, and imports nothing. What the
words mean is written at the fields; the training part gives them effect.
"""

import dataclasses
import functools
import json
import math
import numbers
import operator
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from kerazoo import display, reader
from kerazoo.reader import Count, ImageShape, NonNegative, Positive, Rate, Share, Whole

ClassWeights = Annotated[
    Mapping[str, NonNegative],
    'a mapping from names or numbers of classes to weights, as in {"cat": 2}',
]
LayerValues = Annotated[
    Mapping[str, NonNegative],
    "a mapping from layers, as `freeze` names them, to numbers from 0, as in "
    '{"hidden1": 1e-4}',
]


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
            last counts.
        stage_rate: The learning rate of a stage as a multiple of that of the next
            deeper one: the class scores learn at the rate, the last stage before them
            at ``stage_rate`` times it, the one before that at its square, and so on;
            ``None`` for one rate. ``multipliers`` multiply it further.
    """

    name: str = "sgd"
    learning_rate: Positive = 0.01
    momentum: Rate | None = None
    nesterov: bool | None = None
    rho: Rate | None = None
    beta_1: Rate | None = None
    beta_2: Rate | None = None
    epsilon: Positive | None = None
    weight_decay: NonNegative | None = None
    clipnorm: Positive | None = None
    global_clipnorm: Positive | None = None
    clipvalue: Positive | None = None
    ema_momentum: Rate | None = None
    gradient_accumulation_steps: Count | None = None
    multipliers: Mapping[str, NonNegative] = dataclasses.field(default_factory=dict)
    stage_rate: Positive | None = None

    def __post_init__(self) -> None:
        """Refuses values that cannot mean anything."""
        reader.validate(self, "optimizer.")
        if self.nesterov and self.momentum == 0:
            raise ValueError(
                "optimizer.nesterov looks ahead along a momentum, but "
                "optimizer.momentum is 0; give one, as in optimizer.momentum=0.9."
            )


# What each schedule speaks of, beside its name.
SPEAKS_OF = {
    "constant": (),
    "step": ("unit", "boundaries", "values", "factor"),
    "exponential": ("unit", "factor", "every", "staircase"),
    "polynomial": ("end", "power"),
    "cosine": ("unit", "start", "end", "warmup", "cycles"),
    "one_cycle": ("unit", "start", "end", "warmup"),
    "plateau": ("factor", "end", "patience"),
}


# The losses that know label smoothing.
SMOOTHED = ("crossentropy", "binary_crossentropy")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule:
    """How the learning rate moves.

    A field that the named schedule does not speak of does nothing there, so that one
    word changes the schedule of a recipe; :meth:`Recipe.override` refuses to set one.

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
    boundaries: tuple[NonNegative, ...] = ()
    values: tuple[NonNegative, ...] = ()
    factor: Positive = 0.1
    every: Positive = 1.0
    staircase: bool = True
    power: Positive = 1.0
    start: NonNegative = 0.0
    end: NonNegative = 0.0
    warmup: NonNegative = 0.0
    cycles: Count = 1
    patience: Whole = 10

    def __post_init__(self) -> None:
        """Refuses values that cannot mean anything."""
        reader.validate(self, "schedule.")
        if self.cycles > 1 and (self.name != "cosine" or self.warmup):
            raise ValueError(
                f"schedule.cycles is {self.cycles}, which a cosine without warmup can "
                "go through; set schedule.name=cosine and schedule.warmup=0."
            )
        if self.name == "plateau" and self.factor >= 1:
            raise ValueError(
                f"schedule.factor is {self.factor:g}; of a plateau it must be less "
                "than 1, for the rate to fall."
            )
        if list(self.boundaries) != sorted(self.boundaries):
            raise ValueError(
                f"schedule.boundaries is {list(self.boundaries)}; it must be in rising "
                "order."
            )
        if self.unit == "share" and any(share >= 1 for share in self.boundaries):
            raise ValueError(
                f"schedule.boundaries is {list(self.boundaries)}; with schedule.unit="
                "share they are parts of the training, less than 1."
            )
        if self.name == "step" and not self.boundaries:
            raise ValueError(
                "schedule.name is 'step', but schedule.boundaries names no place to "
                "step at; give some, as in schedule.boundaries=10,15."
            )
        if self.name == "step" and self.values:
            wanted = len(self.boundaries) + 1
            if len(self.values) != wanted:
                raise ValueError(
                    f"schedule.values has {len(self.values)} numbers for "
                    f"{len(self.boundaries)} boundaries; it must have one more, "
                    f"{wanted}."
                )

    @property
    def spans_training(self) -> bool:
        """Whether the rate at a step depends on the length of the whole training."""
        if self.name in ("step", "exponential"):
            return self.unit == "share"
        return self.name in ("polynomial", "cosine", "one_cycle")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train a network.

    Attributes:
        name: The recipe's name, that of its file.
        networks: Patterns of the networks that it is for.
        kind: ``paper`` (as published), ``modern`` (close to the paper's result in a
            fraction of its epochs), ``laptop`` (minutes on two cores) or ``tuning``
            (from trained weights).
        source: Where its numbers come from.
        data: The data set that it is for.
        options: The builder's own options, as in ``{"groups": 2}``.
        image_shape: The network's input; ``None`` for the card's.
        resize: ``bilinear`` (stretched), ``pad`` or ``crop`` (in proportion), or
            ``center`` (not scaled).
        normalization: ``minmax``, ``minus_one_one``, ``standardize``, ``mean``,
            ``lenet``, ``gcn``, ``zca`` or ``none``; with `weights` it is ``weights``,
            what they were trained with, and nothing else.
        augment: Augmentations by name, as in ``("flip", "pad_crop:4")``.
        image_sizes: Sides that the images of every epoch are brought to in turn, after
            augmentation and in training alone; as SPP-net learns.
        proposals: What says where objects may be, of a network that looks at regions
            which it does not find itself: ``selective_search`` (also where none is
            given), ``selective_search:quality``, ``windows``, ``run:PATH`` of a run of
            Faster R-CNN, or ``file:PATH``.
        validation: The share of the training set kept for validation.
        validate_every: Steps, counted over all epochs, between two looks at the
            validation images beside those at the ends of epochs; ``None`` for none.
        batch_size: Images of one step, over all devices.
        epochs: Passes over the training set.
        steps: Training steps, in place of epochs.
        optimizer: The optimiser.
        schedule: The learning rate's schedule.
        loss: ``crossentropy``, ``binary_crossentropy`` (every class of the softmax as a
            yes or no, PyTorch's ``BCELoss`` behind a softmax), ``mean_squared_error``
            (of the softmax and the one-hot row, over all classes), ``squared_hinge``,
            or ``map`` (LeNet-5's).
        auxiliary_weight: The weight of the loss of every auxiliary head.
        auxiliary_fade: Steps in which that weight falls to zero in a straight line;
            ``None`` keeps it.
        label_smoothing: The share of a label spread over all classes.
        class_weight: What the training loss of an image, or of a pixel that has a
            class of its own, is multiplied by: ``balanced`` (the reciprocal of its
            class' share ``p`` of the training images or pixels, divided by the number
            of classes), ``inverse_log`` (ENet's ``1 / ln(1.02 + p)``, divided by the
            mean of that), or a mapping from names of classes, or their numbers from 0,
            to weights, 1 for those that it does not name. Mixed labels weigh in
            proportion.
        class_weight_share: The share of all epochs, from the first, in which it counts;
            after them all classes weigh the same.
        weight_decay: The papers' decay ``w``: ``w * theta`` is added to the gradient of
            every kernel, an L2 penalty of ``w / 2``; or a mapping from layers, as
            `freeze` names them, to their own, as in ``{"hidden*": 1e-4}``. Of the names
            that fit a layer the last counts, and where none does it has no penalty.
        decay_all: Whether biases and batch norms decay too.
        l1: The weight of an L1 penalty on kernels, or a mapping as for `weight_decay`.
        max_norm: The largest norm of a unit's incoming weights.
        dropout_scale: Multiplies the rates of the network's own dropout layers; with 0
            it has none.
        initializer: ``None`` for the builder's; for all kernels ``lsuv``,
            ``orthonormal``, ``xavier`` (Caffe's, by fan-in alone), ``normal:STD`` for a
            Gaussian of that standard deviation, ``uniform:LOW:HIGH`` (``uniform`` from
            0 to 1), or an initialiser of Keras.
        pretrain: ``autoencoders``: every hidden layer of a chain first learns to encode
            what it sees, one after the other
            (:func:`kerazoo.training.pretrain_autoencoders`), of at most 10,000 training
            images; ``None`` for nothing.
        pretrain_epochs: Passes over those images for every layer.
        weights: Trained weights that the network begins with: a name, as in
            ``imagenet`` or ``timm/a1_in1k`` (:func:`kerazoo.weights.list_weights`), or
            the path of their file. They bring the network's options, and its image
            where `image_shape` does not say; a head for other classes is new.
        start_from: A finished run whose weights the network begins with.
        start_layers: Patterns of the layers that are taken from it, all of which must
            fit; the others are initialised as ever.
        freeze: The layers whose weights stay as they are: names of layers or stages
            (``stage1`` is also all that begins with ``stage1_``), patterns
            (``stage[12]_*``), or ``body`` for all but the layers of class scores.
        unfreeze_at: Epochs after which they learn too, with a new optimiser, while the
            schedule goes on; ``None`` for never. Early stopping counts from there.
        unfreeze_from: The stage from which on they learn then, as in ``stage3``; the
            earlier ones never do. ``None`` for all.
        batch_norm: ``train``, or ``frozen``: no batch norm's averages, scale and shift
            move, in the layers that learn neither.
        early_stopping: Epochs without a better validation loss before the end.
        snapshots: Epochs, from 1, at whose end the weights are kept, for an ensemble of
            one training.
        snapshot_steps: Steps, counted over all epochs, after which the weights are
            kept, to see how the filters come about; 0 is before the first.
        seed: Of initialisation, shuffling, augmentation and dropout.
    """

    name: str = "custom"
    networks: tuple[str, ...] = ("*",)
    kind: Literal["paper", "modern", "laptop", "tuning"] = "laptop"
    source: str = ""
    data: str = "digits"
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    image_shape: ImageShape | None = None
    resize: Literal["bilinear", "pad", "crop", "center"] = "bilinear"
    normalization: str = "standardize"
    augment: tuple[str, ...] = ()
    image_sizes: tuple[Count, ...] = ()
    proposals: str | None = None
    validation: Rate = 0.1
    validate_every: Count | None = None
    batch_size: Count = 128
    epochs: Whole = 10
    steps: Count | None = None
    optimizer: Optimizer = dataclasses.field(default_factory=Optimizer)
    schedule: Schedule = dataclasses.field(default_factory=Schedule)
    loss: Literal[
        "crossentropy",
        "binary_crossentropy",
        "mean_squared_error",
        "squared_hinge",
        "map",
    ] = "crossentropy"
    auxiliary_weight: NonNegative = 0.3
    auxiliary_fade: Count | None = None
    label_smoothing: Rate = 0.0
    class_weight: Literal["balanced", "inverse_log"] | ClassWeights | None = None
    class_weight_share: Share = 1.0
    weight_decay: NonNegative | LayerValues = 0.0
    decay_all: bool = False
    l1: NonNegative | LayerValues = 0.0
    max_norm: Positive | None = None
    dropout_scale: NonNegative = 1.0
    initializer: str | None = None
    pretrain: Literal["autoencoders"] | None = None
    pretrain_epochs: Count = 5
    weights: str | None = None
    start_from: str | None = None
    start_layers: tuple[str, ...] = ("*",)
    freeze: tuple[str, ...] = ()
    unfreeze_at: Count | None = None
    unfreeze_from: str | None = None
    batch_norm: Literal["train", "frozen"] = "train"
    early_stopping: Count | None = None
    snapshots: tuple[int, ...] = ()
    snapshot_steps: tuple[Whole, ...] = ()
    seed: Whole = 1

    # Names that fields had in earlier versions, in whose files they stand.
    RENAMED: ClassVar[Mapping[str, str]] = {"frozen": "freeze"}

    def __post_init__(self) -> None:
        """Refuses values that cannot mean anything."""
        if isinstance(self.class_weight, Mapping):
            # Keras numbers the classes; JSON has names alone.
            named = {
                str(key) if isinstance(key, numbers.Integral) else key: weight
                for key, weight in self.class_weight.items()
            }
            object.__setattr__(self, "class_weight", named)
        reader.validate(self)
        self._check_beginning()
        self._check_unfreezing()
        if isinstance(self.class_weight, Mapping) and not any(
            self.class_weight.values()
        ):
            raise ValueError(
                f"class_weight is {dict(self.class_weight)}; one weight at least must "
                "be above 0."
            )
        if not self.networks:
            raise ValueError(
                "networks is empty; name what the recipe is for, or '*' for all."
            )
        if self.label_smoothing and self.loss not in SMOOTHED:
            raise ValueError(
                f"label_smoothing is {self.label_smoothing:g}, which the loss "
                f"{self.loss} does not know; leave it out, or take loss={SMOOTHED[0]}."
            )
        if self.validate_every and not self.validation:
            raise ValueError(
                f"validate_every is {self.validate_every}, but validation is 0, which "
                "keeps no images to look at; keep some, as in validation=0.1, or leave "
                "validate_every out."
            )
        last = self.epochs if self.steps is None else math.inf
        for epoch in self.snapshots:
            if not 1 <= epoch <= last:
                raise ValueError(
                    f"snapshots names epoch {epoch}; it must be from 1 to the recipe's "
                    f"epochs, {self.epochs}."
                )
        if len(set(self.snapshots)) < len(self.snapshots):
            raise ValueError(
                f"snapshots is {list(self.snapshots)}; name every epoch once."
            )
        if len(set(self.snapshot_steps)) < len(self.snapshot_steps):
            raise ValueError(
                f"snapshot_steps is {list(self.snapshot_steps)}; name every step once."
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

    def _check_beginning(self):
        if (self.weights is None) == (self.normalization == "weights"):
            raise ValueError(
                f"weights is {self.weights!r} and normalization "
                f"{self.normalization!r}; trained weights go with "
                "normalization=weights, the one that they were trained with, and "
                "without them there is none of that name."
            )
        rivals = [
            ("weights", "start_from"),
            ("weights", "initializer"),
            ("weights", "pretrain"),
            ("start_from", "pretrain"),
        ]
        for name, other in rivals:
            one, two = getattr(self, name), getattr(self, other)
            if one is not None and two is not None:
                raise ValueError(
                    f"{name} is {one!r} and {other} {two!r}; a network begins with one "
                    "of them, so leave the other out."
                )

    def _check_unfreezing(self):
        if self.class_weight_share != 1 and not self.class_weight:
            raise ValueError(
                f"class_weight_share is {self.class_weight_share:g}, but class_weight "
                "gives no weights; set it, as in class_weight=balanced, or "
                "class_weight_share=1."
            )
        if self.unfreeze_at is not None and not self.freeze:
            raise ValueError(
                f"unfreeze_at is {self.unfreeze_at}, but freeze names no layer; name "
                "some, as in freeze=body, or leave unfreeze_at out."
            )
        if self.unfreeze_at and self.steps is None and self.unfreeze_at >= self.epochs:
            raise ValueError(
                f"unfreeze_at is {self.unfreeze_at}; it must be less than the recipe's "
                f"epochs, {self.epochs}, for any to be left, or None for never."
            )
        if self.unfreeze_from is not None and self.unfreeze_at is None:
            raise ValueError(
                f"unfreeze_from is {self.unfreeze_from!r}, but unfreeze_at does not "
                "say when; set it, as in unfreeze_at=3, or leave unfreeze_from out."
            )

    @property
    def fine_tunes(self) -> bool:
        """Whether it goes on from weights that are worth keeping."""
        return bool(self.freeze or self.start_from or self.weights)

    @property
    def tunes(self) -> bool:
        """Whether not all weights are trained alike from new ones."""
        several = self.optimizer.multipliers or self.optimizer.stage_rate
        return self.fine_tunes or self.batch_norm == "frozen" or bool(several)

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain data."""
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        """The recipe as JSON."""
        return json.dumps(self.to_dict(), indent=2)

    def _repr_html_(self) -> str:
        given, default = reader.plain(self), reader.plain(Recipe())
        always = ["data", "epochs", "batch_size", "optimizer.name", "schedule.name"]
        paths = ["kind", *always, "optimizer.learning_rate", "source"]
        paths += [one for one in reader.differences(default, given) if one != "name"]
        rows = [
            (path, functools.reduce(operator.getitem, path.split("."), given))
            for path in dict.fromkeys(paths)
        ]
        rows = [(path, value) for path, value in rows if value != ""]
        note = "All other fields have their defaults."
        return display.table(rows, title=f"recipe {self.name}", note=note)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Recipe":
        """The recipe of plain data, as :meth:`to_dict` or a JSON file gives it.

        Raises:
            ValueError: For an unknown field or a value of the wrong kind.
        """
        return reader.record(cls, data)

    def override(self, *settings: str) -> "Recipe":
        """The recipe with fields set by text, as the command line does.

        Args:
            *settings: As in ``optimizer.learning_rate=0.05``, ``steps=None`` or
                ``augment=flip,pad_crop:4``.

        Raises:
            ValueError: For an unknown field or a value of the wrong kind.
        """
        values = {}
        for setting in settings:
            path, sign, text = setting.partition("=")
            if not sign:
                raise ValueError(
                    f"A setting is FIELD=VALUE, as in epochs=5; {setting!r} has no '='."
                )
            values[path] = reader.parse(reader.declared(type(self), path), text, path)
        changed = self.replace(values)
        changed._check_heeded(values)
        return changed

    def _check_heeded(self, values):
        """Refuses settings that would do nothing beside the others."""
        if values.get("epochs") is not None and self.steps is not None:
            raise ValueError(
                f"epochs is {self.epochs}, but the recipe {self.name} counts "
                f"{self.steps:,} steps in place of epochs; give steps, or set "
                "steps=None beside it."
            )
        schedule = self.schedule.name
        for path, value in values.items():
            part, _, field = path.partition(".")
            if part != "schedule" or field == "name" or not value:
                continue
            if field not in SPEAKS_OF[schedule]:
                others = [name for name, own in SPEAKS_OF.items() if field in own]
                raise ValueError(
                    f"{path} does nothing where schedule.name is {schedule!r}; leave "
                    f"it out, or set schedule.name to {' or '.join(others)}."
                )

    def replace(self, values: Mapping[str, Any]) -> "Recipe":
        """The recipe with other values, by paths such as ``optimizer.momentum``.

        Raises:
            ValueError: For an unknown field or a bad value.
        """
        data = self.to_dict()
        for path, value in values.items():
            *parents, last = path.split(".")
            target = data
            for parent in parents:
                target = target[parent]
            target[last] = value
        return self.from_dict(data)
