"""Search spaces: which fields of a recipe are free, and which values they may take.

A dimension is written as on the command line:

=============================  ====================================================
``dropout=0.2,0.5``            one of these values
``learning_rate=log:1e-4:0.1`` a number between these, evenly by its logarithm
``dropout=linear:0:0.6``       a number between these
``batch_size=int:16:128:16``   a whole number between these, in steps (of 1)
=============================  ====================================================

A fourth part of ``log`` and ``linear`` is a number of points: ``log:1e-4:0.1:4`` means
1e-4, 1e-3, 1e-2 or 0.1.
"""

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import keras_tuner

from kerazoo import data as kerazoo_data
from kerazoo import reader, recipes, registry
from kerazoo.errors import unknown
from kerazoo.reader import Count, Name, NonNegative
from kerazoo.recipe import Recipe
from kerazoo.training.compatibility import SET_BY_TRAINING, check_compatible
from kerazoo.tuning.records import Settings

# Points of a range that a grid takes where the range does not say.
GRID_POINTS = 5
# What a search must not change: who the recipe is, and what its trials are scored on.
FIXED_FIELDS = ("name", "networks", "kind", "source", "data", "validation", "options")
# Augmentations whose first value is a strength that zero makes nothing of.
STRENGTHS = (
    "color_jitter", "cutout", "lens", "lighting", "pad_crop", "rotate", "shear",
    "stretch", "translate",
)  # fmt: skip
# What every optimiser of Keras takes; the rest belongs to the one that was named.
OF_EVERY_OPTIMIZER = (
    "learning_rate", "clipnorm", "global_clipnorm", "clipvalue", "ema_momentum",
    "gradient_accumulation_steps", "multipliers", "stage_rate",
)  # fmt: skip


Scale = Literal["linear", "log", "int"]


@dataclasses.dataclass(frozen=True)
class Dimension:
    """A field of a recipe and the values that a search may give it.

    Attributes:
        name: As in ``learning_rate``.
        values: The values to choose from; empty for a range.
        low: The smallest number of a range.
        high: The largest.
        scale: ``linear``, ``log`` or ``int``.
        points: Numbers of a range to choose from, or None for all; of ``int``, the
            step.
    """

    name: Name
    values: tuple = ()
    low: int | float = 0
    high: int | float = 0
    scale: Scale = "linear"
    points: Count | None = None

    def __post_init__(self) -> None:
        reader.validate(self)
        texts = [repr(value) for value in self.values]
        if len(set(texts)) < len(texts):
            raise ValueError(
                f"{self.name} has a value twice ({', '.join(texts[:8])}); give each "
                "once."
            )
        if not self.values and not self.low < self.high:
            raise ValueError(
                f"{self.name} goes from low={self.low} to high={self.high}; low must "
                "be less than high."
            )
        if not self.values and self.scale == "log" and self.low <= 0:
            raise ValueError(
                f"{self.name} goes from low={self.low}; for scale='log' it must be "
                "above 0."
            )

    @classmethod
    def parse(cls, name: str, given: Any, kind: Any = Any) -> "Dimension":
        """The dimension of a text such as ``log:1e-4:1e-1``, or of a list of values.

        Args:
            name: As in ``learning_rate``.
            given: The text, the list, or one value.
            kind: The declaration of the field, which the values must obey.

        Raises:
            ValueError: Where it cannot be read, or a value is not of the kind.
        """
        if not isinstance(given, str):
            given = given.tolist() if hasattr(given, "tolist") else given
            listed = isinstance(given, (list, tuple))
            values = given if listed else (given,)
            return cls(name, tuple(reader.read(kind, one, name) for one in values))
        scale, *numbers = given.split(":")
        if scale not in ("log", "linear", "int") or not numbers:
            return cls(name, values=_values(name, given, kind))
        try:
            low, high, *rest = map(float, numbers)
            points = int(rest[0]) if rest else None
            good = len(rest) < 2 and low < high and (scale != "log" or low > 0)
            good = good and (points is None or points > (scale != "int"))
        except ValueError:
            good = False
        if not good:
            raise ValueError(
                f"The space {name}={given} cannot be read; write values as in 0.2,0.5, "
                "or a range from low to high as in log:1e-4:1e-1, linear:0:0.6 or "
                "int:16:128, with a number of points (a step for int) if you like."
            )
        if scale == "int":
            low, high = int(low), int(high)
        return cls(name, (), low, high, reader.read(Scale, scale, name), points)

    @property
    def free(self) -> bool:
        """Whether there is more than one value."""
        return len(self.values) != 1

    @property
    def size(self) -> int | None:
        """How many values there are; None for a range without points."""
        if self.values:
            return len(self.values)
        if self.scale == "int":
            return int(self.high - self.low) // (self.points or 1) + 1
        return self.points

    def grid(self, points: int = GRID_POINTS) -> list:
        """The values in order; of a range without points, this many of them."""
        if self.values:
            return list(self.values)
        if self.scale == "int":
            return list(range(int(self.low), int(self.high) + 1, self.points or 1))
        count = self.points or points
        shares = [n / (count - 1) for n in range(count)]
        if self.scale == "log":
            ratio = self.high / self.low
            return [float(f"{self.low * ratio**share:.6g}") for share in shares]
        width = self.high - self.low
        return [float(f"{self.low + width * share:.6g}") for share in shares]

    def declare(self, hp: keras_tuner.HyperParameters) -> Any:
        """Asks keras-tuner's ``HyperParameters`` for the value; makes it known to them.

        Returns:
            The value as the recipe takes it.
        """
        if self.values or (self.points and self.scale != "int"):
            values = self.grid()
            return values[_index(hp.Choice(self.name, self._plain(values)), values)]
        if self.scale == "int":
            return hp.Int(self.name, self.low, self.high, step=self.points or 1)
        return hp.Float(self.name, self.low, self.high, sampling=self.scale)

    def read(self, value: Any) -> Any:
        """The value as the recipe takes it, from keras-tuner's."""
        if self.values or (self.points and self.scale != "int"):
            values = self.grid()
            return values[_index(value, values)]
        return value

    @staticmethod
    def _plain(values):
        """Values of one kind, as keras-tuner wants them: numbers, or else texts."""
        kinds = {type(value) for value in values}
        if kinds == {int} or kinds == {float}:
            return values
        return [float(v) for v in values] if kinds == {int, float} else _texts(values)


