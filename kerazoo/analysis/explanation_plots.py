"""Pictures of where a network looks and what its layers make of an image."""

import math
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke

from kerazoo import reader
from kerazoo.analysis.attribution.record import Attribution
from kerazoo.analysis.excitement import Excitement
from kerazoo.analysis.feature_maps import FeatureMaps
from kerazoo.analysis.maximization import PreferredImage
from kerazoo.analysis.plots import DISTINCT
from kerazoo.errors import counted
from kerazoo.fonts import legible
from kerazoo.reader import Count

# Told apart with any vision: dark to bright, and purple against orange for.
BRIGHT, DIVERGING = "inferno", "PuOr_r"
# Maps of single pixels have few very large values, beyond which all are as bright.
LOUDEST = 99.5
METHODS = {
    "cam": "class activation map",
    "grad_cam": "Grad-CAM",
    "occlusion": "occlusion",
    "gradient": "gradient",
    "smooth_grad": "SmoothGrad",
    "integrated_gradients": "integrated gradients",
    "guided_backpropagation": "guided backpropagation",
    "deconvnet": "deconvnet",
}


@reader.checked
def attribution(found: Attribution) -> Figure:
    """An image, and beside it what has to do with the score.

    Maps of a few positions lie over the image in grey; those of pixels stand alone;
    what guided backpropagation and the deconvnet bring back is shown in its colours,
    with zero as grey.

    Args:
        found: The attribution.
    """
    height, width = found.map.shape
    figure = Figure(
        figsize=(6.4, 0.7 + min(7, max(1.6, 2.6 * height / width))),
        layout="constrained",
    )
    left, right = figure.subplots(1, 2)
    _draw(left, shown(found.image))
    (what,), font = legible([_what(found)], 36)
    where = f"at {found.layer}, " if found.layer else ""
    title = f"{METHODS[found.method]}: {what}\n{where}score {found.score:.2f}"
    figure.suptitle(title, fontsize=9, **font)
    left.set_title("what the network sees", fontsize=8)
    drawn = _draw_map(right, found)
    right.set_title(_meaning(found.method), fontsize=8)
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=right, shrink=0.8)
        bar.ax.tick_params(labelsize=6)
        bar.ax.yaxis.get_offset_text().set_fontsize(6)
    return figure


@reader.checked
def attributions(found: Sequence[Attribution], columns: Count = 5) -> Figure:
    """An image, and what several methods or classes make of it, side by side.

    Each map has a scale of its own, for the methods measure different things.

    Args:
        found: The attributions, all of one image.
        columns: Pictures in a row.
    """
    if not found:
        raise ValueError("found is empty; give one attribution or more.")
    count = 1 + len(found)
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    height, width = found[0].map.shape
    # Wide enough for the names of the methods.
    size = (1.9 * columns, (0.36 + min(3.6, 1.8 * height / width)) * rows)
    figure = Figure(figsize=size, layout="constrained")
    first, *others = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in others:
        axes.axis("off")
    _draw(first, shown(found[0].image))
    first.set_title("the image", fontsize=8, pad=2)
    words, font = legible([_what(one) for one in found], 22)
    for axes, one, what in zip(others, found, words, strict=False):
        _draw_map(axes, one)
        axes.set_title(f"{METHODS[one.method]}\n{what}", fontsize=8, pad=2, **font)
    return figure


def _draw_map(axes, found):
    """Draws a map; what its colors mean, where one color is one number."""
    axes.axis("off")
    if found.method in ("guided_backpropagation", "deconvnet"):
        _draw(axes, _around_grey(found.pixels))
        return None
    limits = _limits(found)
    colors = DIVERGING if limits.vmin < 0 else BRIGHT
    if found.pixels is not None:
        return axes.imshow(found.map, cmap=colors, norm=limits)
    # Over the image, the more of the map the more there is to say.
    axes.imshow(shown(found.image).mean(-1), cmap="gray", vmin=0, vmax=1)
    strength = np.clip(np.abs(found.map) / max(limits.vmax, 1e-12), 0, 1)
    axes.imshow(found.map, cmap=colors, norm=limits, alpha=0.25 + 0.55 * strength)
    return matplotlib.cm.ScalarMappable(limits, colors)


def _what(found):
    return f"unit {found.unit}" if found.class_name is None else found.class_name


def _meaning(method):
    return {
        "guided_backpropagation": "what comes back to the pixels",
        "deconvnet": "what comes back to the pixels",
        "occlusion": "what the score loses under a window",
        "integrated_gradients": "what every pixel adds to the score",
        "gradient": "how much a pixel would change the score",
        "smooth_grad": "how much a pixel would change the score",
    }.get(method, "what speaks for the class")


def _limits(found):
    """The values of the darkest and the brightest; about zero where signs count."""
    size = np.abs(found.map)
    most = size.max() if found.pixels is None else np.percentile(size, LOUDEST)
    most = float(most) or 1.0
    return Normalize(-most if found.map.min() < -1e-9 else 0.0, most)


def _around_grey(pixels):
    """Signed values as colours, grey for zero."""
    most = float(np.percentile(np.abs(pixels), LOUDEST)) or 1.0
    return _rgb(np.clip(0.5 + 0.5 * pixels / most, 0, 1))


