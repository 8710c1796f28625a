"""PASCAL VOC: an XML file for every image."""

import pathlib
from xml.etree import ElementTree

from kerazoo.data import folders
from kerazoo.data.annotations.records import Annotation, Annotations, Said, listed

# The lists of parts, in the order in which they are looked for.
LISTS = {"train": ("train",), "val": ("val", "valid"), "test": ("test",)}


def read(place: str) -> Annotations:
    """Reads a folder that holds XML files and images, beside each other or apart.

    An image is found by the name of its XML file; what stands in ``<filename>`` and
    ``<path>`` was true on another machine. Parts are the lists of
    ``ImageSets/Main/train.txt`` and so on, or folders called so.

    Args:
        place: The folder.

    Raises:
        ValueError: If there is no folder, or no XML file in it.
    """
    root = pathlib.Path(place).expanduser()
    if not root.is_dir():
        raise ValueError(f"there is no folder {root}; give one of images and XML files")
    files = [one for one in folders.files_below(root) if one.suffix.lower() == ".xml"]
    if not files:
        raise ValueError(
            f"{root} holds no XML file; voc:PATH is for a folder with one for every "
            "image, coco:PATH and yolo:PATH are for annotations of other forms"
        )
    images: dict[str, list[pathlib.Path]] = {}
    for one in folders.image_files(root):
        images.setdefault(one.stem, []).append(one)
    found = {one: _annotation(one, images.get(one.stem, [])) for one in files}
    parts = _parts(root, found)
    used = {one.image for one in found.values()}
    every = sorted(str(one) for some in images.values() for one in some)
    return Annotations(
        parts,
        listed(root, ("classes.txt", "labels.txt", "labelmap.txt")),
        tuple(one for one in every if one not in used),
    )


def _annotation(file, images):
    """What an XML file says."""
    # Of several images of one name that in the nearest folder.
    image = min(images, key=lambda one: _steps(one.parent, file.parent), default=None)
    path = None if image is None else str(image)
    try:
        tree = ElementTree.parse(file).getroot()
        if tree.tag != "annotation":
            raise ValueError(f"it begins with <{tree.tag}>, not with <annotation>")
        objects = tuple(_said(one) for one in tree.iter("object"))
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        return Annotation(
            str(file), path, problem="unreadable annotation", detail=str(error)
        )
    problem = None if path else "no image"
    return Annotation(str(file), path, objects, problem=problem)


def _steps(one, other):
    """How far apart two folders are."""
    shared = len([0 for a, b in zip(one.parts, other.parts, strict=False) if a == b])
    return len(one.parts) + len(other.parts) - 2 * shared


def _said(node):
    """One object. Pixels count from 1, and the last one belongs to the box."""
    name, box = node.findtext("name"), node.find("bndbox")
    if box is None or not (name or "").strip():
        raise ValueError("an object has no name or no bndbox")
    sides = []
    for key in ("xmin", "ymin", "xmax", "ymax"):
        text = box.findtext(key)
        if text is None:
            raise ValueError(f"a bndbox has no {key}")
        sides.append(float(text))
    x1, y1, x2, y2 = sides
    difficult = (node.findtext("difficult") or "0").strip() not in ("0", "")
    if x2 > x1 and y2 > y1:
        # One of a single pixel is a click that went nowhere: it stays without area.
        x1, y1 = x1 - 1, y1 - 1
    return Said(name.strip(), (x1, y1, x2, y2), difficult)


def _parts(root, found):
    """Annotations by part."""
    lists = {}
    for folder in (root / "ImageSets" / "Main", root / "ImageSets", root):
        for part, names in LISTS.items():
            for name in names:
                file = folder / f"{name}.txt"
                if part not in lists and file.is_file():
                    lists[part] = file
        if "train" in lists:
            break
    if "train" in lists:
        stems = {file.stem: one for file, one in found.items()}
        return {part: _of_list(file, stems) for part, file in lists.items()}
    parts: dict[str, list] = {}
    for path, one in found.items():
        names = path.relative_to(root).parts[:-1]
        own = next(filter(None, map(folders.part_of, names)), None)
        parts.setdefault(own or "all", []).append(one)
    if "all" in parts and len(parts) > 1:
        alone = parts["all"][0].file
        raise ValueError(
            f"{root} has XML files in folders of parts and others beside them, such as "
            f"{alone}; sort all into train, val and test, or none"
        )
    return parts


def _of_list(file, stems):
    """The annotations that a list names; a line of VOC may have a sign behind it."""
    rows = []
    for line in file.read_text(encoding="utf-8-sig").splitlines():
        if not line.strip():
            continue
        name: str = line.strip()
        if name not in stems:
            name = pathlib.PurePath(line.split()[0]).stem
        rows.append(
            stems[name]
            if name in stems
            else Annotation(str(file), None, problem="not there", detail=line.strip())
        )
    return rows