def _texts(values):
    return [v if isinstance(v, str) else json.dumps(v) for v in values]


def _index(value, values):
    """The place of keras-tuner's form of a value."""
    return Dimension._plain(values).index(value)


def _values(name, text, kind):
    """The values of ``0.2,0.5``; lists in brackets, as in ``["flip"],["cutout:2"]``."""
    try:
        values = json.loads(f"[{text}]")
    except (ValueError, RecursionError):
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return tuple(reader.parse(kind, part, name) for part in parts)
    return tuple(reader.read(kind, one, name) for one in values)


class Space:
    """The free fields of a recipe for a network.

    Args:
        network: The network's name.
        recipe: What the dimensions change, as for :func:`kerazoo.fit`.
        settings: Texts such as ``"learning_rate=log:1e-4:1e-1"``, or a mapping from
            names to texts or lists of values; empty for :func:`default_space`. A name
            is a field of the recipe (``weight_decay``, ``optimizer.momentum`` or just
            ``momentum``), an option of the builder (``dropout``), or one of

            - ``optimizer``: its name; arguments of the recipe's own optimiser go;
            - ``augmentation``: what the strengths of the recipe's augmentations are
              multiplied by; 0 leaves all of them out;
            - ``depth``: the member of the family with so many layers; of a perceptron,
              how many it has;
            - ``width``: units of the hidden layers of a perceptron.

    Raises:
        ValueError: For an unknown dimension, one that the network does not have, a
            value that the recipe does not take, or where nothing is free.
    """

    @reader.checked
    def __init__(
        self, network: str, recipe: Recipe | Name | None, settings: Settings = ()
    ) -> None:
        recipe = recipes.choose(recipe, network)
        check_compatible(network, recipe)
        self.network, self.recipe = network, recipe
        self._card = registry.find(network)
        given = list(_named(settings))
        given = given or [(one.name, one) for one in default_space(network, recipe)]
        self._targets: dict[str, str] = {}
        dimensions = []
        for name, one in given:
            if name in self._targets:
                raise ValueError(f"The space names {name} twice; give it once.")
            self._targets[name] = target = self._target(name)
            if not isinstance(one, Dimension):
                one = Dimension.parse(name, one, self._kind(target))
            dimensions.append(one)
        self.dimensions = tuple(dimensions)
        if not any(one.free for one in self.dimensions):
            fixed = ", ".join(f"{one.name}={one.values[0]}" for one in self.dimensions)
            raise ValueError(
                f"The space has no free dimension ({fixed}); give one of them several "
                "values, as in dropout=0.2,0.5, or a range, as in "
                "learning_rate=log:1e-4:1e-1."
            )
        self._try_values()

    def __repr__(self) -> str:
        return f"Space({self.network!r}, {self.to_dict()})"

    def __iter__(self) -> Iterator[Dimension]:
        return iter(self.dimensions)

    @property
    def size(self) -> int | None:
        """How many points there are; None where a dimension is a range."""
        sizes = [one.size for one in self.dimensions if one.size]
        return math.prod(sizes) if len(sizes) == len(self.dimensions) else None

    def grid_size(self) -> int:
        """How many points a grid has."""
        return math.prod(len(one.grid()) for one in self.dimensions)

    def to_dict(self) -> dict[str, Any]:
        """The dimensions as JSON takes them."""
        return {
            one.name: list(one.values)
            or ":".join(
                str(part)
                for part in (one.scale, one.low, one.high, one.points)
                if part is not None
            )
            for one in self.dimensions
        }

    def hyperparameters(self, points: int | None = None) -> keras_tuner.HyperParameters:
        """keras-tuner's ``HyperParameters`` with the free dimensions.

        Args:
            points: Of a range that does not say; None leaves it a range.
        """
        import keras_tuner

        hp = keras_tuner.HyperParameters()
        for one in self.dimensions:
            if points and one.size is None:
                one = dataclasses.replace(one, points=points)
            one.declare(hp)
        return hp

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a trial, from keras-tuner's.

        Args:
            given: By name of dimension; other names are passed over.
        """
        values = {}
        for one in self.dimensions:
            value = given[one.name]
            ranged = one.size is None and isinstance(value, (int, float))
            values[one.name] = value if ranged else one.read(value)
        return values

    def declare(self, hp: keras_tuner.HyperParameters) -> dict[str, Any]:
        """Asks ``HyperParameters`` for every dimension; returns the trial's values."""
        return {one.name: one.declare(hp) for one in self.dimensions}

    def apply(self, values: Mapping[str, Any]) -> tuple[str, Recipe]:
        """The network and the recipe of a point of the space.

        Args:
            values: By name of dimension.

        Raises:
            ValueError: For a value that the recipe does not take.
        """
        network, recipe = self.network, self.recipe
        fields = {}
        for name, value in values.items():
            match self._targets[name]:
                case "augmentation":
                    fields["augment"] = _scaled(recipe.augment, value)
                case "optimizer":
                    recipe = _with_optimizer(recipe, value)
                case "depth":
                    network = self._of_depth(value)
                case "units.depth":
                    units = self._units(fields)
                    fields["options.units"] = units[:1] * (value - 1)
                case "units.width":
                    units = self._units(fields)
                    fields["options.units"] = [value] * len(units)
                case path:
                    fields[path] = value
        return network, recipe.replace(fields)

    def corners(self) -> Iterator[dict[str, Any]]:
        """Every value of a dimension, and the ends of every range, on its own."""
        for one in self.dimensions:
            for value in one.values or (one.low, one.high):
                yield {one.name: value}

    def _units(self, fields):
        """The hidden layers of a perceptron, as the recipe or its builder has them."""
        units = self.recipe.options.get("units", self._card.options["units"].default)
        return list(fields.get("options.units", units))

    def _of_depth(self, depth):
        """The member of the family with so many layers."""
        family = self._card.siblings()
        if depth not in family:
            raise unknown(f"depth of {self._card.body}", depth, map(str, family))
        return family[depth].name

    def _kind(self, target):
        """The declaration of what a dimension sets."""
        kinds = {"augmentation": NonNegative, "optimizer": str, "depth": Count}
        if target.startswith("units."):
            return Count
        if target in kinds:
            return kinds[target]
        _, dot, option = target.partition("options.")
        options = self._card.options
        if dot:
            return (options.get(option) or registry.SHARED[option]).kind
        return reader.declared(Recipe, target)

    def _target(self, name):
        """What a name stands for: a path in the recipe, or a case of :meth:`apply`."""
        if name in ("depth", "width") and "units" in self._card.options:
            return f"units.{name}"
        if name == "depth" and len(self._card.siblings()) > 1:
            return name
        if name == "augmentation":
            if not any(_strength(one) for one in self.recipe.augment):
                raise ValueError(
                    f"The recipe {self.recipe.name} has no augmentation with a "
                    "strength to scale; give it one (augment=translate:0.1), or leave "
                    "the dimension augmentation out."
                )
            return name
        if name == "optimizer":
            return name
        known = self._known()
        if name not in known:
            short = [one for one in known if "." not in one]
            raise unknown(f"dimension of {self.network}", name, short)
        return known[name]

    def _known(self):
        """Every name of a dimension with its path."""
        fields = self.recipe.to_dict()
        known: dict[str, str] = {}
        for group in ("schedule", "optimizer"):
            inner = {key: f"{group}.{key}" for key in fields.pop(group)}
            known |= {path: path for path in inner.values()}
            known |= {key: path for key, path in inner.items() if key != "name"}
        options = registry.SHARED.keys() | self._card.options.keys()
        known |= {name: f"options.{name}" for name in options - SET_BY_TRAINING.keys()}
        known |= {path: path for path in list(known.values())}
        known |= {key: key for key in fields if key not in FIXED_FIELDS}
        known |= {"optimizer": "optimizer", "augmentation": "augmentation"}
        return known | ({"depth": "depth"} if self._card.depth else {})

    def _try_values(self):
        """Asks every value, on its own, whether recipe and network take it."""
        for corner in self.corners():
            try:
                check_compatible(*self.apply(corner))
            except ValueError as error:
                ((name, value),) = corner.items()
                raise ValueError(
                    f"The space cannot give {name} the value {value!r}: {error}"
                ) from error


