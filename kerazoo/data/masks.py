"""Folders of images and masks: a class for every pixel."""

import dataclasses
import functools
import os
import pathlib
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import tensorflow as tf
from PIL import Image

from kerazoo import reader
from kerazoo.data import folders
from kerazoo.data.folders import Files, Finding
from kerazoo.data.images import ImageData
from kerazoo.data.splits import Split
from kerazoo.errors import counted
from kerazoo.reader import Range

IMAGES = ("images", "image", "imgs", "img", "jpegimages")
MASKS = ("masks", "mask", "labels", "annotations", "segmentationclass")
# What programs add to the name of an image for that of its mask.
SUFFIX = r"(?i)_(L|mask|masks|label|labels|seg)$"
# Names in classes.txt that stand for no class, and the index that always does.
VOID_NAMES = ("void", "unlabelled", "unlabeled", "ignore", "ignored")
VOID = 255
# A number of a color in classes.txt.
COMPONENT = r"[\s,]+(\d+)"
LARGEST = 254
# What is wrong with a file so that a set cannot be used, by kind.
PROBLEMS = {
    "no mask": "an image without a mask of its name",
    "no image": "a mask without an image of its name",
    "same name": "one of two files of the same name in one folder",
    "broken image": "no whole image",
    "unreadable": "no whole mask of indices or colors",
    "lossy": "a mask in JPEG, which changes the values; masks must be PNG files",
    "another size": "a mask that has not the size of its image",
    "beyond the classes": "a mask with an index that no class has",
    "unknown color": "a mask with a color that is not in classes.txt",
}


@dataclasses.dataclass(frozen=True)
class Palette:
    """What the values of masks mean.

    Attributes:
        names: What each index stands for, those of void among them.
        void: Indices that stand for no class.
        colors: The index of each RGB, where masks are colored images.
    """

    names: tuple[str, ...]
    void: frozenset[int]
    colors: Mapping[tuple[int, ...], int]

    @functools.cached_property
    def classes(self) -> dict[str, int]:
        """The index of every class, in the order of the classes."""
        return {n: i for i, n in enumerate(self.names) if i not in self.void}

    @functools.cached_property
    def shifted(self) -> np.ndarray:
        """uint8 array (256,) from an index to ``k + 1`` for class ``k``, 0 for void."""
        found = np.zeros(256, "uint8")
        found[list(self.classes.values())] = np.arange(len(self.classes)) + 1
        return found

    def __contains__(self, index: int) -> bool:
        return 0 <= index < len(self.names) or index in self.void


@dataclasses.dataclass(frozen=True)
class Pair:
    """An image and its mask, as they were found.

    Attributes:
        image: What the image is.
        mask: The file of the mask.
        values: The indices in the mask; of a colored one its colors.
        problem: A key of :data:`PROBLEMS`, or None.
    """

    image: Finding
    mask: str
    values: tuple = ()
    problem: str | None = None

    @property
    def file(self) -> str:
        """The one of the two that a problem is about."""
        of_image = self.problem in ("no mask", "broken image") or not self.mask
        return self.image.path if of_image else self.mask


