"""Annotated images on disk: looked over, and read when their turn comes."""

import collections
import dataclasses
import functools
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from kerazoo.data import folders
from kerazoo.data.annotations import coco, voc, yolo
from kerazoo.data.annotations.records import Annotations
from kerazoo.data.folders import Files, Finding
from kerazoo.data.images import ImageData
from kerazoo.data.splits import Split
from kerazoo.detections import Objects

# The forms of annotations, by what stands before the colon of a set's name.
KINDS: dict[str, Callable[[str], Annotations]] = {
    "voc": voc.read,
    "coco": coco.read,
    "yolo": yolo.read,
}
# What is wrong with a file so that a set cannot be used.
PROBLEMS = {
    "no image": "annotations of an image that is not there",
    "not there": "an entry of a list that leads nowhere",
    "unreadable annotation": "annotations that cannot be read",
    "broken image": "no whole image",
    "unknown class": "an object of a class that is not in the list of classes",
    "looks relative": (
        "boxes that all lie within 0 and 1, as shares of the image do; kerazoo reads "
        "such ones as yolo:PATH"
    ),
    "looks absolute": "boxes beyond 1, as pixels are; YOLO's are shares of the image",
    "looks swapped": (
        "boxes that lie outside the image, and within it with x and y exchanged"
    ),
    "looks like corners": (
        "boxes that lie outside the image, and within it if their numbers are the "
        "corners x1, y1, x2, y2; COCO's are x1, y1, width, height, and YOLO's the "
        "middle, width and height"
    ),
    "looks like sides": (
        "boxes that end before they begin, and lie within the image if their numbers "
        "are x1, y1, width, height; VOC's are the corners"
    ),
    "looks like a corner": (
        "boxes that lie outside the image, and within it if their numbers are x1, y1, "
        "width, height; YOLO's begin with the middle"
    ),
    "looks turned": (
        "boxes that lie outside the image as it is stored, and within it as its EXIF "
        "data turn it; turn the file itself, or the boxes back"
    ),
}
# What is wrong with a box or a file, and what becomes of it.
TREATED = {
    "empty box": "a box of less than a pixel, which is left out",
    "outside": "a box outside its image, which is left out",
    "cut off": "a box that sticks out of its image by more than a pixel, cut off there",
    "no box": "an image on which nothing is",
    "alone": "an image without annotations, or these without it, which is left out",
    "same box": "a box that is there twice, the second of which is left out",
    "too narrow": (
        "a box of less than a pixel once the image has the size that a network takes "
        "(224 pixels a side, or --size), on which it is left out"
    ),
    "not turned": "an image that EXIF data say to turn; boxes are of its stored pixels",
}
# The shortest side of a box; shares of the sides make a little less of a pixel.
PIXEL = 1 - 1e-6


@dataclasses.dataclass(frozen=True)
class Looked:
    """An annotated image that was looked at.

    Attributes:
        image: What the image is.
        file: The file of its annotations.
        boxes: x1, y1, x2, y2 in pixels, half-open, of what is left.
        names: Their classes.
        ignored: Whether each is difficult, or a crowd.
        problem: A key of :data:`PROBLEMS`, or None.
        detail: What the problem is about.
        treated: Keys of :data:`TREATED`, once for every box.
    """

    image: Finding
    file: str
    boxes: tuple[tuple[float, ...], ...] = ()
    names: tuple[str, ...] = ()
    ignored: tuple[bool, ...] = ()
    problem: str | None = None
    detail: str = ""
    treated: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Scan:
    """A set of annotated images.

    Attributes:
        classes: Class names.
        parts: Images by part: ``all``, or ``train`` and perhaps ``val`` and ``test``.
        left: Files that are left out.
    """

    classes: tuple[str, ...]
    parts: Mapping[str, Sequence[Looked]]
    left: tuple[str, ...] = ()

    @property
    def every(self) -> list[Looked]:
        """All images."""
        return [one for images in self.parts.values() for one in images]

    def counts(self) -> dict[str, dict[str, int]]:
        """By part and class, the number of boxes."""
        found = {}
        for part, images in self.parts.items():
            names = collections.Counter(x for one in images for x in one.names)
            found[part] = {name: names[name] for name in self.classes}
        return found

    def problem(self) -> str | None:
        """The sentence that says why the set cannot be trained on, or None."""
        wrong = [one for one in self.every if one.problem]
        if wrong:
            first = wrong[0]
            same = [one for one in wrong if one.problem == first.problem]
            text = f"{first.file}"
            text += f" ({first.detail})" if first.detail else ""
            text += f" has {PROBLEMS[first.problem or '']}"
            if len(same) > 1:
                text += f", as {len(same)} do"
            return text + "; mend or remove what is wrong"
        for part, images in self.parts.items():
            if not images:
                return f"its {part} part has no images"
            of = "" if part == "all" else f" of the {part} part"
            if not any(one.boxes for one in images):
                gone = {kind for one in images for kind in one.treated}
                why = [
                    TREATED[kind] for kind in ("empty box", "outside") if kind in gone
                ]
                return f"no image{of} has a box" + "".join(
                    f"; there is {x}" for x in why
                )
            if all(all(one.ignored) for one in images):
                return f"all boxes{of} are difficult ones or crowds"
        return None


