"""The one reader: values and texts, as the declaration of a field asks for them.

A declaration is an annotation: ``bool``, ``int``, ``float``, ``str``, ``Literal[...]``,
``tuple[...]``, ``Sequence[...]``, ``Mapping[...]``, a dataclass or another class, any
of them ``| None``, and ``Annotated[...]`` with a :class:`Range`, a :class:`Rule` or
words for the errors. Fields of recipes and records, arguments of public functions
(:func:`checked`), options of networks and what a command line says of them are all read
here, so that they mean the same everywhere and are refused in the same sentence.
"""

import collections.abc
import contextlib
import dataclasses
import functools
import inspect
import json
import math
import numbers
import os
import pathlib
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar

from kerazoo.errors import unknown

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True)
class Range:
    """The numbers that a field takes.

    Attributes:
        low: The smallest, or with ``above`` what all must exceed.
        high: What all must stay below.
        above: Whether ``low`` itself is excluded.
    """

    low: float
    high: float = math.inf
    above: bool = False

    def __contains__(self, number: float) -> bool:
        # False for what is no number.
        above = number > self.low if self.above else number >= self.low
        return above and (number < self.high or self.high == math.inf)

    def __str__(self) -> str:
        if self.high < LARGEST:
            return f"from {self.low:g} up to, but less than, {self.high:g}"
        return f"above {self.low:g}" if self.above else f"from {self.low:g}"

    def is_exceeded(self, given: Any) -> bool:
        """Whether something is a number beyond a bound that the text leaves out."""
        is_number = isinstance(given, numbers.Real) and not isinstance(given, bool)
        return is_number and LARGEST <= self.high <= given < math.inf


@dataclasses.dataclass(frozen=True)
class Rule:
    """What a value must be beside its type.

    Attributes:
        words: What is allowed, for the errors.
        holds: Whether a value is.
    """

    words: str
    holds: Callable[[Any], bool]

    def __contains__(self, value: Any) -> bool:
        return self.holds(value)

    def __str__(self) -> str:
        return self.words


def axes(*names: str) -> Rule:
    """The rule of an array or tensor: its axes, none of them empty."""
    return Rule(
        f"an array ({', '.join(names)})",
        lambda array: len(array.shape) == len(names) and 0 not in tuple(array.shape),
    )


def _is_path(path):
    text = os.fspath(path)
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        return False
    # What file systems hold: 255 bytes of a name, and 4096 of a path with its end.
    names = os.fsencode(text).split(os.sep.encode())
    return max(map(len, names)) <= 255 and len(os.fsencode(text)) < 4096


# The largest number of examples, units or steps, and of a seed.
LARGEST = 2**31
Count = Annotated[int, Range(1, LARGEST)]
Whole = Annotated[int, Range(0, 2 * LARGEST)]
ImageShape = Annotated[
    tuple[Count, Count, Count], "height, width and channels, as in (224, 224, 3)"
]
NonNegative = Annotated[float, Range(0)]
Positive = Annotated[float, Range(0, above=True)]
Rate = Annotated[float, Range(0, 1)]
Share = Annotated[float, Rule("a number from 0 to 1", lambda x: 0 <= x <= 1)]
Pair = tuple[Count, Count]
# What hidden layers may have, by Keras' names; the slope of leaky_relu is 0.2.
HiddenActivation = Literal[
    "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "softsign", "tanh",
    "sigmoid", "hard_sigmoid", "linear",
]  # fmt: skip
# Of an image: grey or RGB.
Channels = Annotated[int, Rule("1 or 3", lambda count: count in (1, 3))]
Name = Annotated[
    str, Rule("a name of one letter or more", lambda x: x.strip() and "\0" not in x)
]
# Symbolic: of known shape and type, without values.
Regions = Annotated[
    Any,
    Rule(
        "a Keras tensor of boxes (batch, n, 4)",
        lambda one: len(getattr(one, "shape", ())) == 3 and one.shape[-1] == 4,
    ),
]
Boxes = Annotated[
    Any,
    Rule(
        "a pair of Keras tensors, the true boxes and their classes",
        lambda pair: (
            isinstance(pair, tuple)
            and len(pair) == 2
            and all(hasattr(one, "shape") and hasattr(one, "dtype") for one in pair)
        ),
    ),
]
ModelName = Annotated[
    str,
    Rule(
        "a name of letters, digits and the signs _ . / -",
        lambda x: re.fullmatch(r"[\w./-]+", x),
    ),
]
Path = Annotated[
    str | os.PathLike,
    Rule("the path of a file or folder, as in 'runs/lenet5'", _is_path),
]
Weights = Annotated[
    str | os.PathLike,
    Rule(
        "the name of trained weights, as in 'imagenet' (kerazoo weights lists them), "
        "the path of a file",
        _is_path,
    ),
]
NetworkName = Annotated[
    str,
    "the name of a network, as kerazoo list shows them (a model of your own goes to "
    "kerazoo.fit alone)",
]
# What parts of a list have in common, whatever holds them.
LISTS = (collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)


