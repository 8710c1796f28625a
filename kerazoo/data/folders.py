"""A folder of images, one subfolder for each class."""

import concurrent.futures
import contextlib
import dataclasses
import functools
import hashlib
import json
import math
import os
import pathlib
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import platformdirs
import tensorflow as tf
from PIL import Image, ImageOps, UnidentifiedImageError
from rich.console import Console
from rich.progress import track

from kerazoo import reader
from kerazoo.data.images import ImageData
from kerazoo.data.splits import Split
from kerazoo.files import write_atomic
from kerazoo.processes import in_notebook
from kerazoo.reader import Channels, Path

# What is met among users' images, and what becomes of it.
TREATMENTS = {
    "empty": "skipped: the file has no bytes",
    "undecodable": "skipped: no image that Pillow can read",
    "truncated": "skipped: the file ends early or is damaged",
    "float": "skipped: pixels with fractions, whose range nobody says",
    "32-bit": "skipped: whole numbers beyond 16 bits, whose range nobody says",
    "cmyk": "converted to RGB",
    "16-bit": "scaled to 8 bits",
    "12-bit": "nearly black: no value is above 4095 of the 65535 of 16 bits; multiply "
    "them by 16 if they are of 12 bits",
    "animated": "first frame used",
    "rotated": "turned upright as its EXIF data say",
    "transparent": "transparency dropped",
    "in two parts": "the same file, to the byte, is in another part; what is tested on "
    "should not be learnt",
}
SKIPPED = ("empty", "undecodable", "truncated", "float", "32-bit")
# How the folders of parts are called, without case, signs and endings such as "_set".
PARTS = {
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "validate", "dev"),
    "test": ("test", "testing", "tst", "eval", "evaluation", "holdout"),
}
ENDINGS = ("set", "data", "images", "imgs", "image", "split", "folder")
# What systems leave behind.
IGNORED = ("__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN")
LAYOUTS = ("auto", "classes", "parts")
# So many files take seconds.
MANY = 200
ORIENTATION = 0x0112


# Parts to classes to files.
Scan = dict[str, dict[str, list["Finding"]]]


@dataclasses.dataclass(frozen=True)
class Finding:
    """What one file is.

    Attributes:
        path: The file.
        kinds: Keys of `TREATMENTS` that apply.
        shape: Height, width and channels (1 or 3) that it is read with, or ().
        jpeg: Whether it is a JPEG with nothing odd about it.
    """

    path: str
    kinds: tuple
    shape: tuple = ()
    jpeg: bool = False

    @property
    def skipped(self) -> bool:
        return any(kind in SKIPPED for kind in self.kinds)


def _kinds(image):
    """Keys of `TREATMENTS` for an opened image that can be read."""
    tests = {
        "cmyk": image.mode == "CMYK",
        "16-bit": image.mode.startswith("I"),
        "animated": getattr(image, "n_frames", 1) > 1,
        "rotated": image.getexif().get(ORIENTATION, 1) != 1,
        "transparent": image.has_transparency_data,
    }
    return tuple(kind for kind, applies in tests.items() if applies)


def _range(image):
    """The key of `TREATMENTS` for numbers whose range is not that of the file."""
    if image.mode == "F":
        return "float"
    if image.mode.startswith("I"):
        low, high = image.getextrema()
        if low < 0 or high > 65535:
            return "32-bit"
        return "12-bit" if 0 < high < 4096 else None
    return None


def _is_grey(image):
    return image.mode in ("1", "L", "LA", "F") or image.mode.startswith("I")


def inspect(path: str | os.PathLike) -> Finding:
    """Decodes one file and says what it is, as a `Finding`."""
    path = str(path)
    if not os.path.getsize(path):
        return Finding(path, ("empty",))
    try:
        with Image.open(path) as image:
            kinds = _kinds(image)
            grey = _is_grey(image)
            jpeg = image.format == "JPEG" and not kinds
            width, height = image.size
            if image.getexif().get(ORIENTATION, 1) >= 5:
                width, height = height, width
            # JPEG at an eighth of the size: all bytes are read, in a third of the time.
            image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
            image.load()
            odd = _range(image)
            if odd in SKIPPED:
                return Finding(path, (odd,))
            kinds += (odd,) if odd else ()
    except (UnidentifiedImageError, Image.DecompressionBombError):
        return Finding(path, ("undecodable",))
    except Exception:
        # Pillow knew the format and then failed; every plugin has errors of its own.
        return Finding(path, ("truncated",))
    jpeg = jpeg and _tensorflow_reads(path)
    return Finding(path, kinds, (height, width, 1 if grey else 3), jpeg)


