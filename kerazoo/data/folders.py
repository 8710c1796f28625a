"""A folder of images, one subfolder for each class."""

import concurrent.futures
import dataclasses
import functools
import os
import pathlib
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps, UnidentifiedImageError

from kerazoo.data.splits import Split

# What is met among users' images, and what becomes of it.
TREATMENTS = {
    "empty": "skipped: the file has no bytes",
    "undecodable": "skipped: no image that Pillow can read",
    "truncated": "skipped: the file ends early or is damaged",
    "cmyk": "converted to RGB",
    "16-bit": "scaled to 8 bits",
    "animated": "first frame used",
    "rotated": "turned upright as its EXIF data say",
    "transparent": "transparency dropped",
}
SKIPPED = ("empty", "undecodable", "truncated")
TEST_SHARE = 0.2
PARTS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}
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
    except (UnidentifiedImageError, Image.DecompressionBombError):
        return Finding(path, ("undecodable",))
    except (OSError, SyntaxError, ValueError, EOFError):
        # Pillow knew the format and then failed; it has no single error for that.
        return Finding(path, ("truncated",))
    return Finding(path, kinds, (height, width, 1 if grey else 3), jpeg)


def read_image(path: str | os.PathLike, channels: int | None = None) -> np.ndarray:
    """Reads an image file as it should be seen.

    EXIF rotation is applied, CMYK becomes RGB, 16 bits are scaled to 8, of an animation
    the first frame is used, transparency is dropped.

    Args:
        path: The file.
        channels: 1 or 3; None for 1 if the file is grey, else 3.

    Returns:
        uint8 array (height, width, channels).

    Raises:
        ValueError: If there is no such file or it is no whole image.
    """
    try:
        with Image.open(path) as file:
            grey = _is_grey(file)
            image = ImageOps.exif_transpose(file)
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
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise ValueError(
            f"{path} is not an image that can be read ({error}); give a whole PNG, "
            "JPEG or other file that Pillow knows"
        ) from error
    return pixels.reshape(*pixels.shape[:2], channels)


class Files:
    """Image files, each read when its turn comes.

    Args:
        paths: The files.
        labels: int64 array of class ids.
        shape: Height, width and channels; None where images differ.
        jpegs: bool array: JPEG files that TensorFlow reads as Pillow does, to the bit,
            and in a third of the time.
    """

    def __init__(
        self, paths: Iterable[str], labels: np.ndarray, shape: tuple, jpegs: np.ndarray
    ) -> None:
        self.paths = list(paths)
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
        self, wanted: np.ndarray, order: tf.Tensor, rank: Callable | None = None
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
    root = pathlib.Path(folder).expanduser()
    if not root.is_dir():
        raise ValueError(f"there is no folder {root}; give a folder of images")
    parts = {
        part: root / name
        for part, names in PARTS.items()
        for name in names
        if (root / name).is_dir()
    }
    if "train" not in parts:
        parts = {"all": root}
    found = {part: _classes(place) for part, place in parts.items()}
    everything = [
        path for some in found.values() for paths in some.values() for path in paths
    ]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        findings = dict(zip(everything, pool.map(inspect, everything), strict=True))
    return {
        part: {
            name: [findings[path] for path in paths] for name, paths in classes.items()
        }
        for part, classes in found.items()
    }


def _classes(place):
    """Sorted files by class name; names that begin with a dot are passed over."""
    classes = {
        one.name: sorted(
            path
            for path in one.rglob("*")
            if path.is_file()
            and not any(part[0] == "." for part in path.relative_to(one).parts)
        )
        for one in sorted(place.iterdir())
        if one.is_dir() and one.name[0] != "."
    }
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
        return (
            f"there is only one class, {names.pop()!r}; give at least two subfolders "
            "of images"
        )
    return None


def load_folder(
    name: str, folder: str, *, validation: float, seed: int
) -> dict[str, Any]:
    """Loads "folder:PATH"; see `kerazoo.data.load`.

    Without a test folder the "val" folder is the test split; without either a fifth of
    each class is, always the same. With both, "val" is the validation split.

    Returns:
        Keywords of an `ImageData`.

    Raises:
        ValueError: If there is no folder, class or image to train on.
    """
    found = scan(folder)
    problem = folder_problem(found)
    if problem:
        raise ValueError(f"{name} cannot be used: {problem}")
    classes = tuple(found[next(iter(found))])
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
            stacklevel=3,
        )
    shapes = {
        finding.shape
        for part in found.values()
        for findings in part.values()
        for finding in findings
        if not finding.skipped
    }
    sides = {shape[:2] for shape in shapes}
    channels = max(shape[2] for shape in shapes)
    shape = (*(sides.pop() if len(sides) == 1 else (None, None)), channels)

    def split(part):
        used = [
            # TensorFlow's grey is not Pillow's.
            (finding.path, label, finding.jpeg and finding.shape[2] == channels)
            for label, name in enumerate(classes)
            for finding in found[part][name]
            if not finding.skipped
        ]
        paths, labels, jpegs = zip(*used, strict=True)
        source = Files(paths, np.array(labels), shape, np.array(jpegs))
        called = "train" if part == "all" else part
        return Split(source, name=f"{name} {called}", classes=classes)

    splits = {part: split(part) for part in found}
    train = splits["train" if "train" in splits else "all"]
    if "test" in splits or "val" in splits:
        test = splits["test" if "test" in splits else "val"]
    else:
        train, test = train.split_off(TEST_SHARE, 0, "test")
    held_out = None
    if validation and {"val", "test"} <= set(splits):
        held_out = splits["val"]
    elif validation:
        train, held_out = train.split_off(validation, seed)
    return {
        "name": name,
        "classes": classes,
        "shape": shape,
        "train": train,
        "validation": held_out,
        "test": test,
        "skipped": skipped,
    }
