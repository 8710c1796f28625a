"""COCO: one JSON file for all images of a part."""

import json
import pathlib

from kerazoo.data import folders
from kerazoo.data.annotations.records import Annotation, Annotations, Said, name_of


def read(place: str) -> Annotations:
    """Reads a JSON file, or the files of the parts in a folder.

    Images are looked for beside the file, in folders there and beside that one, by the
    end of their ``file_name``. Categories become classes in the order of their ids.

    Args:
        place: The file or folder.

    Raises:
        ValueError: If there is no such file, or it is none of COCO's.
    """
    path = pathlib.Path(place).expanduser()
    if path.is_file():
        # Beside the training part those of the others, as in instances_val2017.json.
        files = _parted([path, *sorted(path.parent.glob("*.json"))])
        if files.get("train") != path:
            files = {"all": path}
        root = path.parent.parent if path.parent.name == "annotations" else path.parent
    elif path.is_dir():
        root = path
        found = [one for one in folders.files_below(path) if one.suffix == ".json"]
        files = _parted(found)
        if not files and len(found) == 1:
            files = {"all": found[0]}
    else:
        raise ValueError(
            f"there is no file {path}; give COCO's annotations, as in "
            "coco:PATH/annotations.json"
        )
    if "train" not in files and "all" not in files:
        raise ValueError(
            f"{path} has no annotations of a training part; name the file, as in "
            "coco:PATH/annotations.json"
        )
    images: dict[str, list[pathlib.Path]] = {}
    for one in folders.image_files(root):
        images.setdefault(one.name, []).append(one)
    classes: tuple[str, ...] = ()
    parts = {}
    for part, file in files.items():
        parts[part], names = _part(file, images)
        if classes and names != classes:
            raise ValueError(
                f"{file} has other categories than the training part "
                f"({', '.join(names[:4])} ... in place of {', '.join(classes[:4])} "
                "...); give all parts the same"
            )
        classes = names
    order = [part for part in ("all", *folders.PARTS) if part in parts]
    return Annotations({part: parts[part] for part in order}, classes)


def _parted(files):
    """Files by the part that their name, or their folder's, says."""
    parts: dict[str, pathlib.Path] = {}
    for file in files:
        words = file.stem.lower().replace("-", "_").rstrip("0123456789").split("_")
        said = [*words, file.parent.name]
        part = next(filter(None, map(folders.part_of, reversed(said))), None)
        if part and (part not in parts or "instances" in words):
            parts[part] = file
    return parts


def _part(file, images):
    """Annotations of a file, and the names of its categories."""
    where = "images and categories"
    try:
        data = json.loads(file.read_text(encoding="utf-8-sig"))
        categories = sorted(data["categories"], key=lambda one: one["id"])
        names = {one["id"]: name_of(one["name"]) for one in categories}
        rows = {one["id"]: str(one["file_name"]) for one in data["images"]}
        if not names or len(names) < len(categories) or len(rows) < len(data["images"]):
            raise ValueError("no categories, or an id that is there twice")
        said: dict = {number: [] for number in rows}
        lost: list[Said] = []
        for number, one in enumerate(data["annotations"]):
            where = f"annotations[{number}]"
            x, y, width, height = map(float, one["bbox"])
            crowd = bool(one.get("iscrowd", 0))
            name = names.get(one["category_id"], f"category {one['category_id']}")
            object_ = Said(name, (x, y, x + width, y + height), crowd)
            said.get(one["image_id"], lost).append(object_)
    except (ValueError, KeyError, TypeError, AttributeError, UnicodeError) as error:
        raise ValueError(
            f"{file} is no file of COCO's annotations ({where}: "
            f"{type(error).__name__}: {error}); it must have images, categories and "
            "annotations with a bbox"
        ) from error
    found = []
    for number, name in rows.items():
        image = _image(file, name, images)
        problem = None if image else "no image"
        where = f"{file}, {name}"
        found.append(Annotation(where, image, tuple(said[number]), "corner", problem))
    if lost:
        detail = f"{len(lost)} annotations of images that it does not list"
        found.append(Annotation(str(file), None, problem="not there", detail=detail))
    # Categories of one name are one class.
    return found, tuple(dict.fromkeys(names.values()))


def _image(file, name, images):
    """The file of an image; the name may have been written on Windows."""
    name = name.replace("\\", "/")
    direct = file.parent / name
    if direct.is_file():
        return str(direct)
    same = images.get(pathlib.PurePath(name).name, [])
    wanted = pathlib.PurePath(name).parts
    words = file.stem.lower()

    def fits(one):
        ends = one.parts[-len(wanted) :] == wanted
        # train2017/ of instances_train2017.json.
        return (not ends, one.parent.name.lower() not in words)

    return str(min(same, key=fits)) if same else None