def _tensorflow_reads(path):
    """Whether TensorFlow decodes a JPEG, of which it forgives less than Pillow does."""
    with tf.device("CPU:0"):
        try:
            tf.io.decode_jpeg(tf.io.read_file(path), ratio=8)
        except tf.errors.OpError:
            return False
    return True


@reader.checked
def read_image(
    path: Path, channels: Channels | None = None, *, turned: bool = True
) -> np.ndarray:
    """Reads an image file as it should be seen.

    EXIF rotation is applied, CMYK becomes RGB, 16 bits are scaled to 8, of an animation
    the first frame is used, transparency is dropped.

    Args:
        path: The file.
        channels: 1 or 3; None for 1 if the file is grey, else 3.
        turned: Whether EXIF rotation is applied.

    Returns:
        uint8 array (height, width, channels).

    Raises:
        ValueError: If there is no such file or it is no whole image.
    """
    try:
        with Image.open(path) as file:
            grey = _is_grey(file)
            image = ImageOps.exif_transpose(file) if turned else file
            if (odd := _range(image)) in SKIPPED:
                raise ValueError(TREATMENTS[odd].removeprefix("skipped: "))
            if image.mode in ("LAB", "HSV"):
                # Pillow knows the way to grey from here alone.
                image = image.convert("RGB")
            if image.mode.startswith("I"):
                # 65535 becomes 255.
                values = np.asarray(image).astype("int64") // 257
                image = Image.fromarray(values.clip(0, 255).astype("uint8"))
            channels = channels or (1 if grey else 3)
            if channels == 3 and image.mode not in ("RGB", "L", "CMYK"):
                image = image.convert("RGBA" if image.mode == "P" else "RGB")
            pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    except FileNotFoundError as error:
        raise ValueError(f"there is no image {path}; give another file") from error
    except IsADirectoryError as error:
        raise ValueError(
            f"{path} is a folder; give the file of an image in it"
        ) from error
    except Exception as error:  # Every plugin of Pillow has errors of its own.
        raise ValueError(
            f"{path} is not an image that can be read ({_reason(error)}); give a "
            "whole PNG, JPEG or other file that Pillow knows"
        ) from error
    return pixels.reshape(*pixels.shape[:2], channels)


def _reason(error):
    """Why a file cannot be read; the number of a system's error says nothing."""
    return getattr(error, "strerror", None) or error


