"""Where the files that are made of images go."""

import collections
import os
import pathlib
from collections.abc import Sequence

from kerazoo.errors import counted


def places(
    folder: pathlib.Path, images: Sequence[pathlib.Path], endings: Sequence[str]
) -> dict[pathlib.Path, pathlib.Path]:
    """A place without an ending for every image, below a folder.

    Images keep their folders below the one that they share. Of two that differ in
    nothing but the kind of file, each keeps that in its name.

    Args:
        folder: Where they go.
        images: The image files.
        endings: What is put behind a place for each of its files.

    Raises:
        ValueError: Where the folder holds such a file already.
    """
    paths = [pathlib.Path(os.path.abspath(one)) for one in images]
    root = os.path.commonpath([one.parent for one in paths])
    below = [one.relative_to(root) for one in paths]
    same = collections.Counter(one.with_suffix("") for one in set(below))
    found: dict[pathlib.Path, pathlib.Path] = {}
    taken: set[pathlib.Path] = set()

    def files(place):
        return {place.with_name(f"{place.name}{ending}") for ending in endings}

    for image, one in zip(images, below, strict=True):
        if image in found:
            continue
        names = [one.name, *(f"{one.name}_{n}" for n in range(2, len(below) + 2))]
        if same[one.with_suffix("")] == 1:
            names.insert(0, one.stem)
        free = (folder / one.with_name(name) for name in names)
        found[image] = next(place for place in free if not taken & files(place))
        taken |= files(found[image])
    there = sorted(one for one in taken if one.exists())
    if there:
        raise ValueError(
            f"{folder} holds {counted(len(there), 'file')} of these names already, "
            f"such as {there[0].name}; give an empty folder."
        )
    return found
