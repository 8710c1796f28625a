"""What a file of annotations says, before anybody has looked at the image."""

import dataclasses
import math
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

# A box as x1, y1, x2, y2 in pixels, half-open; of YOLO in shares of the image.
Box = tuple[float, float, float, float]


@dataclasses.dataclass(frozen=True)
class Said:
    """One object, as a file says it.

    Attributes:
        name: Its class.
        box: Where it is.
        ignored: Whether it is difficult, or a crowd.
    """

    name: str
    box: Box
    ignored: bool = False

    def __post_init__(self) -> None:
        """Refuses a box of numbers that are none."""
        if not all(map(math.isfinite, self.box)):
            raise ValueError(f"an object {self.name!r} has the box {self.box}")


@dataclasses.dataclass(frozen=True)
class Annotation:
    """What is said of one image.

    Attributes:
        file: The file that says it; and of which image, where it speaks of many.
        image: The image's file, or None where there is none.
        objects: What is on it.
        form: What the four numbers of a box are in the file: the corners of VOC, the
            corner and sides of COCO, or the middle and sides of YOLO, which are shares
            of the image's sides.
        problem: A key of :data:`kerazoo.data.annotations.folder.PROBLEMS`, or None.
        detail: What the problem is about.
    """

    file: str
    image: str | None
    objects: tuple[Said, ...] = ()
    form: Literal["corners", "corner", "middle"] = "corners"
    problem: str | None = None
    detail: str = ""


@dataclasses.dataclass(frozen=True)
class Annotations:
    """What is said of a set of images.

    Attributes:
        parts: Annotations by part: ``all``, or ``train`` and perhaps ``val`` and
            ``test``.
        classes: The names of the classes, in their order; empty where the objects alone
            name them.
        left: Files that are left out: images without annotations where each must have
            some, annotations without an image where an image may have none.
    """

    parts: Mapping[str, Sequence[Annotation]]
    classes: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def listed(root: pathlib.Path, names: Iterable[str]) -> tuple[str, ...]:
    """The lines of the first of some files that is there: names of classes."""
    for name in names:
        file = root / name
        if file.is_file():
            lines = file.read_text(encoding="utf-8-sig").splitlines()
            found = tuple(line.strip() for line in lines if line.strip())
            if not found:
                raise ValueError(f"{file} names no class; it must have a class a line")
            return unique(file, found)
    return ()


def name_of(value: object) -> str:
    """The name of a class, as YAML or JSON has it.

    Raises:
        ValueError: For what is no name: nothing, or what YAML makes of ``no``.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{value!r} is no name of a class; put names in quotes")
    return str(value)


def unique(file: pathlib.Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of classes, none of which may be there twice."""
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise ValueError(f"{file} names {twice!r} twice; give every class its own name")
    return names
