"""Pictures of what :mod:`kerazoo.analysis.mistakes` finds, with matplotlib."""

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from kerazoo import reader
from kerazoo.analysis.mistakes import ConfusionPair, Mistake, Reliability
from kerazoo.display import percent
from kerazoo.errors import counted
from kerazoo.fonts import legible
from kerazoo.reader import axes

Images = Annotated[np.ndarray, axes("count", "height", "width", "channels")]
# Okabe and Ito 2008: told apart with any vision.
BLUE, ORANGE, RED = "#0072B2", "#E69F00", "#D55E00"
# Of the galleries: columns, and the inches of a place and of the image in it.
COLUMNS, WIDE, HIGH, SIDE = 6, 1.5, 1.72, 1.25


@reader.checked
def mistake_gallery(
    images: Images, mistakes: Sequence[Mistake], classes: Sequence[str]
) -> Figure:
    """Images with their class and, below it, what they are taken for and how surely.

    Args:
        images: In 0..255, one of each mistake.
        mistakes: What is drawn, in this order.
        classes: Class names.
    """
    _check_images(images, mistakes, "mistakes")
    rows = math.ceil(len(images) / COLUMNS)
    figure, place = _page(min(len(images), COLUMNS), rows)
    names, font = legible(classes, 14)
    for number, (image, one) in enumerate(zip(images, mistakes, strict=True)):
        row, column = divmod(number, COLUMNS)
        x, y = column * WIDE + WIDE / 2, row * HIGH + 0.03
        _draw(place, image, x, y + HIGH - 0.08)
        place.text(x, y, names[one.truth], ha="center", va="top", fontsize=8, **font)
        words = f"as {names[one.guess]}, {percent(one.probability, 0)}"
        place.text(
            x, y + 0.16, words, ha="center", va="top", fontsize=8, color=RED, **font
        )
    return figure


@reader.checked
def confusion_gallery(
    pairs: Sequence[ConfusionPair],
    images: Sequence[Images],
    classes: Sequence[str],
) -> Figure:
    """A row for every pair of classes: what is taken for what, how often, and examples.

    Args:
        pairs: What is drawn, in this order.
        images: Of each pair, those of its images, in 0..255.
        classes: Class names.
    """
    _check_images(images, pairs, "pairs")
    columns, words = max(map(len, images)), 2.1
    step, high = SIDE + 0.1, SIDE + 0.14
    figure, place = _page(1, len(pairs), words + columns * step, high)
    names, font = legible(classes, 22)
    for row, (pair, some) in enumerate(zip(pairs, images, strict=True)):
        y = row * high + high / 2
        lines = [
            (names[pair.truth], "black", -0.22),
            (f"as {names[pair.guess]}", RED, 0),
            (
                f"{pair.count:,} of {pair.of:,}, {percent(pair.share, 1)}",
                "0.35",
                0.22,
            ),
        ]
        for line, color, below in lines:
            place.text(
                0.1, y + below, line, va="center", fontsize=8, color=color, **font
            )
        for column, image in enumerate(some):
            x = words + column * step + step / 2
            _draw(place, image, x, y + SIDE / 2)
    return figure


def _check_images(images, records, name):
    if len(images) != len(records) or not len(records):
        raise ValueError(
            f"There are images of {len(images)} {name}, and {len(records)} {name}; "
            "give images of every one, at least of one."
        )


def _page(columns, rows, wide=WIDE, high=HIGH):
    """A figure and its only axes, which count inches from the upper left corner.

    A pair of axes for every image would take ten times as long.
    """
    width, height = columns * wide, rows * high + 0.06
    figure = Figure(figsize=(width, height))
    place = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    place.axis("off")
    return figure, place


def _draw(place, image, x, bottom):
    """An image in proportion, its lower edge in the middle at a place in inches."""
    shown = np.clip(np.rint(image), 0, 255).astype("uint8")
    height, width = np.array(shown.shape[:2]) / max(shown.shape[:2]) * SIDE
    place.imshow(
        shown[..., 0] if shown.shape[-1] == 1 else shown,
        cmap="gray",
        vmin=0,
        vmax=255,
        aspect="auto",
        extent=(x - width / 2, x + width / 2, bottom, bottom - height),
    )


@reader.checked
def reliability_diagram(found: Reliability) -> Figure:
    """Accuracy by confidence, the gap to what would be right, and how many there are.

    Args:
        found: The bins.
    """
    figure = Figure(figsize=(5, 5.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    there = found.counts > 0
    left, width = found.edges[:-1][there], np.diff(found.edges)[there]
    right, sure = found.accuracy[there], found.confidence[there]
    bar = {"width": width, "align": "edge", "edgecolor": "white", "linewidth": 0.6}
    above.bar(left, right, color=BLUE, label="accuracy", **bar)
    above.bar(
        left,
        sure - right,
        bottom=right,
        color="none",
        label="gap to confidence",
        **bar | {"edgecolor": RED, "hatch": "////", "linewidth": 1.0},
    )
    above.plot(
        [0, 1],
        [0, 1],
        "--",
        color="black",
        linewidth=1.2,
        label="as sure as right",
        path_effects=[Stroke(linewidth=2.6, foreground="white"), Normal()],
    )
    above.set_ylim(0, 1.02)
    above.set_ylabel("accuracy")
    above.legend(loc="upper left", fontsize=8)
    total = int(found.counts.sum())
    above.set_title(
        f"expected calibration error {percent(found.error)}\n"
        f"of {counted(total, 'image')}, largest gap {percent(found.largest_gap, 1)}",
        fontsize=10,
    )
    below.bar(left, found.counts[there] / total, color="0.55", **bar)
    below.set_xlim(0, 1)
    below.set_ylabel("share of images")
    below.set_xlabel("confidence: the probability of the guess")
    for axes_ in (above, below):
        axes_.grid(alpha=0.3)
        axes_.set_axisbelow(True)
        axes_.spines[["top", "right"]].set_visible(False)
    return figure
