"""The one reader of declared values."""

import dataclasses
import inspect
import pathlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol

import numpy as np
import pytest

from kerazoo import reader
from kerazoo.reader import Count, NonNegative, Path, Positive, Rate


@dataclasses.dataclass(frozen=True)
class Inner:
    rate: Rate = 0.5


@dataclasses.dataclass(frozen=True)
class Outer:
    size: Count
    kind: Literal["a", "b"] = "a"
    inner: Inner = dataclasses.field(default_factory=Inner)
    sides: tuple[int, ...] | None = None


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (int, 3, 3),
        (int, np.int32(3), 3),
        (Count, np.uint8(1), 1),
        (float, 2, 2.0),
        (float, np.float32(0.5), 0.5),
        (bool, np.bool_(True), True),
        (Rate, 0, 0.0),
        (Positive, 1e-9, 1e-9),
        (NonNegative, 0.0, 0.0),
        (str, "x", "x"),
        (Literal[1, 2], np.int64(2), 2),
        (Literal["max", "avg"], "avg", "avg"),
        (int | None, None, None),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[int, ...], np.array([1, 2]), (1, 2)),
        (tuple[int, ...], "1,2", (1, 2)),
        (tuple[str, ...], "flip,cutout:4", ("flip", "cutout:4")),
        (tuple[float, float], (1, 2.5), (1.0, 2.5)),
        (tuple[int | None, int | None, int], (None, 4, 3), (None, 4, 3)),
        (Mapping[str, float], {"a": 1}, {"a": 1.0}),
        (Inner, {"rate": 0.25}, Inner(0.25)),
        (Any, "whatever", "whatever"),
    ],
)
def test_values(kind, value, expected):
    found = reader.read(kind, value, "field")
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (int, True, "field is True; it must be a whole number."),
        (int, 2.0, "field is 2.0; it must be a whole number."),
        (int | None, "3", "field is '3'; it must be a whole number or None."),
        (Count, 0, "field is 0; it must be a whole number from 1."),
        (
            Count,
            2**31,
            "field is 2147483648; it must be a whole number from 1 up to, but less "
            "than, 2,147,483,648.",
        ),
        (
            Count | None,
            2**31,
            "field is 2147483648; it must be a whole number from 1 up to, but less "
            "than, 2,147,483,648 or None.",
        ),
        (Count, "3", "field is '3'; it must be a whole number from 1."),
        (float, float("nan"), "field is nan; it must be a number."),
        (float, float("inf"), "field is inf; it must be a number."),
        (float, 10**400, "it must be a number."),
        (Rate, 1, "field is 1; it must be a number from 0 up to, but less than, 1."),
        (Positive, 0, "field is 0; it must be a number above 0."),
        (bool, 1, "field is 1; it must be True or False."),
        (bool, "False", "field is 'False'; it must be True or False."),
        (Literal[1, 2], True, "Unknown field True; it must be one of 1, 2."),
        (
            Literal["max", "avg"],
            "average",
            "'average'; did you mean avg?",
        ),
        (
            Literal["max", "avg"] | None,
            "maxx",
            "Unknown field 'maxx'; did you",
        ),
        (tuple[float, float], (1,), "field is (1,); it must be 2 numbers."),
        (tuple[Count, ...], (1, 0), "field is 0; it must be a whole number from 1."),
        (tuple[int, ...], 3.5, "field is 3.5; it must be a whole number."),
        (tuple[int, ...], {1: 2}, "it must be a list of whole numbers."),
        (Mapping[str, Any], 3, "field is 3; it must be a mapping of fields."),
        (Inner, 3, "field is 3; it must be a mapping of fields or an Inner."),
        (Inner, {"rat": 3}, "Unknown field 'field.rat'; did you mean field.rate?"),
        (str, 3, "field is 3; it must be a text."),
    ],
)
def test_bad_values(kind, value, words):
    with pytest.raises(ValueError) as caught:
        reader.read(kind, value, "field")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (bool, "False", False),
        (bool, "true", True),
        (int, "3", 3),
        (float, "1e-3", 1e-3),
        (str, "3", "3"),
        (str, "None", "None"),
        (str | None, "None", None),
        (float | None, "null", None),
        (Literal[1, 2], "2", 2),
        (Literal["1x1", "3x3"], "1x1", "1x1"),
        (Literal["avg"] | None, "None", None),
        (tuple[int, ...], "1,2,3", (1, 2, 3)),
        (tuple[int, ...], "[1, 2]", (1, 2)),
        (tuple[int, ...], "", ()),
        (tuple[int, ...] | None, "1,2", (1, 2)),
        (tuple[int | None, int | None, int], "None,None,3", (None, None, 3)),
        (tuple[str, ...], "flip,pad_crop:4", ("flip", "pad_crop:4")),
        (Any, "True", True),
        (Any, "x", "x"),
    ],
)
def test_texts(kind, text, expected):
    found = reader.parse(kind, text, "field")
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("kind", "text"),
    [(bool, "maybe"), (int, "3.5"), (Count, "0"), (Rate, "nan"), (Literal[1, 2], "3")],
)
def test_bad_texts(kind, text):
    with pytest.raises(ValueError, match="field"):
        reader.parse(kind, text, "field")


