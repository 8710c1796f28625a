"""Search spaces: which words of a recipe are free, and which values they may take.

A dimension is written as on the command line:

=============================  ====================================================
``dropout=0.2,0.5``            one of these values (JSON, or else strings)
``learning_rate=log:1e-4:0.1`` a number between these, evenly by its logarithm
``dropout=linear:0:0.6``       a number between these
``batch_size=int:16:128:16``   a whole number between these, in steps (of 1)
=============================  ====================================================

A fourth part of ``log`` and ``linear`` is a number of points: ``log:1e-4:0.1:4`` means
1e-4, 1e-3, 1e-2 or 0.1.
"""

import dataclasses
import inspect
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from kerazoo import data as kerazoo_data
from kerazoo import registry
from kerazoo.errors import unknown
from kerazoo.recipe import Recipe
from kerazoo.training.compatibility import DECIDED, check

# Points of a range that a grid takes where the range does not say.
GRID_POINTS = 5
# What a search must not change: who the recipe is, and what its trials are scored on.
NOT_FREE = ("name", "networks", "kind", "source", "data", "validation", "options")
# Families whose names count layers.
SERIES = ("elu", "fractalnet", "preresnet", "resnet", "resnet_cifar", "vgg")
# Augmentations whose first value is a strength that zero makes nothing of.
STRENGTHS = (
    "color_jitter", "cutout", "lens", "lighting", "pad_crop", "rotate", "shear",
    "stretch", "translate",
)  # fmt: skip
# What every optimiser of Keras takes; the rest belongs to the one that was named.
SHARED = (
    "learning_rate", "clipnorm", "global_clipnorm", "clipvalue", "ema_momentum",
    "gradient_accumulation_steps",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Dimension:
    """A word of a recipe and the values that a search may give it.

    Attributes:
        name: As in ``learning_rate``.
        values: The values to choose from; empty for a range.
        low: The smallest number of a range.
        high: The largest.
        scale: ``linear``, ``log`` or ``int``.
        points: Numbers of a range to choose from, or None for all; of ``int``, the
            step.
    """

    name: str
    values: tuple = ()
    low: float | None = None
    high: float | None = None
    scale: str = "linear"
    points: int | None = None

    @classmethod
    def parse(cls, name: str, words: Any) -> "Dimension":
        """The dimension of a text such as ``log:1e-4:1e-1``, or of a list of values.

        Raises:
            ValueError: Where it cannot be read.
        """
        if not isinstance(words, str):
            listed = isinstance(words, (list, tuple))
            return cls(name, values=tuple(words) if listed else (words,))
        scale, *numbers = words.split(":")
        if scale not in ("log", "linear", "int") or not numbers:
            return cls(name, values=tuple(_values(words)))
        try:
            low, high, *rest = map(float, numbers)
            points = int(rest[0]) if rest else None
            good = len(rest) < 2 and low < high and (scale != "log" or low > 0)
            good = good and (points is None or points > (scale != "int"))
        except ValueError:
            good = False
        if not good:
            raise ValueError(
                f"The space {name}={words} cannot be read; write values as in 0.2,0.5, "
                "or a range from low to high as in log:1e-4:1e-1, linear:0:0.6 or "
                "int:16:128, with a number of points (a step for int) if you like."
            )
        if scale == "int":
            low, high = int(low), int(high)
        return cls(name, low=low, high=high, scale=scale, points=points)

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
            return (self.high - self.low) // (self.points or 1) + 1
        return self.points

    def grid(self, points: int = GRID_POINTS) -> list:
        """The values in order; of a range without points, this many of them."""
        if self.values:
            return list(self.values)
        if self.scale == "int":
            return list(range(self.low, self.high + 1, self.points or 1))
        count = self.points or points
        shares = [n / (count - 1) for n in range(count)]
        if self.scale == "log":
            ratio = self.high / self.low
            return [float(f"{self.low * ratio**share:.6g}") for share in shares]
        width = self.high - self.low
        return [float(f"{self.low + width * share:.6g}") for share in shares]

    def declare(self, hp) -> Any:
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

    def read(self, value) -> Any:
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


def _values(text):
    """The values of ``0.2,0.5``: JSON, or else strings between commas."""
    try:
        return json.loads(f"[{text}]")
    except ValueError:
        return [_json(part.strip()) for part in text.split(",") if part.strip()]


def _json(text):
    try:
        return json.loads(text)
    except ValueError:
        return {"None": None, "True": True, "False": False}.get(text, text)


class Space:
    """The free words of a recipe for a network.

    Args:
        network: The network's name.
        recipe: What the dimensions change.
        settings: Texts such as ``"learning_rate=log:1e-4:1e-1"``, or a mapping from
            names to texts or lists of values; empty for :func:`default_space`. A name
            is a field of the recipe (``weight_decay``, ``optimizer.momentum`` or just
            ``momentum``), an option of the builder (``dropout``), or one of

            - ``optimizer``: its name; arguments of the recipe's own optimiser go;
            - ``augmentation``: what the strengths of the recipe's augmentations are
              multiplied by; 0 leaves all of them out;
            - ``depth``: the member of the family with so many layers;
            - ``width``: units of the hidden layers of a perceptron.

    Raises:
        ValueError: For an unknown dimension, one that the network does not have, a
            value that the recipe does not take, or where nothing is free.
    """

    def __init__(self, network: str, recipe: Recipe, settings=()):
        check(network, recipe)
        self.network, self.recipe = network, recipe
        self._options = _options(network)
        self.dimensions = tuple(_dimensions(settings)) or default_space(network, recipe)
        self._targets = {}
        for one in self.dimensions:
            if one.name in self._targets:
                raise ValueError(f"The space names {one.name} twice; give it once.")
            self._targets[one.name] = self._target(one.name)
        if not any(one.free for one in self.dimensions):
            fixed = ", ".join(f"{one.name}={one.values[0]}" for one in self.dimensions)
            raise ValueError(
                f"The space has no free dimension ({fixed}); give one of them several "
                "values, as in dropout=0.2,0.5, or a range, as in "
                "learning_rate=log:1e-4:1e-1."
            )
        self._try_values()

    def __repr__(self):
        return f"Space({self.network!r}, {self.to_dict()})"

    def __iter__(self):
        return iter(self.dimensions)

    @property
    def size(self) -> int | None:
        """How many points there are; None where a dimension is a range."""
        sizes = [one.size for one in self.dimensions]
        return None if None in sizes else math.prod(sizes)

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

    def hyperparameters(self, points: int | None = None):
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

    def declare(self, hp) -> dict[str, Any]:
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
                case "network":
                    network = _series(network, name)[value]
                case "units":
                    units = fields.get("options.units", self._options["units"].default)
                    count = value - 1 if name == "depth" else len(units)
                    width = value if name == "width" else units[0]
                    fields["options.units"] = [width] * count
                case path:
                    fields[path] = value
        settings = (f"{path}={json.dumps(value)}" for path, value in fields.items())
        return network, recipe.override(*settings)

    def _target(self, name):
        """What a name stands for: a path in the recipe, or a word of :meth:`apply`."""
        series = _series(self.network, name)
        if name in ("depth", "width") and "units" in self._options:
            return "units"
        if series:
            return "network"
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
        known = {}
        for group in ("schedule", "optimizer"):
            inner = {key: f"{group}.{key}" for key in fields.pop(group)}
            known |= {path: path for path in inner.values()}
            known |= {key: path for key, path in inner.items() if key != "name"}
        known |= {
            name: f"options.{name}" for name in self._options if name not in DECIDED
        }
        known |= {path: path for path in list(known.values())}
        known |= {key: key for key in fields if key not in NOT_FREE}
        words = ["optimizer", "augmentation"]
        words += [name for name in ("depth", "width") if _series(self.network, name)]
        return known | {word: word for word in words}

    def _try_values(self):
        """Asks every value, on its own, whether recipe and network take it."""
        for one in self.dimensions:
            ends = one.values or (one.low, one.high)
            for value in ends:
                try:
                    check(*self.apply({one.name: value}))
                except (ValueError, KeyError, TypeError) as error:
                    reason = error
                    if isinstance(error, KeyError):
                        members = _series(self.network, one.name)
                        reason = f"there are {', '.join(map(str, members))}."
                    raise ValueError(
                        f"The space cannot give {one.name} the value {value!r}: "
                        f"{reason}"
                    ) from error


def _dimensions(settings: Iterable):
    if isinstance(settings, str):
        settings = [settings]
    if isinstance(settings, Mapping):
        settings = settings.items()
    for setting in settings:
        if isinstance(setting, Dimension):
            yield setting
            continue
        if isinstance(setting, str):
            name, sign, words = setting.partition("=")
            if not sign or not words:
                raise ValueError(
                    f"A dimension is NAME=VALUES, as in dropout=0.2,0.5 or "
                    f"learning_rate=log:1e-4:1e-1; {setting!r} is not."
                )
        else:
            name, words = setting
        yield Dimension.parse(name.strip(), words)


def _options(network):
    return inspect.signature(registry.find(network).builder()).parameters


def _series(network, name):
    """The members of a family by the number in their names."""
    card = registry.find(network)
    families = {"depth": SERIES, "width": ("mlp",)}.get(name, ())
    if card.family not in families:
        return {}
    pattern = re.compile(re.sub(r"\d+", r"(\\d+)", network))
    found = {}
    for other in registry.list_models():
        match = pattern.fullmatch(other)
        if match and registry.find(other).family == card.family:
            found[int(match[1])] = other
    return dict(sorted(found.items())) if len(found) > 1 else {}


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
    fields["optimizer"] = {"name": name} | {key: old[key] for key in SHARED}
    if name == "sgd":
        fields["optimizer"]["momentum"] = 0.9
    return Recipe.from_dict(fields)


def default_space(network: str, recipe: Recipe) -> tuple[Dimension, ...]:
    """What is worth searching for a network: a space around its recipe.

    Learning rate, optimiser, weight decay, batch size and initialiser; the strength of
    augmentation where the recipe augments; dropout, activation, depth and width where
    the network has them.

    Args:
        network: The network's name.
        recipe: The centre of the space.
    """
    options, words = _options(network), recipe.optimizer
    rate, batch = words.learning_rate, recipe.batch_size

    def log(name, low, high):
        return Dimension(name, low=low, high=high, scale="log")

    def choice(name, *values):
        return Dimension(name, values=tuple(dict.fromkeys(values)))

    space = [log("learning_rate", rate / 10, rate * 10)]
    if not words.multipliers:
        space.append(choice("optimizer", words.name, "adam", "sgd"))
    space.append(log("weight_decay", 1e-6, 1e-2))
    space.append(choice("batch_size", max(1, batch // 2), batch, 2 * batch))
    if not recipe.start_from:
        space.append(choice("initializer", "he_normal", "glorot_uniform"))
    if any(_strength(one) for one in recipe.augment):
        space.append(Dimension("augmentation", low=0.0, high=1.5))
    if "dropout" in options and isinstance(options["dropout"].default, float):
        space.append(Dimension("dropout", low=0.0, high=0.6))
    if "activation" in options:
        own = recipe.options.get("activation", options["activation"].default)
        space.append(choice("activation", own, "relu", "tanh"))
    if not recipe.start_from:
        for name in ("depth", "width"):
            members = _series(network, name)
            if members:
                place = list(members.values()).index(network)
                near = list(members)[max(0, place - 1) : place + 2]
                space.append(choice(name, *near))
    if "units" in options:
        width = options["units"].default[0]
        space.append(choice("width", width // 2, width, 2 * width))
        space.append(Dimension("depth", low=2, high=6, scale="int"))
    return tuple(space)