def _named(settings):
    """The names of the dimensions with what they may be."""
    if isinstance(settings, str):
        settings = [settings]
    if isinstance(settings, Mapping):
        settings = settings.items()
    for setting in settings:
        if isinstance(setting, Dimension):
            yield setting.name, setting
        elif isinstance(setting, str):
            name, sign, text = setting.partition("=")
            if not sign or not text:
                raise ValueError(
                    f"A dimension is NAME=VALUES, as in dropout=0.2,0.5 or "
                    f"learning_rate=log:1e-4:1e-1; {setting!r} is not."
                )
            yield name.strip(), text
        elif isinstance(setting, tuple) and len(setting) == 2:
            yield setting
        else:
            raise ValueError(
                f"The space holds {setting!r}; give texts as in 'dropout=0.2,0.5', or "
                "a mapping from names to values."
            )


def _strength(text):
    return text.partition(":")[0] in STRENGTHS


def _scaled(augment, factor):
    """Augmentations with their strengths multiplied; none of them for zero."""
    if not factor:
        return []
    written = {one.partition(":")[0]: one for one in kerazoo_data.augmentations()}
    scaled = []
    for one in augment:
        if _strength(one):
            full = one if ":" in one else written[one]
            name, value, *rest = full.split(":")
            one = ":".join([name, f"{float(value) * factor:.4g}", *rest])
        scaled.append(one)
    return scaled


