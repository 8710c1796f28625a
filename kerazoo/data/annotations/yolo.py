"""YOLO: a text file for every image, with a line for every object."""

import math
import pathlib

from kerazoo.data import folders
from kerazoo.data.annotations.records import (
    Annotation,
    Annotations,
    Said,
    listed,
    name_of,
    unique,
)

NAMES = ("classes.txt", "obj.names", "labels.txt")


def read(place: str) -> Annotations:
    """Reads ``data.yaml``, or a folder of images and text files.

    A line is a class' number, the centre, width and height of a box in shares of the
    image's sides, perhaps a confidence, which is passed over; or a number and the
    corners of an outline. The file of
    ``images/a.jpg`` is ``labels/a.txt``, or ``a.txt`` beside it; an image without one
    has no objects.

    Args:
        place: The file or folder.

    Raises:
        ValueError: If there is no such file or folder, or it names no classes.
    """
    path = pathlib.Path(place).expanduser()
    if path.is_dir():
        yamls = sorted((*path.glob("*.yaml"), *path.glob("*.yml")))
        if len(yamls) == 1:
            path = yamls[0]
    if path.is_file():
        parts, classes = _of_yaml(path)
    elif path.is_dir():
        parts, classes = _of_folder(path), listed(path, NAMES)
    else:
        raise ValueError(f"there is no file {path}; give a data.yaml, or its folder")
    if not classes:
        raise ValueError(
            f"{path} names no classes; give names in data.yaml, or a class a line in "
            "classes.txt"
        )
    return Annotations(
        {
            part: [_annotation(one, classes) for one in images]
            for part, images in parts.items()
        },
        classes,
        _without_images(one for images in parts.values() for one in images),
    )


def _of_yaml(file):
    """Images by part, and the classes."""
    import yaml

    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, UnicodeError) as error:
        text = " ".join(str(error).split())
        raise ValueError(f"{file} is no YAML that can be read ({text})") from error
    if not isinstance(data, dict) or not data.get("train"):
        raise ValueError(f"{file} names no train images; it must have train and names")
    names = data.get("names") or []
    if isinstance(names, dict) and set(names) == set(range(len(names))):
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list):
        raise ValueError(
            f"{file} has the names {names!r}; they must be a list, or have the numbers "
            "from 0 on"
        )
    count = data.get("nc", len(names))
    if names and count != len(names):
        raise ValueError(
            f"{file} has nc: {count} beside {len(names)} names; correct one of them"
        )
    root = file.parent
    if data.get("path"):
        given = pathlib.Path(str(data["path"])).expanduser()
        root = given if given.is_absolute() else root / given
        # The path of the machine where it was written.
        root = root if root.is_dir() else file.parent
    parts = {}
    for part in ("train", "val", "test"):
        if data.get(part):
            places = data[part] if isinstance(data[part], list) else [data[part]]
            parts[part] = [x for one in places for x in _images(root, file, str(one))]
    try:
        classes = tuple(map(name_of, names))
    except ValueError as error:
        raise ValueError(f"{file} has the names {names!r} ({error})") from error
    return parts, unique(file, classes)


def _images(root, file, text):
    """The images that a line of data.yaml means: a folder's, or a list's."""
    # Roboflow writes ../train/images for train/images.
    for place in (root / text, file.parent / text.removeprefix("../")):
        if place.is_dir():
            return folders.image_files(place)
        if place.is_file():
            lines = place.read_text(encoding="utf-8-sig").splitlines()
            return [place.parent / one.strip() for one in lines if one.strip()]
    raise ValueError(f"{file} names {text}, where there are no images; correct it")


def _of_folder(root):
    """Images by part, of a folder without data.yaml."""
    parts: dict[str, list] = {}
    for one in folders.image_files(root):
        words = one.relative_to(root).parts[:-1]
        part = next(filter(None, map(folders.part_of, words)), None)
        parts.setdefault(part or "all", []).append(one)
    if not parts:
        raise ValueError(f"{root} holds no images")
    if "all" in parts and len(parts) > 1:
        raise ValueError(
            f"{root} has images in folders of parts and others beside them, such as "
            f"{parts['all'][0]}; sort all into train, val and test, or none"
        )
    return parts


def _labels(image):
    """The file of an image's objects in labels/, or None where it is in no images/."""
    parts = image.parts
    if "images" not in parts[:-1]:
        return None
    last = len(parts) - 2 - parts[:-1][::-1].index("images")
    swapped = pathlib.Path(*parts[:last], "labels", *parts[last + 1 :])
    return swapped.with_suffix(".txt")


def _without_images(images):
    """The files in labels/ beside which there is no image."""
    folders_of = {
        file.parent: image.parent for image in images if (file := _labels(image))
    }
    found: list[str] = []
    for place, pictures in sorted(folders_of.items()):
        known = {one.stem for one in pictures.glob("*")}
        files = [one for one in sorted(place.glob("*.txt")) if one.name not in NAMES]
        found += [str(one) for one in files if one.stem not in known]
    return tuple(found)


def _annotation(image, classes):
    """What is said of an image."""
    places = [one for one in (_labels(image), image.with_suffix(".txt")) if one]
    file = next((one for one in places if one.is_file()), None)
    there = str(image) if image.is_file() else None
    if there is None:
        return Annotation(str(file or image), None, problem="no image")
    if file is None:
        return Annotation(str(image), there, (), form="middle")
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
        objects = tuple(_said(one, classes) for one in lines if one.strip())
    except (ValueError, UnicodeError) as error:
        return Annotation(
            str(file), there, problem="unreadable annotation", detail=str(error)
        )
    return Annotation(str(file), there, objects, form="middle")


def _said(line, classes):
    """One object."""
    first, *rest = line.split()
    numbers = [float(one) for one in rest]
    if not float(first).is_integer() or float(first) < 0:
        raise ValueError(f"{first} is no number of a class")
    if not all(math.isfinite(one) for one in numbers):
        raise ValueError(f"{line!r} has a number that is none")
    number = int(float(first))
    name = classes[number] if number < len(classes) else f"class {number}"
    if len(numbers) in (4, 5):
        x, y, width, height = numbers[:4]
        sides = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        return Said(name, sides)
    if len(numbers) < 6 or len(numbers) % 2:
        raise ValueError(
            f"{line!r} has {len(numbers)} numbers behind the class; a box has 4"
        )
    xs, ys = numbers[::2], numbers[1::2]
    return Said(name, (min(xs), min(ys), max(xs), max(ys)))
