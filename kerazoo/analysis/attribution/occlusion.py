"""Occlusion: what the score loses where the image is covered."""

import itertools
import sys

import keras
import numpy as np
from keras import ops
from rich.console import Console
from rich.progress import track

from kerazoo import reader
from kerazoo.analysis.attribution.network import Explainable, Image, explainable
from kerazoo.analysis.attribution.record import Attribution
from kerazoo.reader import Count, Pair

# Images that are looked at together.
TOGETHER = 16
# A window has this share of the image's sides, a step this share of the window's.
SHARE, STEP = 5, 3


@reader.checked
def occlusion(
    network: keras.Model | Explainable,
    image: Image,
    class_name: str | int | None = None,
    *,
    window: Count | Pair | None = None,
    strides: Count | Pair | None = None,
) -> Attribution:
    """How far a class' score falls where a window in the mean colour covers the image.

    A pixel's value is the mean over the windows that cover it, positive where the score
    is lower without it. Windows stick out at the edges, so that a pixel there is
    covered as often as any other. On a terminal it shows how far it has come.

    Args:
        network: The network, as :class:`Explainable` takes it.
        image: Raw uint8 pixels, or the image of a network without a resizing.
        class_name: The class or its number; by default that of the highest score.
        window: Height and width of what is covered, in pixels of the resized image; by
            default a fifth of its sides.
        strides: Rows and columns from a window to the next, at most the window's; by
            default a third of the window.

    Raises:
        ValueError: Where there is no such class, or the window is larger than the
            image or smaller than its steps.

    Reference:
        Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", ECCV
        2014, arXiv 1311.2901, Sec. 4.2.
    """
    known = explainable(network)
    resized = known.resized(image)
    size = resized.shape[1:3]
    window = _pair(window) or tuple(max(1, round(side / SHARE)) for side in size)
    strides = _pair(strides) or tuple(max(1, side // STEP) for side in window)
    for name, one, most in (("window", window, size), ("strides", strides, window)):
        if any(a > b for a, b in zip(one, most, strict=True)):
            raise ValueError(
                f"{name} is {one[0]}x{one[1]}; it must be at most {most[0]}x{most[1]}, "
                f"the size of the {'image' if name == 'window' else 'window'}."
            )
    scores = ops.convert_to_numpy(known.scores_of(resized))[0]
    place = known.target(class_name, scores)
    starts = (
        range(step - side, most, step)
        for most, side, step in zip(size, window, strides, strict=True)
    )
    corners = list(itertools.product(*starts))
    covered, times = np.zeros((2, *size), "float64")
    color = resized.mean((0, 1, 2))
    groups = [corners[n : n + TOGETHER] for n in range(0, len(corners), TOGETHER)]
    shown = track(
        groups,
        "covering",
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
    for group in shown:
        batch = resized.repeat(TOGETHER, 0)
        places = [
            np.s_[max(0, y) : y + window[0], max(0, x) : x + window[1]]
            for y, x in group
        ]
        for one, where in zip(batch, places, strict=False):
            one[where] = color
        # All batches are of one size, for which a backend has compiled its operations.
        found = ops.convert_to_numpy(known.scores_of(batch))[:, place]
        for value, where in zip(found, places, strict=False):
            covered[where] += scores[place] - value
            times[where] += 1
    return Attribution(
        method="occlusion",
        image=resized[0],
        map=(covered / times).astype("float32"),
        class_name=known.names[place],
        score=float(scores[place]),
    )


def _pair(value):
    return (value, value) if isinstance(value, int) else value