def shown(image: np.ndarray) -> np.ndarray:
    """An image of a network as RGB in 0..1.

    Args:
        image: ``(height, width, 1 or 3)`` in 0..255; values beyond, or of a narrower
            range, are stretched from the least to the largest.
    """
    low, high = float(image.min()), float(image.max())
    if low < 0 or high > 255.5 or 0 < high <= 8:
        return _rgb((image - low) / max(high - low, 1e-12))
    return _rgb(image / 255)


def _rgb(image):
    if image.shape[-1] == 3:
        return image
    return image.mean(-1, keepdims=True).repeat(3, -1)


def _draw(axes, image):
    axes.imshow(np.clip(image, 0, 1), interpolation="nearest")
    axes.axis("off")


@reader.checked
def feature_grid(found: FeatureMaps, count: Count = 64) -> Figure:
    """The feature maps of a layer side by side, each from its least to its largest.

    Args:
        found: The maps.
        count: How many at most: those that vary most over the image.
    """
    units = found.strongest(count)
    columns = math.ceil(math.sqrt(len(units)))
    rows = math.ceil(len(units) / columns)
    size = (max(3.2, 0.75 * columns), max(1.2, 0.85 * rows) + 0.45)
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(_described(found, len(units)), fontsize=8)
    every = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in every:
        axes.axis("off")
    for axes, unit in zip(every, units, strict=False):
        axes.imshow(_ranged(found.maps[..., unit]), cmap="viridis", vmin=0, vmax=1)
        axes.set_title(str(unit), fontsize=6, pad=1)
    return figure


@reader.checked
def down_the_network(found: Sequence[FeatureMaps], count: Count = 8) -> Figure:
    """Feature maps from the image to the scores, a row a layer: depth makes abstract.

    Args:
        found: The maps of several layers of one image, the first above.
        count: How many of each, those that vary most over the image.
    """
    if not found:
        raise ValueError("found is empty; give the feature maps of a layer or more.")
    rows = len(found)
    size = (1.6 + 0.95 * count, 1.05 * rows + 0.3)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.add_gridspec(rows, count + 2)
    first = figure.add_subplot(grid[:, :2])
    _draw(first, shown(found[0].image))
    first.set_title("the image", fontsize=8)
    for row, one in enumerate(found):
        for column, unit in enumerate(one.strongest(count)):
            axes = figure.add_subplot(grid[row, column + 2])
            axes.imshow(_ranged(one.maps[..., unit]), cmap="viridis", vmin=0, vmax=1)
            axes.axis("off")
            if column == 0:
                # It stands over its neighbours, and the layout keeps the height alone.
                axes.set_title(" ", fontsize=8, pad=2)
                axes.annotate(
                    _described(one),
                    (0, 1),
                    (0, 3),
                    xycoords="axes fraction",
                    textcoords="offset points",
                    fontsize=8,
                    in_layout=False,
                )
    return figure


def _described(found, count=None):
    rows, columns, units = found.maps.shape
    words = f"{found.layer}: {counted(units, 'map')} of {rows}x{columns}"
    if count is not None and count < units:
        words += f", {count} of them"
    return words


def _ranged(grid):
    """From 0 for the least to 1 for the largest."""
    low, high = grid.min(), grid.max()
    return (grid - low) / max(high - low, 1e-12)


@reader.checked
def preferred_images(found: Sequence[PreferredImage]) -> Figure:
    """Images that were made for units or classes, side by side.

    Args:
        found: The images.
    """
    if not found:
        raise ValueError("found is empty; give one image or more.")
    columns = math.ceil(math.sqrt(len(found)))
    rows = math.ceil(len(found) / columns)
    size = (1.7 * columns, 1.9 * rows)
    figure = Figure(figsize=size, layout="constrained")
    every = figure.subplots(rows, columns, squeeze=False).ravel()
    titles = [one.class_name or f"{one.layer}, unit {one.unit}" for one in found]
    words, font = legible(titles, 22)
    for axes in every:
        axes.axis("off")
    for axes, one, title in zip(every, found, words, strict=False):
        _draw(axes, shown(one.image))
        axes.set_title(title, fontsize=7, pad=2, **font)
    return figure


@reader.checked
def exciting_images(found: Sequence[Excitement]) -> Figure:
    """Images that excite a unit, with the patch that it sees of each below.

    Args:
        found: The images, the most exciting first.
    """
    if not found:
        raise ValueError("found is empty; give one image or more.")
    columns = len(found)
    figure = Figure(figsize=(max(2.4, 1.15 * columns), 2.75), layout="constrained")
    rows = figure.subplots(2, columns, squeeze=False)
    for one, above, below in zip(found, *rows, strict=True):
        _draw(above, shown(one.image))
        above.set_title(f"{one.activation:.3g}", fontsize=7, pad=2)
        top, left, bottom, right = one.box
        above.add_patch(
            Rectangle(
                # The middle of the first pixel is at 0.
                (left - 0.5, top - 0.5),
                right - left,
                bottom - top,
                fill=False,
                edgecolor=DISTINCT[0],
                linewidth=1.2,
                path_effects=[Stroke(linewidth=2.4, foreground="black"), Normal()],
            )
        )
        _draw(below, shown(one.image)[top:bottom, left:right])
        below.set_title(f"{bottom - top}x{right - left}", fontsize=6, pad=2)
    return figure