def scan(kind: str, place: str) -> Scan:
    """Looks a set of annotated images over.

    Args:
        kind: A key of :data:`KINDS`.
        place: The file or folder.

    Raises:
        ValueError: If it is not there, or holds no annotations of that kind.
    """
    if not place:
        raise ValueError(f"{kind}: names no place; say {kind}:PATH")
    said = KINDS[kind](place)
    every = [one for some in said.parts.values() for one in some]
    root = pathlib.Path(place).expanduser()
    root = root if root.is_dir() else root.parent
    paths = [pathlib.Path(one.image) for one in every if one.image]
    findings = folders.inspect_all(root, paths)
    classes = said.classes or tuple(
        sorted({x.name for one in every for x in one.objects})
    )
    parts = {
        part: [_look(one, findings, set(classes)) for one in some]
        for part, some in said.parts.items()
    }
    return Scan(classes, _told_apart(parts), said.left)


def _look(said, findings, classes):
    """An annotation beside its image."""
    if said.image is None:
        return Looked(
            Finding("", ()), said.file, problem=said.problem, detail=said.detail
        )
    image = findings[pathlib.Path(said.image)]
    problem, detail = said.problem, said.detail
    if image.skipped:
        problem, detail = "broken image", image.path
    unknown = [one.name for one in said.objects if one.name not in classes]
    if unknown and not problem:
        problem, detail = "unknown class", unknown[0]
    if problem:
        return Looked(image, said.file, problem=problem, detail=detail)
    height, width = size = stored_size(image)
    sides = np.array([width, height, width, height], float)
    boxes = np.array([one.box for one in said.objects], float).reshape(-1, 4)
    if said.form == "middle":
        boxes = boxes * sides
    upright = image.shape[:2]
    if size != upright and _beyond(boxes, size) and not _beyond(boxes, upright):
        return Looked(image, said.file, problem="looks turned")
    treated, kept = [], {}
    for number, (box, one) in enumerate(zip(boxes, said.objects, strict=True)):
        x1, y1, x2, y2 = cut = np.clip(box, 0, sides)
        if (box[2:] - box[:2] < PIXEL).any():
            treated.append("empty box")
        elif x2 - x1 < PIXEL or y2 - y1 < PIXEL:
            treated.append("outside")
        elif (one.name, *cut) in kept:
            treated.append("same box")
        else:
            if (np.abs(cut - box) > 1).any():
                treated.append("cut off")
            kept[one.name, *cut] = number
    if "rotated" in image.kinds:
        treated.append("not turned")
    return Looked(
        image,
        said.file,
        tuple(tuple(map(float, key[1:])) for key in kept),
        tuple(str(key[0]) for key in kept),
        tuple(said.objects[number].ignored for number in kept.values()),
        detail=_form(said.form, boxes, size),
        treated=tuple(treated),
    )


def too_narrow(one: Looked, size: int) -> np.ndarray:
    """Which boxes are of less than a pixel on the image resized to a square.

    Args:
        one: The image.
        size: Pixels of a side.
    """
    if not one.boxes:
        return np.zeros(0, bool)
    height, width = stored_size(one.image)
    corners = np.array(one.boxes)
    sides = (corners[:, 2:] - corners[:, :2]) * size / [width, height]
    return (sides < PIXEL).any(1)


def stored_size(image: Finding) -> tuple[int, int]:
    """Height and width as the file has them, before EXIF data turn it."""
    height, width = image.shape[:2]
    return (width, height) if "rotated" in image.kinds else (height, width)


def _beyond(boxes, size):
    """Whether a box sticks out of an image by more than a pixel."""
    height, width = size
    return bool(((boxes < -1) | (boxes > [width + 1, height + 1] * 2)).any())