def read(kind: Any, value: Any, name: str) -> Any:
    """A value as its declaration asks for it.

    Args:
        kind: The declaration.
        value: NumPy's numbers are taken for Python's, lists for tuples, a text with
            commas for a list.
        name: The field's, for the errors.

    Raises:
        ValueError: Where the value is not of the kind.
    """
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin is Annotated:
        try:
            found = read(inner[0], value, name)
        except ValueError:
            # The error of the whole declaration says more.
            raise refusal(kind, value, name) from None
        if not isinstance(inner[1], str) and found not in inner[1]:
            raise refusal(kind, value, name)
        return found
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in inner:
            return None
        kinds = [one for one in inner if one is not type(None)]
        if len(kinds) == 1 and _names_its_fault(kinds[0]):
            return read(kinds[0], value, name)
        for one in kinds:
            with contextlib.suppress(ValueError):
                return read(one, value, name)
    elif origin is Literal:
        # True is no 1 here.
        found = [one for one in inner if one == value and type(one) is type(value)]
        if found:
            return found[0]
        raise unknown(name, value, inner)
    elif isinstance(kind, type) and dataclasses.is_dataclass(kind):
        if isinstance(value, kind):
            return value
        if isinstance(value, Mapping):
            return _record(kind, value, f"{name}.", "field")
    elif origin is tuple:
        return _tuple(kind, inner, value, name)
    elif origin is list or origin in LISTS:
        if isinstance(value, str):
            # No list of its letters is meant.
            raise refusal(kind, value, name)
        parts = _tuple(kind, (inner[0], ...), value, name)
        return list(parts) if origin is list else parts
    elif origin in (collections.abc.Mapping, dict):
        if isinstance(value, Mapping):
            return {
                read(inner[0], key, name): read(inner[1], one, f"{name}.{key}")
                for key, one in value.items()
            }
    elif kind is bool:
        if isinstance(value, bool):
            return value
    elif kind is int:
        if isinstance(value, numbers.Integral) and not isinstance(value, bool):
            return int(value)
    elif kind is float:
        real = isinstance(value, numbers.Real) and not isinstance(value, bool)
        # What networks compute with: numbers of 32 bits.
        if real and (value == 0 or 1.2e-38 < abs(value) < 3.4e38):
            return float(value)
    elif getattr(kind, "_is_protocol", False):
        if _follows(kind, value):
            return value
    elif isinstance(value, origin or kind):
        return value
    raise refusal(kind, value, name)


def _follows(kind, value):
    """Whether an object has what a Protocol asks for; nothing of it is computed."""
    wanted = {*vars(kind), *kind.__annotations__}
    have = {*dir(type(value)), *getattr(value, "__dict__", ())}
    return all(name in have for name in wanted if not name.startswith("_"))


def _names_its_fault(kind):
    """Whether the error of the kind itself says more than that of ``kind | None``."""
    return typing.get_origin(kind) is Literal or dataclasses.is_dataclass(kind)


def _tuple(kind, inner, value, name):
    if isinstance(value, str):
        return parse(kind, value, name)
    if inner[-1] is Ellipsis and not isinstance(value, collections.abc.Iterable):
        value = (value,)
    unordered = (Mapping, collections.abc.Set, bytes)
    if isinstance(value, unordered) or not isinstance(value, collections.abc.Iterable):
        raise refusal(kind, value, name)
    parts = tuple(value)
    if inner[-1] is Ellipsis:
        inner = (inner[0],) * len(parts)
    if len(parts) != len(inner):
        raise refusal(kind, value, name)
    return tuple(read(k, v, name) for k, v in zip(inner, parts, strict=True))