@dataclasses.dataclass(frozen=True)
class Scan:
    """A folder of images and masks.

    Attributes:
        palette: What the values mean.
        parts: Pairs by part: ``all``, or ``train``, ``val`` and ``test``.
    """

    palette: Palette
    parts: Mapping[str, Sequence[Pair]]

    @property
    def wrong(self) -> list[Pair]:
        """The pairs that have a problem."""
        return [one for pairs in self.parts.values() for one in pairs if one.problem]

    def counts(self) -> dict[str, dict[str, int]]:
        """By part and class, the number of masks with a pixel of it."""
        found = {}
        for part, pairs in self.parts.items():
            seen = np.zeros(256, int)
            for pair in pairs:
                seen[[v for v in pair.values if isinstance(v, int) and v < 256]] += 1
            indices = self.palette.classes.items()
            found[part] = {name: int(seen[index]) for name, index in indices}
        return found

    def problem(self) -> str | None:
        """The sentence that says why the folder cannot be trained on, or None."""
        if not self.wrong:
            return self._nothing_to_learn()
        first = self.wrong[0]
        same = [one for one in self.wrong if one.problem == first.problem]
        kind = PROBLEMS[first.problem or ""]
        text = f"{first.file} is {kind}"
        if len(same) > 1:
            text += f", as {len(same)} files are"
        if first.problem == "beyond the classes":
            index = next(v for v in first.values if v not in self.palette)
            last = len(self.palette.names) - 1
            text += f" ({index}, where classes.txt ends with {last})"
            if index < 256:
                text += f"; if it stands for no class, say so by ?void={index}"
        return text + "; mend or remove what is wrong"

    def _nothing_to_learn(self):
        counts = self.counts()
        for part, pairs in self.parts.items():
            values = {value for pair in pairs for value in pair.values}
            if values == {0, VOID}:
                return (
                    f"its masks have the values 0 and {VOID} alone, and {VOID} stands "
                    "for no class; write 1 for the second class"
                )
            if pairs and not any(counts[part].values()):
                name = "no mask" if part == "all" else f"no mask of the {part} part"
                return f"{name} has a pixel of a class; all are void"
        return None


def scan(folder: str) -> Scan:
    """Looks a folder of images and masks over.

    Args:
        folder: A path, with ``?void=INDEX`` after it where that index stands for no
            class (255 always does). It holds ``images/`` and ``masks/``, or folders of
            parts (train, val, test) that do; beside them ``classes.txt`` names a class
            a line, in the order of the indices, with red, green and blue after it
            where the masks are colored.

    Raises:
        ValueError: If the folder is not there or holds no images and masks.
    """
    place, _, option = folder.partition("?")
    if not place:
        raise ValueError("masks: names no folder; say masks:PATH")
    root = pathlib.Path(place).expanduser()
    if not root.is_dir():
        raise ValueError(f"there is no folder {root}; give one of images and masks")
    key, _, text = option.partition("=")
    if option and key != "void":
        raise ValueError(
            f"{folder!r} cannot be read; after the question mark stands void=INDEX"
        )
    void = {VOID}
    if option:
        void.add(reader.parse(Annotated[int, Range(0, 256)], text, "void"))
    places = _places(root)
    pairs = {part: _pairs(*both) for part, both in places.items()}
    images = [image for part in pairs.values() for image, _, _ in part if image]
    masks = [mask for part in pairs.values() for _, mask, _ in part if mask]
    findings = folders.inspect_all(root, images)
    looks = folders.remembered(root, masks, look)
    palette = _palette(root, void, looks.values())
    return Scan(
        palette,
        {
            part: [
                _pair(
                    findings[image] if image else Finding("", ()),
                    str(mask or ""),
                    looks.get(mask),
                    palette,
                    problem,
                )
                for image, mask, problem in some
            ]
            for part, some in pairs.items()
        },
    )


def _places(root):
    """The folders of images and of masks, by part."""

    def both(place):
        inside = {one.name.lower(): one for one in folders.subfolders(place)}
        images = [inside[name] for name in IMAGES if name in inside]
        masks = [inside[name] for name in MASKS if name in inside]
        return (images[0], masks[0]) if images and masks else None

    if here := both(root):
        return {"all": here}
    parts = {}
    for one in folders.subfolders(root):
        part, inside = folders.part_of(one.name), both(one)
        if part and inside:
            if part in parts:
                raise ValueError(
                    f"{root} has two folders for the {part} part, {one.name} one of "
                    "them; leave one"
                )
            parts[part] = inside
    if "train" not in parts:
        raise ValueError(
            f"{root} holds no folders images and masks, nor a folder train that does; "
            "sort it so, the mask of images/a.jpg as masks/a.png"
        )
    return parts


def _pairs(images, masks):
    """Triples of an image, its mask and a problem; None for what is not there."""

    def name(path, folder):
        return str(path.relative_to(folder).with_suffix(""))

    left: dict[str, list] = {}
    for path in folders.image_files(images):
        left.setdefault(name(path, images), []).append(path)
    right: dict[str, list] = {}
    for path in folders.image_files(masks):
        own = name(path, masks)
        right.setdefault(own if own in left else re.sub(SUFFIX, "", own), []).append(
            path
        )
    found = []
    for one in sorted(left.keys() | right.keys()):
        pictures, truths = left.get(one, []), right.get(one, [])
        if len(pictures) > 1:
            found += [(path, None, "same name") for path in pictures]
        elif len(truths) > 1:
            found += [(None, path, "same name") for path in truths]
        else:
            found.append((*(pictures or [None]), *(truths or [None]), None))
    return found