def _form(form, boxes, size):
    """What the boxes of an image look like, where it is not what they should be."""
    if not len(boxes):
        return "nothing"
    height, width = size
    x1, y1, x2, y2 = boxes.T
    wide, high = x2 - x1, y2 - y1
    as_swapped = boxes[:, [1, 0, 3, 2]]
    if form == "middle":
        if (boxes / [width, height, width, height]).max() > 2:
            return "looks absolute"
        x1, y1 = (x1 + x2) / 2, (y1 + y2) / 2
    elif boxes.max() <= 2 < min(size) and boxes.min() >= -1:
        return "looks relative"
    if form == "corners":
        as_sides = np.stack([x1, y1, x1 + x2, y1 + y2], 1)
        if (wide < 0).any() or (high < 0).any():
            return "" if _beyond(as_sides, size) else "looks like sides"
    elif _beyond(boxes, size):
        as_corners = np.stack([x1, y1, wide, high], 1)
        if (wide > x1).all() and (high > y1).all() and not _beyond(as_corners, size):
            return "looks like corners"
        as_corner = np.stack([x1, y1, x1 + wide, y1 + high], 1)
        if form == "middle" and not _beyond(as_corner, size):
            return "looks like a corner"
    if form != "middle" and _beyond(boxes, size) and not _beyond(as_swapped, size):
        return "looks swapped"
    return ""


def _told_apart(parts):
    """Marks all images where most boxes have another form than is declared.

    One box of two pixels is no form; all boxes of a set are.
    """
    forms = collections.Counter(
        one.detail
        for images in parts.values()
        for one in images
        if not one.problem and one.detail != "nothing"
    )
    total = sum(forms.values())
    odd = next((form for form, n in forms.items() if form and 2 * n > total), None)

    def marked(one):
        if one.problem:
            return one
        problem = odd if odd and one.detail == odd else None
        return dataclasses.replace(one, problem=problem, detail="")

    return {part: [marked(one) for one in images] for part, images in parts.items()}


class BoxFiles(Files):
    """Image files with the boxes of their objects.

    Args:
        images: What was looked at.
        classes: Class names.
        shape: Height, width and channels; None where images differ.
        most: Objects of the image that has most of them.
        root: The folder that their keys are relative to.
    """

    boxed = True

    def __init__(
        self,
        images: Sequence[Looked],
        classes: Sequence[str],
        shape: tuple,
        most: int,
        root: pathlib.Path,
    ) -> None:
        files = [one.image for one in images]
        super().__init__(
            [one.path for one in files],
            np.zeros(len(images), "int64"),
            shape,
            np.array([one.jpeg and one.shape[2] == shape[2] for one in files]),
            [os.path.relpath(one.path, root) for one in files],
        )
        numbers = {name: number for number, name in enumerate(classes)}
        self.objects = Objects(
            np.full((self.size, most, 4), -1, "float32"),
            np.full((self.size, most), -1, "int32"),
            np.zeros((self.size, most), bool),
        )
        for row, one in enumerate(images):
            count = len(one.boxes)
            if count:
                self.objects.boxes[row, :count] = one.boxes
                self.objects.classes[row, :count] = [numbers[x] for x in one.names]
                self.objects.ignored[row, :count] = one.ignored

    @functools.cached_property
    def _truth(self):
        with tf.init_scope(), tf.device("CPU:0"):
            return Objects(*map(tf.constant, self.objects[:3]))

    def fetch(self, number: tf.Tensor) -> tuple[tf.Tensor, Objects]:
        """Image and objects of one example."""
        image, _ = super().fetch(number)
        return image, Objects(*(one[number] for one in self._truth[:3]))

    def _read(self, path):
        # Boxes are of the pixels as they are stored.
        return folders.read_image(path.decode(), self.shape[2], turned=False)


def load_boxes(
    name: str, kind: str, place: str, *, validation: float, seed: int
) -> ImageData:
    """Loads ``voc:PATH``, ``coco:PATH`` or ``yolo:PATH``; see :func:`scan`.

    Raises:
        ValueError: If there is no such set, or a file of it is wrong.
    """
    found = scan(kind, place)
    if problem := found.problem():
        raise ValueError(f"{name} cannot be used: {problem}")
    shape = folders.common_shape(
        (*stored_size(one.image), one.image.shape[2]) for one in found.every
    )
    most = max(1, *(len(one.boxes) for one in found.every))
    path = pathlib.Path(place).expanduser()
    root = path if path.is_dir() else path.parent
    splits = {
        part: Split(
            BoxFiles(images, found.classes, shape, most, root),
            name=f"{name} {'train' if part == 'all' else part}",
            classes=found.classes,
        )
        for part, images in found.parts.items()
    }
    return folders.arrange(
        name, splits, validation=validation, seed=seed, task="detection"
    )