def parse(kind: Any, text: str, name: str) -> Any:
    """The value of a text, as a command line has it.

    Args:
        kind: The declaration.
        text: As in ``3``, ``1e-4``, ``True`` or ``true``, ``None``, ``max``, ``1,2,3``,
            ``[1, 2, 3]``.
        name: The field's, for the errors.

    Raises:
        ValueError: Where the text gives no value of the kind.
    """
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if type(None) in inner and text in ("None", "none", "null"):
            return None
        kind = inner[0] if len(inner) == 2 and inner[1] is type(None) else kind
        origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is str:
        return text
    if origin is Annotated and typing.get_origin(inner[0]) is tuple:
        return read(kind, _split(text), name)
    if origin is Literal:
        found = [one for one in inner if str(one) == text]
        return read(kind, found[0] if found else text, name)
    if origin in (tuple, list, *LISTS):
        parts = _split(text, inner[0])
        if isinstance(parts, str):
            raise refusal(kind, text, name)
        return read(kind, parts, name)
    return read(kind, literal(text), name)


def _split(text, kind=int):
    """The list of a text, in brackets as of JSON or without."""
    if text.lstrip().startswith(("[", "(")):
        return literal(text.replace("(", "[").replace(")", "]"))
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return parts if kind is str else [literal(part) for part in parts]


def literal(text: str) -> Any:
    """The value of a text of which no declaration is known: JSON, or the text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return {"None": None, "True": True, "False": False}.get(text, text)


def checked(function: F) -> F:
    """A function whose arguments are read as its annotations declare them.

    For what users call: a value of another type is refused by name, before the function
    begins, not five frames below. What is caught by ``*args`` and ``**kwargs`` is left
    as it is.
    """
    signature = inspect.signature(function)
    stars = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    named = {one.name for one in signature.parameters.values() if one.kind not in stars}

    @functools.wraps(function)
    def reading(*args: Any, **kwargs: Any) -> Any:
        try:
            given = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(
                f"{function.__qualname__.removesuffix('.__init__')}: {error}; it takes "
                f"{', '.join(signature.parameters)}."
            ) from error
        for name, kind in _argument_kinds(function).items():
            if name in named and name in given.arguments:
                value = read(kind, given.arguments[name], name)
                given.arguments[name] = value
        return function(*given.args, **given.kwargs)

    made: Any = reading
    # Keras looks at the arguments of a layer without following what wraps it.
    made.__signature__ = signature
    return made


@functools.cache
def _argument_kinds(function):
    """The declarations of a function's arguments, read at its first call."""
    return typing.get_type_hints(function, include_extras=True)


def whole(value: Any, name: str, least: int = 1) -> int:
    """A whole number.

    Raises:
        ValueError: Where the value is none, or less than ``least``.
    """
    return read(Annotated[int, Range(least)], value, name)


def validate(record: Any, prefix: str = "") -> None:
    """Reads every field of a frozen dataclass anew, as its annotation declares it.

    For ``__post_init__``, so that Python and text are held to the same.

    Raises:
        ValueError: For the first field with a bad value.
    """
    for name, kind in _kinds(record.__class__).items():
        value = read(kind, getattr(record, name), prefix + name)
        object.__setattr__(record, name, value)


def record(cls: type[T], data: Any, where: str = "") -> T:
    """A dataclass from plain data.

    Args:
        cls: The dataclass.
        data: A mapping of its fields.
        where: The file that the data are from, for the errors.

    Raises:
        ValueError: For no mapping, an unknown or a missing field, or a bad value.
    """
    before = f"{where}: " if where else ""
    noun = _noun(cls)
    if not isinstance(data, Mapping):
        raise ValueError(
            f"{before}A {noun} is a mapping of fields, not a {type(data).__name__}."
        )
    try:
        return _record(cls, data, "", f"{noun} field")
    except ValueError as error:
        raise ValueError(f"{before}{error}") if before else error from None


def _record(cls, data, prefix, what):
    kinds, renamed = _kinds(cls), getattr(cls, "RENAMED", {})
    data = {renamed.get(key, key): value for key, value in data.items()}
    for key in data:
        if key not in kinds:
            raise unknown(what, f"{prefix}{key}", (prefix + k for k in kinds))
    values = {}
    for field in dataclasses.fields(cls):
        kind, path = kinds[field.name], prefix + field.name
        if field.name in data:
            value = data[field.name]
            if dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
                values[field.name] = _record(kind, value, f"{path}.", what)
            else:
                values[field.name] = read(kind, value, path)
        elif (
            field.default is dataclasses.MISSING
            and field.default_factory is dataclasses.MISSING
        ):
            raise ValueError(f"{path} is missing.")
    return cls(**values)