def look(path: pathlib.Path) -> list:
    """What a mask is: height, width, and its indices, or its colors as triples.

    Returns:
        A list of the three; empty where the file is no whole image.
    """
    try:
        mask = _indices_or_colors(path)
    except Exception:  # Every plugin of Pillow has errors of its own.
        return []
    height, width = mask.shape[:2]
    if mask.ndim == 2:
        return [height, width, np.unique(mask).tolist()]
    return [height, width, np.unique(mask.reshape(-1, 3), axis=0)[:300].tolist()]


def _indices_or_colors(path):
    """A mask as indices (height, width), or as colors (height, width, 3)."""
    with Image.open(path) as file:
        if file.mode in ("RGB", "RGBA"):
            return np.asarray(file.convert("RGB"))
        one_band = len(file.getbands()) == 1
        mask = np.asarray(file if one_band else file.getchannel(0))
    if mask.dtype.kind not in "biu":
        raise ValueError(f"{path} has {mask.dtype} values, which are no indices")
    return mask.astype("int64")


def _palette(root, void, looks):
    """What ``classes.txt`` says; without one the classes are the indices found."""
    file = root / "classes.txt"
    if not file.is_file():
        values = {v for one in looks if one for v in one[2] if isinstance(v, int)}
        most = max(values - {VOID}, default=0)
        if most > LARGEST:
            raise ValueError(
                f"the masks of {root} have the index {most}, and without classes.txt "
                f"{LARGEST} is the largest; name the classes there"
            )
        return Palette(tuple(map(str, range(most + 1))), frozenset(void), {})
    names: list[str] = []
    colors: dict[tuple[int, ...], int] = {}
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not in UTF-8 ({error.reason}); save it so") from (
            error
        )
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = re.fullmatch(rf"(.+?)(?:{3 * COMPONENT})?", line.strip())
        name, *color = found.groups() if found else (line, "")
        if name in names:
            raise ValueError(f"{file} names {name!r} twice, at last in line {number}.")
        if color[0]:
            rgb = tuple(map(int, color))
            if max(rgb) > 255:
                raise ValueError(
                    f"{file} has the color {' '.join(color)} in line {number}; red, "
                    "green and blue are whole numbers up to 255."
                )
            if rgb in colors:
                raise ValueError(
                    f"{file} gives {names[colors[rgb]]!r} and {name!r} one color, "
                    f"{' '.join(color)}; give each its own."
                )
            colors[rgb] = len(names)
        if name.lower() in VOID_NAMES:
            void.add(len(names))
        names.append(name)
    palette = Palette(tuple(names), frozenset(void), colors)
    if not palette.classes or len(names) > LARGEST:
        raise ValueError(
            f"{file} names {len(palette.classes)} classes in "
            f"{counted(len(names), 'line')}; it must name 1 to {LARGEST}, a line each"
        )
    return palette


def _pair(image, mask, seen, palette, problem):
    """An image and its mask with what is wrong about them."""
    if problem:
        return Pair(image, mask, problem=problem)
    if not image.path or not mask:
        return Pair(image, mask, problem="no mask" if image.path else "no image")
    if image.skipped or not seen:
        return Pair(
            image, mask, problem="broken image" if image.skipped else "unreadable"
        )
    if pathlib.Path(mask).suffix.lower() in (".jpg", ".jpeg"):
        return Pair(image, mask, problem="lossy")
    height, width, values = seen
    if image.shape[:2] != (height, width):
        return Pair(image, mask, problem="another size")
    if values and not isinstance(values[0], int):
        if any(tuple(color) not in palette.colors for color in values):
            return Pair(image, mask, problem="unknown color")
        values = sorted(palette.colors[tuple(color)] for color in values)
    whole = all(v in palette for v in values)
    return Pair(image, mask, tuple(values), None if whole else "beyond the classes")