class Files:
    """Image files, each read when its turn comes.

    Args:
        paths: The files.
        labels: int64 array of class ids.
        shape: Height, width and channels; None where images differ.
        jpegs: bool array: JPEG files that TensorFlow reads as Pillow does, to the bit,
            and in a third of the time.
        keys: What each is called within the folder, wherever that lies.
        groups: What each belongs to, as in a patient or a scene; None for nothing.
    """

    masked = boxed = fresh = False

    def __init__(
        self,
        paths: Iterable[str],
        labels: np.ndarray,
        shape: tuple,
        jpegs: np.ndarray,
        keys: Iterable[str] | None = None,
        groups: list[str] | None = None,
    ) -> None:
        self.paths = list(paths)
        self.keys = self.paths if keys is None else list(keys)
        self.groups = groups
        self.labels = labels
        self.jpegs = jpegs
        self.size = len(self.paths)
        self.shape = shape

    @functools.cached_property
    def _tensors(self):
        with tf.init_scope(), tf.device("CPU:0"):
            return tuple(map(tf.constant, (self.paths, self.labels, self.jpegs)))

    def shuffled(self, wanted: np.ndarray) -> int:
        """How many things an order of the wanted examples permutes: all of them."""
        return len(wanted)

    def part(self, wanted: np.ndarray, index: int, workers: int) -> np.ndarray:
        """The share of one of several workers: files of all classes."""
        return wanted[index::workers]

    def stream(
        self,
        wanted: np.ndarray,
        order: tf.Tensor,
        epoch: tf.Tensor,
        rank: Callable | None = None,
    ) -> tf.data.Dataset:
        """The wanted examples with their numbers; `order` has shuffled them enough."""
        numbers = tf.gather(wanted, order)
        return tf.data.Dataset.from_tensor_slices((numbers, numbers))

    def fetch(self, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Image and label of one example."""
        paths, labels, jpegs = self._tensors
        path = paths[number]

        def read():
            return tf.numpy_function(self._read, [path], tf.uint8, stateful=False)

        def decode():
            content, count = tf.io.read_file(path), self.shape[2]
            return tf.cond(
                # Where the file has changed since, Pillow says which one it is.
                tf.io.is_jpeg(content),
                lambda: tf.io.decode_jpeg(
                    content, count, dct_method="INTEGER_ACCURATE"
                ),
                read,
            )

        image = tf.cond(jpegs[number], decode, read)
        return tf.ensure_shape(image, self.shape), labels[number]

    def _read(self, path):
        return read_image(path.decode(), self.shape[2])


@dataclasses.dataclass(frozen=True)
class _Place:
    """What ``PATH?layout=LAYOUT&groups=REGEX`` says."""

    root: pathlib.Path
    layout: str
    groups: re.Pattern | None

    @classmethod
    def read(cls, text):
        path, _, options = text.partition("?")
        if not path:
            raise ValueError("folder: names no folder; say folder:PATH")
        root = pathlib.Path(path).expanduser()
        # A regular expression may hold any sign.
        said = re.fullmatch(r"(?:layout=(\w+))?(?:(?:^|&)groups=(.+))?", options, re.S)
        if not said or (said[1] or "auto") not in LAYOUTS:
            raise ValueError(
                f"{root}?{options} cannot be read; after the question mark stands "
                f"layout={'|'.join(LAYOUTS)}, groups=REGEX, or layout=...&groups=REGEX"
            )
        try:
            groups = re.compile(said[2]) if said[2] else None
        except re.error as error:
            raise ValueError(
                f"groups={said[2]} is no regular expression ({error}); give one such "
                r"as groups=patient(\d+)"
            ) from error
        return cls(root, said[1] or "auto", groups)

    def groups_of(self, paths):
        """What every file belongs to, by a path below the folder of its class.

        A file that names no group is one of its own.
        """
        if self.groups is None:
            return None
        groups = [_group(self.groups, path) for path in paths.values()]
        alone = [key for key, group in zip(paths, groups, strict=True) if not group]
        if len(alone) == len(paths):
            raise ValueError(
                f"groups={self.groups.pattern} fits no file of {self.root}, such as "
                f"{next(iter(paths.values()))}; give a regular expression on the path "
                "of a file below the folder of its class"
            )
        if alone:
            warnings.warn(
                f"groups={self.groups.pattern} does not fit {len(alone)} files of "
                f"{self.root}, such as {alone[0]}; each is a group of its own",
                stacklevel=4,
            )
        return {
            key: group or f"only {key}"
            for key, group in zip(paths, groups, strict=True)
        }


def _group(pattern, path):
    """The first group of a regular expression, or the whole match."""
    match = pattern.search(path)
    return match and (match[1] if pattern.groups and match[1] else match[0])


def scan(folder: str | os.PathLike) -> Scan:
    """Inspects a folder of images.

    Args:
        folder: Has one subfolder for each class, or subfolders "train" and "test" (and
            "val") that do.

    Returns:
        A dict from "all", or "train", "val" and "test", to a dict from class name to a
        list of `Finding`, sorted by path.

    Raises:
        ValueError: If the folder is not there or holds no subfolders.
    """
    place = _Place.read(os.fspath(folder))
    root = pathlib.Path(reader.read(Path, str(place.root), "folder"))
    if not root.is_dir():
        raise ValueError(f"there is no folder {root}; give a folder of images")
    found = {part: _classes(one) for part, one in _parts(root, place.layout).items()}
    everything = [
        path for some in found.values() for paths in some.values() for path in paths
    ]
    findings = inspect_all(root, everything)
    return {
        part: {
            name: [findings[path] for path in paths] for name, paths in classes.items()
        }
        for part, classes in found.items()
    }


def inspect_all(
    root: pathlib.Path, paths: Iterable[pathlib.Path]
) -> dict[pathlib.Path, Finding]:
    """A finding for every file below a folder."""

    def row(path):
        one = inspect(path)
        return [one.kinds, one.shape, one.jpeg]

    return {
        path: Finding(str(path), tuple(kinds), tuple(shape), jpeg)
        for path, (kinds, shape, jpeg) in remembered(root, paths, row).items()
    }


def in_two_parts(parts: Mapping[str, Iterable[str]]) -> list[str]:
    """The files whose bytes are in several parts, under whatever name.

    Args:
        parts: The files of every part.
    """
    sizes: dict[int, dict[str, set[str]]] = {}
    for part, files in parts.items():
        for file in files:
            same = sizes.setdefault(os.path.getsize(file), {})
            same.setdefault(part, set()).add(file)
    # Only files of one size can be the same.
    digests: dict[bytes, dict[str, set[str]]] = {}
    for some in sizes.values():
        if len(some) == 1:
            continue
        for part, own in some.items():
            for file in own:
                key = hashlib.sha256(pathlib.Path(file).read_bytes()).digest()
                digests.setdefault(key, {}).setdefault(part, set()).add(file)
    found = [one for one in digests.values() if len(one) > 1]
    return sorted({file for one in found for own in one.values() for file in own})


def remembered(
    root: pathlib.Path,
    paths: Iterable[pathlib.Path],
    look: Callable[[pathlib.Path], list],
) -> dict[pathlib.Path, list]:
    """What a function says of every file; kept for those that do not change.

    Args:
        root: The folder of the files.
        paths: The files.
        look: From a file to a list that JSON can hold.
    """
    store = pathlib.Path(platformdirs.user_cache_dir("kerazoo"), "folders")
    place = f"{look.__qualname__}:{root.resolve()}"
    name = hashlib.sha256(os.fsencode(place)).hexdigest()[:32]
    known: Any = {}
    with contextlib.suppress(OSError, ValueError):
        known = json.loads((store / f"{name}.json").read_text(encoding="utf-8"))
    known = known if isinstance(known, dict) else {}
    stats = {path: path.stat() for path in paths}
    stamps = {path: [one.st_size, one.st_mtime_ns] for path, one in stats.items()}
    found, new = {}, []
    for path in stats:
        row = known.get(str(path))
        if isinstance(row, list) and len(row) == 2 and row[0] == stamps[path]:
            found[path] = row[1]
        else:
            new.append(path)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        looked = _reported(pool.map(look, new), root, len(new))
        found |= zip(new, looked, strict=True)
    if new or len(known) != len(stats):
        rows = {str(path): [stamps[path], row] for path, row in found.items()}
        # A cache that cannot be written is done without.
        with contextlib.suppress(OSError, UnicodeError):
            store.mkdir(parents=True, exist_ok=True)
            write_atomic(store / f"{name}.json", json.dumps(rows))
    return found


def _reported(findings, root, count):
    """Findings as they come; where there are many, people see how far they are."""
    if count < MANY:
        yield from findings
        return
    notebook = in_notebook()
    console = Console(stderr=not notebook, soft_wrap=True, highlight=False)
    if console.is_terminal and not notebook:
        title = f"looking at {root.name}"
        yield from track(findings, title, count, console=console, transient=True)
        return
    for number, finding in enumerate(findings):
        if number % math.ceil(count / 10) == 0:
            done = f"{number:,} of {count:,} files of {root} looked at"
            console.print(done, markup=False)
        yield finding


def _parts(root, layout):
    """The folders of a set's parts, or ``{"all": root}`` where it holds classes."""
    named: dict[str, list[pathlib.Path]] = {part: [] for part in PARTS}
    others = []
    for one in subfolders(root):
        part = None if layout == "classes" else part_of(one.name)
        # Images in it make it a class, whatever it is called.
        if part and any(subfolders(one)) and not any(_images(one)):
            named[part].append(one)
        else:
            others.append(one)
    for part, places in named.items():
        if len(places) > 1:
            names = " and ".join(one.name for one in places)
            raise ValueError(
                f"{root} has two folders for the {part} part, {names}; leave one"
            )
    named = {part: places for part, places in named.items() if places}
    if not named and layout != "parts":
        return {"all": root}
    full = [
        one.name
        for one in others
        if any(any(_images(place)) for place in (one, *subfolders(one)))
    ]
    if (full and layout != "parts") or "train" not in named:
        have = ", ".join(places[0].name for places in named.values()) or "no parts"
        lacks = f"beside {', '.join(full[:3])}" if full else "and no training part"
        raise ValueError(
            f"{root} holds {have} {lacks}, so that it is not plain what is a class; "
            f"sort it into train, val and test, or say folder:{root}?layout=classes "
            "where all are classes (or ?layout=parts to leave out what is no part)"
        )
    return {part: places[0] for part, places in named.items()}


def part_of(name: str) -> str | None:
    """Which part a folder of that name is, if any."""
    word = re.sub("[^a-z]", "", name.lower())
    for ending in ENDINGS:
        word = word.removesuffix(ending) or word
    return next((part for part, words in PARTS.items() if word in words), None)


def subfolders(place: pathlib.Path) -> list[pathlib.Path]:
    """The folders in a folder that may hold images, links among them."""
    return [
        one
        for one in sorted(place.iterdir())
        if one.is_dir() and one.name[0] != "." and one.name not in IGNORED
    ]


def _images(place):
    """The files in a folder whose names are those of images."""
    return (one for one in place.iterdir() if one.is_file() and _is_image(one))


def _is_image(path):
    return path.suffix.lower() in Image.registered_extensions()


@reader.checked
def image_files(folder: Path) -> list[pathlib.Path]:
    """The files below a folder whose names are those of images, sorted.

    Raises:
        ValueError: If there is no such folder.
    """
    place = pathlib.Path(folder)
    if not place.is_dir():
        raise ValueError(f"folder is {str(place)!r}, which is no folder; give another")
    return sorted(filter(_is_image, files_below(place)))


def files_below(
    place: pathlib.Path, seen: tuple[pathlib.Path, ...] = ()
) -> Iterator[pathlib.Path]:
    """All files below a folder, those of linked folders too."""
    if place.resolve() in seen:
        return
    here = place.resolve()
    for one in sorted(place.iterdir()):
        if one.name[0] == "." or one.name in IGNORED:
            continue
        if one.is_dir() and here.is_relative_to(one.resolve()):
            # A link that leads back up, to the files of other classes.
            continue
        if one.is_dir():
            yield from files_below(one, (*seen, here))
        elif one.is_file():
            yield one


def _classes(place):
    """Sorted files by class name; names that begin with a dot are passed over."""
    classes = {one.name: sorted(files_below(one)) for one in subfolders(place)}
    if not classes:
        raise ValueError(
            f"{place} has no subfolders; put the images of each class into a subfolder "
            "of their own, named as the class"
        )
    return classes


def folder_problem(found: Scan) -> str | None:
    """The sentence that says why a scanned folder cannot be trained on, or None."""
    first = next(iter(found))
    names = set(found[first])
    for part, classes in found.items():
        if set(classes) != names:
            extra, lacking = sorted(set(classes) - names), sorted(names - set(classes))
            return (
                f"the classes of {first} and {part} differ: {part} "
                + " and ".join(
                    f"{verb} {', '.join(some)}"
                    for verb, some in (("adds", extra), ("lacks", lacking))
                    if some
                )
                + "; give both the same subfolders"
            )
        for name, findings in classes.items():
            if all(finding.skipped for finding in findings):
                return (
                    f"class {name!r} of {part} has no image that can be read; add "
                    "images or remove the folder"
                )
    if len(names) < 2:
        name = names.pop()
        above = [pathlib.Path(one.path).parent for one in found[first][name]]
        place = pathlib.Path(os.path.commonpath(above))
        wraps = place.name == name and place not in above
        advice = (
            f"if its subfolders are the classes, say folder:{place}"
            if wraps
            else "give at least two subfolders of images"
        )
        return f"there is only one class, {name!r}; {advice}"
    return None


def _skipped(name, found):
    """The files that cannot be used, which a warning counts."""
    skipped = tuple(
        finding
        for part in found.values()
        for findings in part.values()
        for finding in findings
        if finding.skipped
    )
    if skipped:
        first = skipped[0]
        warnings.warn(
            f"{name} skips {len(skipped)} files that are no whole images, such as "
            f"{first.path} ({first.kinds[0]})",
            stacklevel=4,
        )
    return skipped


def _check_groups(parts):
    """Refuses a group with images in two parts that the user has made."""
    part_of: dict[str, str] = {}
    for part, split in parts.items():
        for group in set(split.groups or ()):
            other = part_of.setdefault(group, part)
            if other != part:
                raise ValueError(
                    f"group {group!r} has images in {other} and in {part} of "
                    f"{split.name.rpartition(' ')[0]}; move them into one of the two"
                )


def load_folder(name: str, folder: str, *, validation: float, seed: int) -> ImageData:
    """Loads "folder:PATH"; see `kerazoo.data.load`.

    Without a test folder the "val" folder is the test split; without either a fifth of
    each class is, always the same. With both, "val" is the validation split.

    Raises:
        ValueError: If there is no folder, class or image to train on.
    """
    found = scan(folder)
    problem = folder_problem(found)
    if problem:
        raise ValueError(f"{name} cannot be used: {problem}")
    classes = tuple(found[next(iter(found))])
    skipped = _skipped(name, found)
    splits = _splits(name, _Place.read(folder), found, classes)
    images = arrange(name, splits, validation=validation, seed=seed, skipped=skipped)
    images.warn_of_missing_classes()
    return images


def arrange(
    name: str,
    splits: Mapping[str, Split],
    *,
    validation: float,
    seed: int,
    **others: Any,
) -> ImageData:
    """The set of what a folder holds.

    Args:
        name: The set's name.
        splits: ``all``, or ``train`` and perhaps ``val`` and ``test``.
        validation: Share of the training examples to hold out, where no part is there
            for it; 0 for none.
        seed: It draws them.
        **others: Further attributes of the `ImageData`.
    """
    train = splits["train" if "train" in splits else "all"]
    test, held_out = splits.get("test"), splits.get("val")
    if test is None and held_out is not None:
        test, held_out = held_out, None
        warnings.warn(
            f"{name} has no test folder; its validation folder is the test part, and "
            "validation images are split off its training folder",
            stacklevel=4,
        )
    return ImageData.parted(
        name,
        train,
        test,
        validation=validation,
        seed=seed,
        held_out=held_out,
        **others,
    )


def common_shape(shapes: Iterable[tuple]) -> tuple[int | None, int | None, int]:
    """The shape of all images; None for height and width where they differ."""
    seen = set(shapes)
    sides = {shape[:2] for shape in seen}
    channels = max(shape[2] for shape in seen)
    return (*(sides.pop() if len(sides) == 1 else (None, None)), channels)


def _splits(name, place, found, classes):
    """The parts of a scanned folder as splits, by name."""
    used = {
        part: [
            (finding, label)
            for label, one in enumerate(classes)
            for finding in some[one]
            if not finding.skipped
        ]
        for part, some in found.items()
    }
    shape = common_shape(finding.shape for some in used.values() for finding, _ in some)
    # Above a file stand the folders of its class and, where there are any, its part.
    above = 1 if "all" in found else 2
    keys = {
        finding.path: os.path.relpath(finding.path, place.root)
        for some in used.values()
        for finding, _ in some
    }
    groups = place.groups_of(
        {key: "/".join(pathlib.Path(key).parts[above:]) for key in keys.values()}
    )

    def split(part, some):
        paths = [finding.path for finding, _ in some]
        own = [keys[path] for path in paths]
        source = Files(
            paths,
            np.array([label for _, label in some]),
            shape,
            # TensorFlow's grey is not Pillow's.
            np.array([one.jpeg and one.shape[2] == shape[2] for one, _ in some]),
            own,
            groups and [groups[key] for key in own],
        )
        called = "train" if part == "all" else part
        return Split(source, name=f"{name} {called}", classes=classes)

    splits = {part: split(part, some) for part, some in used.items()}
    _check_groups(splits)
    return splits
