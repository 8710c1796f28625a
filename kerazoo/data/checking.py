"""Looking a data set over before training on it."""

import collections
import dataclasses
import io

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from kerazoo import reader
from kerazoo.data import annotations, folders, loading, masks
from kerazoo.data.annotations import folder as boxes
from kerazoo.data.arrays import DataLike, named
from kerazoo.display import table
from kerazoo.reader import Count, Path

SHOWN = 20
# Pixels of a network's image where nobody has said how many.
SIZE = 224
# Of every kind of finding.
WORDS = folders.TREATMENTS | masks.PROBLEMS | boxes.PROBLEMS | boxes.TREATED


@dataclasses.dataclass(frozen=True)
class Report:
    """What `check` found; prints as tables on a rich console and as plain text.

    Attributes:
        name: The set.
        counts: Dict from split to a dict from class name to usable images.
        findings: `folders.Finding` of each file that is skipped or converted.
        problem: The sentence that says why the set cannot be used, or None.
        images: Dict from split to images, where one may have several classes.
    """

    name: str
    counts: dict
    findings: tuple = ()
    problem: str | None = None
    images: dict | None = None

    @property
    def kinds(self) -> collections.Counter[str]:
        """How many files are of each kind."""
        return collections.Counter(
            kind for finding in self.findings for kind in finding.kinds
        )

    @property
    def _names(self):
        return dict.fromkeys(one for some in self.counts.values() for one in some)

    def __rich__(self) -> Group:
        parts: list[RenderableType] = []
        if self.counts:
            shown = Table("class", *self.counts, title=self.name, title_justify="left")
            for column in shown.columns[1:]:
                column.justify = "right"
            for name in self._names:
                row = [some.get(name, 0) for some in self.counts.values()]
                shown.add_row(Text(name), *map(str, row))
            totals = [sum(some.values()) for some in self.counts.values()]
            shown.add_section()
            if self.images:
                shown.add_row("images", *map(str, self.images.values()))
            else:
                shown.add_row("all", *map(str, totals))
            parts.append(shown)
        for kind, count in self.kinds.items():
            words = WORDS[kind]
            parts.append(Text(f"{count} {kind}: {words}"))
            files = [one.path for one in self.findings if kind in one.kinds]
            parts += [Text(f"  {path}") for path in files[:SHOWN]]
            if count > SHOWN:
                parts.append(Text(f"  and {count - SHOWN} more"))
        if self.problem:
            parts.append(Text(self.problem, "bold red"))
        elif not self.findings:
            parts.append(Text("nothing to complain of"))
        return Group(*parts)

    def _repr_html_(self) -> str:
        rows = [
            (name, *(f"{some.get(name, 0):,}" for some in self.counts.values()))
            for name in self._names
        ]
        odd = [f"{n:,} {kind} ({WORDS[kind]})" for kind, n in self.kinds.items()]
        note = ". ".join([self.problem] if self.problem else odd)
        return table(rows, ("class", *self.counts), title=self.name, note=note)

    def __str__(self) -> str:
        text = io.StringIO()
        Console(file=text, width=100).print(self)
        return text.getvalue()


@reader.checked
def check(name: DataLike, data_dir: Path | None = None, size: Count = SIZE) -> Report:
    """Says whether a set is there and whole, and counts its examples by class.

    Every image of a folder is decoded; of a TFDS set the labels are read, and nothing
    is downloaded.

    Args:
        name: A name as for `load`, "folder:PATH" included, or the images themselves.
        data_dir: TFDS data directory, as for `load`.
        size: Height and width of the images that a network would take: smaller ones
            leave less of a box.

    Returns:
        A `Report`; its `problem` is None where the set can be used.

    Raises:
        ValueError: If there is no such set or folder at all.
    """
    name = named(name)
    if isinstance(name, str) and name.startswith("folder:"):
        found = folders.scan(name.removeprefix("folder:"))
        counts = {
            part: {
                one: sum(not finding.skipped for finding in findings)
                for one, findings in classes.items()
            }
            for part, classes in found.items()
        }
        odd = tuple(
            finding
            for classes in found.values()
            for findings in classes.values()
            for finding in findings
            if finding.kinds
        )
        odd += _twins(
            {
                part: [one for some in classes.values() for one in some]
                for part, classes in found.items()
            }
        )
        return Report(name, counts, odd, folders.folder_problem(found))
    if isinstance(name, str) and name.startswith("masks:"):
        seen = masks.scan(name.removeprefix("masks:"))
        wrong = tuple(folders.Finding(one.file, (one.problem,)) for one in seen.wrong)
        wrong += _twins(
            {part: [one.image for one in some] for part, some in seen.parts.items()}
        )
        pairs = {part: len(some) for part, some in seen.parts.items()}
        return Report(name, seen.counts(), wrong, seen.problem(), pairs)
    kind = name.partition(":")[0] if isinstance(name, str) else ""
    if kind in annotations.KINDS and ":" in str(name):
        return _check_boxes(str(name), kind, size)
    try:
        images = loading.load(name, data_dir=data_dir, validation=0, download=False)
        counts = {}
        for part, split in images.parts.items():
            if split.source.masked or split.source.boxed:
                counts[part] = {"images": split.size}
                continue
            counted = np.bincount(split.read_labels(), minlength=len(split.classes))
            counts[part] = dict(zip(split.classes, counted.tolist(), strict=True))
    except loading.NotPrepared as error:
        return Report(str(name), {}, problem=str(error))
    return Report(images.name, counts)


def _twins(parts):
    """Findings of the images that are in several parts."""
    files = {
        part: [one.path for one in some if one.path and not one.skipped]
        for part, some in parts.items()
    }
    same = folders.in_two_parts(files)
    return tuple(folders.Finding(path, ("in two parts",)) for path in same)


def _check_boxes(name, kind, size):
    """The report of a set of annotated images."""
    found = annotations.scan(kind, name.removeprefix(f"{kind}:"))
    odd = [folders.Finding(path, ("alone",)) for path in found.left]
    for one in found.every:
        path = one.file
        kinds = (one.problem,) if one.problem else tuple(dict.fromkeys(one.treated))
        if not one.boxes and not one.problem:
            kinds = (*kinds, "no box")
        if boxes.too_narrow(one, size).any():
            kinds = (*kinds, "too narrow")
        if kinds:
            odd.append(folders.Finding(path, kinds))
    odd += _twins(
        {part: [one.image for one in some] for part, some in found.parts.items()}
    )
    images = {part: len(some) for part, some in found.parts.items()}
    return Report(name, found.counts(), tuple(odd), found.problem(), images)