def read_mask(path: str, palette: Palette) -> np.ndarray:
    """Reads a mask.

    Args:
        path: A file of indices or of colors.
        palette: What they mean.

    Returns:
        uint8 array (height, width, 1): 0 for void, ``k + 1`` for class ``k``.

    Raises:
        ValueError: If the file is no mask of the palette.
    """
    seen = look(pathlib.Path(path))
    if not seen:
        raise ValueError(f"{path} is no mask that can be read; give a whole PNG file")
    mask = _indices_or_colors(path)
    if mask.ndim == 3:
        indices = np.full(mask.shape[:2], -1)
        for color, index in palette.colors.items():
            indices[(mask == color).all(-1)] = index
        mask = indices
    wrong = [value for value in np.unique(mask).tolist() if value not in palette]
    if wrong or (mask < 0).any():
        raise ValueError(
            f"{path} has a value that stands for no class; look it over with "
            "kerazoo data check"
        )
    return palette.shifted[mask][..., None]


class MaskFiles(Files):
    """Image files with their masks, each read when its turn comes.

    Args:
        pairs: Images and masks.
        palette: What the masks' values mean.
        shape: Height, width and channels; None where images differ.
        root: The folder that their keys are relative to.
    """

    masked = True

    def __init__(
        self, pairs: Sequence[Pair], palette: Palette, shape: tuple, root: pathlib.Path
    ) -> None:
        images = [pair.image for pair in pairs]
        super().__init__(
            [one.path for one in images],
            np.zeros(len(images), "int64"),
            shape,
            np.array([one.jpeg and one.shape[2] == shape[2] for one in images]),
            [os.path.relpath(one.path, root) for one in images],
        )
        self.masks = [pair.mask for pair in pairs]
        self.palette = palette

    @functools.cached_property
    def _mask_paths(self):
        with tf.init_scope(), tf.device("CPU:0"):
            return tf.constant(self.masks)

    def fetch(self, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Image, with its mask as the last channel, and 0."""
        image, label = super().fetch(number)
        both = tf.numpy_function(
            self._stacked, [image, self._mask_paths[number]], tf.uint8, stateful=False
        )
        return tf.ensure_shape(both, (*self.shape[:2], self.shape[2] + 1)), label

    def _stacked(self, image, path):
        mask = read_mask(path.decode(), self.palette)
        if mask.shape[:2] != image.shape[:2]:
            raise ValueError(
                f"the mask {path.decode()} has {mask.shape[0]}x{mask.shape[1]} pixels, "
                f"its image {image.shape[0]}x{image.shape[1]}; give them one size"
            )
        return np.concatenate([image, mask], -1)


def load_masks(name: str, folder: str, *, validation: float, seed: int) -> ImageData:
    """Loads ``masks:PATH``; see :func:`kerazoo.data.load` and :func:`scan`.

    Raises:
        ValueError: If there is no such folder, or a file of it is wrong.
    """
    found = scan(folder)
    if problem := found.problem():
        raise ValueError(f"{name} cannot be used: {problem}")
    root = pathlib.Path(folder.partition("?")[0]).expanduser()
    classes = tuple(found.palette.classes)
    empty = [part for part, pairs in found.parts.items() if not pairs]
    if empty:
        raise ValueError(f"{name} cannot be used: {empty[0]} holds no images")
    shape = folders.common_shape(
        pair.image.shape for pairs in found.parts.values() for pair in pairs
    )
    counts = found.counts()
    for part, seen in counts.items():
        missing = [one for one, count in seen.items() if not count]
        if missing:
            warnings.warn(
                f"no mask of {name} {part.replace('all', '')} has a pixel of "
                f"{', '.join(missing[:5])}".replace("  ", " "),
                stacklevel=3,
            )
    splits = {
        part: Split(
            MaskFiles(pairs, found.palette, shape, root),
            name=f"{name} {'train' if part == 'all' else part}",
            classes=classes,
        )
        for part, pairs in found.parts.items()
    }
    return folders.arrange(
        name, splits, validation=validation, seed=seed, task="segmentation"
    )