def test_records_come_and_go_as_plain_data():
    outer = Outer(3, "b", Inner(0.25), (1, 2))
    data = {"size": 3, "kind": "b", "inner": {"rate": 0.25}, "sides": [1, 2]}
    assert reader.plain(outer) == data
    assert reader.record(Outer, data) == outer
    assert reader.record(Outer, {"size": 3}) == Outer(3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "x.json: A outer is a mapping of fields, not a list."),
        ({}, "x.json: size is missing."),
        (
            {"size": 3, "knd": "a"},
            "x.json: Unknown outer field 'knd'; did",
        ),
        ({"size": 3, "inner": {"rate": 2}}, "x.json: inner.rate is 2; it must be"),
        ({"size": 3, "inner": {"rat": 2}}, "'inner.rat'; did you mean inner.rate"),
    ],
)
def test_bad_records_name_file_and_field(data, words):
    with pytest.raises(ValueError) as caught:
        reader.record(Outer, data, "x.json")
    assert words in str(caught.value)


def test_validation_holds_python_to_the_same():
    reader.validate(Inner(0.5))
    with pytest.raises(ValueError, match=r"inner\.rate is 3; it must be"):
        reader.validate(Inner(3), "inner.")


class Sized(Protocol):
    size: int

    def grow(self) -> None: ...


class Box:
    def __init__(self):
        self.size = 1

    def grow(self):
        raise AssertionError("nobody asked for this")


@reader.checked
def pack(
    box: Sized,
    sizes: Sequence[Count] = (1,),
    place: Path | None = None,
    array: Annotated[np.ndarray, reader.axes("rows", "columns")] | None = None,
    *names: str,
    **more: int,
) -> tuple:
    """Packs a box."""
    return sizes, place, names, more


def test_arguments_are_read_as_they_are_declared():
    box = Box()
    assert pack(box, [np.int64(2)], "here", None, 3, x="y") == (
        (2,), "here", (3,), {"x": "y"},
    )  # fmt: skip
    assert pack(box, place=pathlib.Path("here"))[1] == pathlib.Path("here")
    assert pack.__doc__ == "Packs a box."
    assert list(inspect.getfullargspec(pack).args) == ["box", "sizes", "place", "array"]
    with pytest.raises(TypeError, match="nosuch"):
        reader.checked(lambda x: x)(1, nosuch=1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"box": 3}, "box is 3; it must be a Sized."),
        ({"sizes": "12"}, "sizes is '12'; it must be a list of whole numbers from 1."),
        ({"sizes": [0]}, "sizes is 0; it must be a whole number from 1."),
        ({"place": ""}, "place is ''; it must be the path of a file or folder"),
        ({"place": b"x"}, "place is b'x'; it must be the path"),
        ({"place": "x" * 256}, "it must be the path"),
        ({"array": np.zeros(3)}, "it must be an array (rows, columns) or None."),
        ({"array": np.zeros((3, 0))}, "it must be an array (rows, columns) or None."),
    ],
)
def test_bad_arguments_are_named(given, words):
    with pytest.raises(ValueError) as caught:
        pack(**{"box": Box(), **given})
    assert words in str(caught.value)


def test_whole_numbers():
    assert reader.whole(np.int64(2), "folds", 2) == 2
    with pytest.raises(ValueError, match=r"folds is 1; it must be .* from 2"):
        reader.whole(1, "folds", 2)