def declared(cls: type, path: str) -> Any:
    """The declaration of a field of a dataclass.

    Args:
        cls: The dataclass.
        path: As in ``epochs``, ``optimizer.momentum`` or ``options.aux``.

    Raises:
        ValueError: Where there is no such field.
    """
    kind = cls
    for name in path.split("."):
        if dataclasses.is_dataclass(kind) and name in _kinds(kind):
            kind = _kinds(kind)[name]
        elif typing.get_origin(kind) is collections.abc.Mapping:
            kind = typing.get_args(kind)[1]
        else:
            raise unknown(f"{_noun(cls)} field", path, _paths(cls))
    return kind


def _paths(cls, prefix=""):
    for name, kind in _kinds(cls).items():
        yield prefix + name
        if dataclasses.is_dataclass(kind):
            yield from _paths(kind, f"{prefix}{name}.")


def _noun(cls):
    """``run config`` for ``RunConfig``."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", cls.__name__).lower()


@functools.cache
def _kinds(cls):
    """The declarations of a dataclass' fields."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def load(cls: type[T], path: pathlib.Path) -> T:
    """A dataclass from a JSON file.

    Raises:
        ValueError: Where the file is damaged, or as :func:`record`.
    """
    return record(cls, read_json(path), str(path))


def read_json(path: pathlib.Path) -> Any:
    """What a JSON file holds.

    Raises:
        ValueError: Where it cannot be read or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from error
    except RecursionError as error:
        raise ValueError(f"{path} is damaged: it is nested too deeply.") from error
    except ValueError as error:
        raise ValueError(f"{path} is damaged, or not JSON: {error}.") from error


def plain(record: Any) -> dict[str, Any]:
    """A dataclass as plain data for JSON."""
    return json.loads(json.dumps(dataclasses.asdict(record), default=dict))


def dump(record: Any) -> str:
    """A dataclass as the content of a JSON file."""
    return json.dumps(plain(record), indent=2) + "\n"


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = ""
) -> Iterator[str]:
    """The paths, as in ``recipe.epochs``, at which plain data differ."""
    for key in sorted({*old, *new}):
        one, other = old.get(key), new.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from differences(one, other, f"{prefix}{key}.")
        elif one != other:
            yield prefix + key


def refusal(kind: Any, value: Any, name: str) -> ValueError:
    """The sentence for a value that is not what was declared."""
    shown = " ".join(repr(value).split())
    shown = shown if len(shown) < 200 else f"{shown[:200]}..."
    made = "; call it to make one" if isinstance(value, type) else ""
    words = describe(kind, value) + made
    return ValueError(f"{name} is {shown}; it must be {words}.")


NOUNS: dict[Any, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text",
    os.PathLike: "a path",
}


def describe(kind: Any, given: Any = None) -> str:
    """What a declaration allows, in words: ``a whole number from 1``.

    Args:
        kind: The declaration.
        given: What was given in its place: a bound that hardly anything meets is left
            out where this does not.
    """
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        if isinstance(inner[1], Range):
            words = f"{describe(inner[0])} {inner[1]}"
            if inner[1].is_exceeded(given):
                words += f" up to, but less than, {inner[1].high:,}"
            return words
        return str(inner[1])
    if origin in (types.UnionType, typing.Union):
        return " or ".join(dict.fromkeys(describe(one, given) for one in inner))
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if origin in (tuple, list, *LISTS):
        one = describe(inner[0]).removeprefix("a ")
        plural = one.replace("number", "numbers").replace("text", "texts")
        count = len(inner) if origin is tuple and ... not in inner else "a list of"
        return f"{count} {plural}"
    if kind is type(None):
        return "None"
    if kind is Any:
        return "any value"
    if origin in (collections.abc.Mapping, dict):
        return "a mapping of fields"
    if origin or kind is Callable:
        return "a function"
    name = getattr(kind, "__name__", str(kind))
    words = NOUNS.get(kind, f"{'an' if name[0] in 'AEIOU' else 'a'} {name}")
    return (
        f"a mapping of fields or {words}" if dataclasses.is_dataclass(kind) else words
    )