def _with_optimizer(recipe, name):
    """The recipe with another optimiser, with what all optimisers share."""
    fields = recipe.to_dict()
    if fields["optimizer"]["name"] == name:
        return recipe
    old = fields["optimizer"]
    fields["optimizer"] = {"name": name} | {key: old[key] for key in OF_EVERY_OPTIMIZER}
    if name == "sgd":
        fields["optimizer"]["momentum"] = 0.9
    return Recipe.from_dict(fields)


@reader.checked
def default_space(network: str, recipe: Recipe | Name | None) -> tuple[Dimension, ...]:
    """What is worth searching for a network: a space around its recipe.

    Learning rate, optimiser, weight decay, batch size and initialiser; the strength of
    augmentation where the recipe augments; dropout, activation, depth and width where
    the network has them.

    Args:
        network: The network's name.
        recipe: The centre of the space, as for :func:`kerazoo.fit`.
    """
    recipe = recipes.choose(recipe, network)
    card, optimizer = registry.find(network), recipe.optimizer
    options = {name: one.default for name, one in card.options.items()}
    options |= recipe.options
    rate, batch = optimizer.learning_rate, recipe.batch_size

    def log(name, low, high):
        return Dimension(name, low=low, high=high, scale="log")

    def choice(name, *values):
        return Dimension(name, values=tuple(dict.fromkeys(values)))

    space = [log("learning_rate", rate / 10, rate * 10)]
    space.append(choice("optimizer", optimizer.name, "adam", "sgd"))
    if isinstance(recipe.weight_decay, float):
        space.append(log("weight_decay", 1e-6, 1e-2))
    space.append(choice("batch_size", max(1, batch // 2), batch, 2 * batch))
    if not recipe.start_from:
        space.append(choice("initializer", "he_normal", "glorot_uniform"))
    if any(_strength(one) for one in recipe.augment):
        space.append(Dimension("augmentation", low=0.0, high=1.5))
    if isinstance(options.get("dropout"), float):
        space.append(Dimension("dropout", low=0.0, high=0.6))
    if "activation" in options:
        space.append(choice("activation", options["activation"], "relu", "tanh"))
    depths = list(card.siblings())
    if card.depth and len(depths) > 1 and not recipe.start_from:
        place = depths.index(card.depth)
        space.append(choice("depth", *depths[max(0, place - 1) : place + 2]))
    if "units" in options:
        width = options["units"][0]
        space.append(choice("width", width // 2, width, 2 * width))
        space.append(Dimension("depth", low=2, high=6, scale="int"))
    return tuple(space)
