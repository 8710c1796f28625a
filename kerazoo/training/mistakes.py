"""What the network of a run gets wrong: found, drawn, and written down."""

import csv
import dataclasses
import io
import pathlib

import numpy as np

from kerazoo import reader
from kerazoo.analysis import mistake_plots, plots
from kerazoo.analysis.mistakes import (
    ConfusionPair,
    Mistake,
    Reliability,
    confusion_pairs,
    reliability,
    worst_mistakes,
)
from kerazoo.data.arrays import DataLike
from kerazoo.data.batches import errors_said
from kerazoo.files import check_folder, replacing, write_atomic
from kerazoo.reader import Count, Path, Whole
from kerazoo.run import Run
from kerazoo.tasks.classification import predictions
from kerazoo.training.evaluation import batches_to_measure

# What other tasks have in the place of a gallery of mistakes.
INSTEAD = {
    "segmentation": "its confusion.png, class_iou.png and examples.png tell which "
    "pixels are taken for what",
    "detection": "its worst.png has the images with the most mistakes, and "
    "precision_recall.png what every score is worth",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mistakes:
    """What the network of a run gets wrong on a split.

    Attributes:
        run: The run's folder.
        split: The images', as in ``photos test``.
        classes: Class names.
        truth: The class id of every image.
        scores: The network's probabilities, ``(images, classes)``.
        names: What every image is called; ``None`` where it has a place alone.
        mistakes: All wrong guesses, the one with the largest loss first.
        worst: Those of the gallery, the first of them.
        pairs: Which class is taken for which, the most frequent first.
        reliability: How often it is right, by how sure it is.
        images: By their places, the images that a gallery shows: of the worst mistakes
            and of the pairs, uint8 ``(height, width, channels)`` as the network gets
            them.
    """

    run: pathlib.Path
    split: str
    classes: tuple[str, ...]
    truth: np.ndarray
    scores: np.ndarray
    names: tuple[str, ...] | None
    mistakes: tuple[Mistake, ...]
    worst: tuple[Mistake, ...]
    pairs: tuple[ConfusionPair, ...]
    reliability: Reliability
    images: dict[int, np.ndarray]


@errors_said()
@reader.checked
def find_mistakes(
    run: Path | Run,
    *,
    split: str = "test",
    data: DataLike | None = None,
    data_dir: Path | None = None,
    best: bool = False,
    count: Count = 36,
    pairs: Whole = 8,
) -> Mistakes:
    """Looks at what the network of a classification run gets wrong.

    Args:
        run: The run or its folder.
        split: ``train``, ``validation`` or ``test``, parted as in training.
        data: Another data set with the same classes, as for :func:`kerazoo.evaluate`.
        data_dir: Where its files are; by default where the training found them.
        best: Whether it is the network of the epoch with the lowest validation loss.
        count: How many of the worst mistakes to keep the images of.
        pairs: How many pairs of classes to keep, each with eight images.

    Raises:
        ValueError: Where there is no run of a classification, no such split, or other
            classes.
    """
    run = run if isinstance(run, Run) else Run(run)
    task = run.config.task
    if task != "classification":
        raise ValueError(
            f"{run.path} is a {task}, which has no one guess for an image; "
            f"{INSTEAD.get(task, 'look at its figures')}."
        )
    model, batches = batches_to_measure(run, split, data, data_dir, best=best)
    truth, scores = predictions(model, batches)
    found = worst_mistakes(truth, scores)
    confused = confusion_pairs(truth, scores)[:pairs]
    shown = [one.image for one in found[:count]]
    shown += [place for pair in confused for place in pair.images]
    names = batches.split.keys
    return Mistakes(
        run=run.path,
        split=batches.split.name,
        classes=run.config.classes,
        truth=truth,
        scores=scores,
        names=None if names is None else tuple(names),
        mistakes=found,
        worst=found[:count],
        pairs=confused,
        reliability=reliability(truth, scores),
        images=_images(batches, shown),
    )


def _images(batches, places):
    """The images of some places of a split, as the network gets them."""
    wanted = sorted(set(places))
    if not wanted:
        return {}
    some = batches.of(batches.split.subset(wanted))
    pixels = np.concatenate([images.numpy() for images, _ in some.dataset])
    shown = np.clip(np.rint(pixels), 0, 255).astype("uint8")
    return dict(zip(wanted, shown, strict=True))


@reader.checked
def write_mistakes(found: Mistakes, folder: Path | None = None) -> list[pathlib.Path]:
    """Writes what was found as pictures and as a table.

    ``worst.png`` has the worst mistakes, ``pairs.png`` the most frequent confusions,
    ``reliability.png`` the reliability diagram, and ``mistakes.csv`` a row for every
    wrong guess, the one with the largest loss first. Where nothing is wrong there are
    no galleries.

    Args:
        found: What :func:`find_mistakes` returns.
        folder: Where to; by default ``mistakes`` in the run's folder.

    Returns:
        The files.

    Raises:
        ValueError: Where the folder cannot be written.
    """
    place = found.run / "mistakes" if folder is None else pathlib.Path(folder)
    check_folder(place, "pictures")
    figures, classes = {}, found.classes
    if found.worst:
        images = np.stack([found.images[one.image] for one in found.worst])
        figures["worst"] = mistake_plots.mistake_gallery(images, found.worst, classes)
    if found.pairs:
        some = [
            np.stack([found.images[n] for n in pair.images]) for pair in found.pairs
        ]
        figures["pairs"] = mistake_plots.confusion_gallery(found.pairs, some, classes)
    figures["reliability"] = mistake_plots.reliability_diagram(found.reliability)
    for name in ("worst", "pairs"):
        # Of an earlier look, when there were some.
        if name not in figures:
            (place / f"{name}.png").unlink(missing_ok=True)
    for name, figure in figures.items():
        with replacing(place / f"{name}.png") as path:
            plots.save(figure, path)
    write_atomic(place / "mistakes.csv", _table(found))
    return [*(place / f"{name}.png" for name in figures), place / "mistakes.csv"]


def _table(found):
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    head = ["class", "guess", "probability", "class_probability", "loss"]
    table.writerow(["image", *([] if found.names is None else ["name"]), *head])
    for one in found.mistakes:
        table.writerow(
            [
                one.image,
                *([] if found.names is None else [found.names[one.image]]),
                found.classes[one.truth],
                found.classes[one.guess],
                f"{one.probability:.6f}",
                f"{one.truth_probability:.3g}",
                f"{one.loss:.4f}",
            ]
        )
    return text.getvalue()
