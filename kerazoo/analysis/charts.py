"""Pictures of networks side by side, of runs side by side, and of what a position sees.

Figures are made without pyplot, as those of :mod:`kerazoo.analysis.plots`.
"""

import itertools
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import FuncFormatter, MaxNLocator

from kerazoo import reader
from kerazoo.analysis import plots
from kerazoo.analysis.comparison import NetworkComparison
from kerazoo.analysis.plots import DISTINCT
from kerazoo.analysis.receptive_field import EffectiveField, ReceptiveField
from kerazoo.errors import unknown
from kerazoo.files import check_file, replacing
from kerazoo.reader import Count, Path, axes

Image = Annotated[np.ndarray, axes("height", "width", "channels")]
FORMATS = (".png", ".svg")
# A tenth colour would be none of its own; lines change their style instead.
STYLES = ("-", "--", ":", "-.")
# What a run's score may be, in the words of a figure.
SCORES = {"val_map50": "mAP50", "val_mean_iou": "mean IoU", "val_accuracy": "accuracy"}


@reader.checked
def check_drawing(path: Path) -> pathlib.Path:
    """The path of a figure to write, before anything slow begins.

    Raises:
        ValueError: For another ending than ``.png`` or ``.svg``, or a place where
            nothing can be written.
    """
    if pathlib.Path(path).suffix.lower() not in FORMATS:
        raise ValueError(
            f"{path} is neither a PNG nor an SVG file; give FILE.png or FILE.svg."
        )
    return check_file(path)


@reader.checked
def write(figure: Figure, path: Path, *, dpi: Count = 150) -> None:
    """Writes a figure as a PNG or an SVG file.

    Args:
        figure: The figure.
        path: The file; its ending says which.
        dpi: Pixels of an inch, of a PNG.

    Raises:
        ValueError: For another ending, or a place where nothing can be written.
    """
    file = check_drawing(path)
    with replacing(file) as temporary:
        if file.suffix.lower() == ".png":
            plots.save(figure, temporary, dpi=dpi)
        else:
            # The same figure gives the same file.
            with matplotlib.rc_context({"svg.hashsalt": "kerazoo"}):
                figure.savefig(temporary, format="svg", metadata={"Date": None})


def _measured(comparison, measure):
    """The error that is drawn, the networks that have it, and a color for each family.

    The colors are in the order of the families' first networks.
    """
    known = [one for one in comparison.measures if "error" in one]
    if not known:
        raise ValueError(
            "None of these networks has an error that its paper gives; compare others, "
            "as in vgg16 and resnet50."
        )
    measure = known[0] if measure is None else measure
    if measure not in known:
        raise unknown("measure", measure, known)
    families = dict.fromkeys(one.family for one in comparison.contenders)
    colors = {one: DISTINCT[n % len(DISTINCT)] for n, one in enumerate(families)}
    shown = [one for one in comparison.contenders if measure in one.published]
    return measure, shown, colors


@reader.checked
def bubbles(comparison: NetworkComparison, measure: str | None = None) -> Figure:
    """The error against the multiply-adds, a disc's area being the parameters.

    After Canziani, Paszke, Culurciello, "An Analysis of Deep Neural Network Models for
    Practical Applications", 2016, arXiv 1605.07678, Figure 2.

    Args:
        comparison: Of :func:`kerazoo.compare`.
        measure: One of its ``measures``; by default the error that most papers give.

    Raises:
        ValueError: For a measure that no network has.
    """
    measure, shown, color = _measured(comparison, measure)
    figure = Figure((7.2, 4.8), layout="constrained")
    place = figure.add_subplot()
    most = max(one.parameters for one in shown)
    # The largest has a diameter of 64 points.
    areas = [64**2 * one.parameters / most for one in shown]
    x = [one.macs for one in shown]
    y = [one.published[measure] for one in shown]
    place.set_xscale("log")
    for one, macs, error, area in sorted(
        zip(shown, x, y, areas, strict=True), key=lambda row: -row[3]
    ):
        # So that the smallest is seen.
        place.scatter(
            macs,
            error,
            max(area, 30),
            color=color[one.family],
            alpha=0.65,
            edgecolor="black",
            linewidth=0.7,
        )
    place.set_xlim(min(x) / 1.9, max(x) * 1.9)
    room = 0.16 * (max(y) - min(y)) or 1.0
    place.set_ylim(min(y) - 1.3 * room, max(y) + 1.3 * room)
    _label(place, shown, x, y, areas)
    place.xaxis.set_major_formatter(FuncFormatter(_amount))
    place.set_xlabel("multiply-adds of one image")
    place.set_ylabel(f"{measure} of the paper in percent")
    place.grid(alpha=0.3)
    words = f"A disc's area is the number of weights, {_amount(most)} the largest."
    left_out = [one.network for one in comparison.contenders if one not in shown]
    if left_out:
        words += f" Without this figure: {', '.join(left_out)}."
    place.set_title(words, fontsize=8, loc="left")
    return figure


def _amount(value, _=None):
    """As in ``15.5 G``."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"


def _label(place, shown, x, y, areas):
    """Names beside their discs, none on another one, nor on a disc where it can be."""
    figure = place.figure
    figure.draw_without_rendering()
    taken: list[Any] = []
    scale = figure.dpi / 72
    frame = place.get_window_extent()
    points = place.transData.transform(list(zip(x, y, strict=True)))
    radii = [math.sqrt(max(area, 30)) / 2 for area in areas]
    discs = [
        (a - r * scale, b - r * scale, a + r * scale, b + r * scale)
        for (a, b), r in zip(points, radii, strict=True)
    ]
    for one, point, radius, disc in sorted(
        zip(shown, points, radii, discs, strict=True), key=lambda row: row[1][1]
    ):
        others = [other for other in discs if other is not disc]
        text = place.annotate(
            one.network,
            (one.macs, y[shown.index(one)]),
            fontsize=8,
            xytext=(0, 0),
            textcoords="offset points",
            va="center",
            ha="center",
            path_effects=[Stroke(linewidth=2.5, foreground="white"), Normal()],
        )
        box = text.get_window_extent()
        wide, high = box.width / 2 / scale, box.height / 2 / scale
        tries = [(0.0, 0.0)] if radius > wide else []
        for more in (3, 12, 24, 36, 48):
            far = radius + more
            tries += [(far + wide, 0), (-far - wide, 0), (0, far + high)]
            tries += [(0, -far - high), (0.7 * far + wide, 0.7 * far + high)]
            tries += [(0.7 * far + wide, -0.7 * far - high)]
            tries += [(-0.7 * far - wide, 0.7 * far + high)]
            tries += [(-0.7 * far - wide, -0.7 * far - high)]
        # Rather on a disc than on a name.
        for in_the_way, (across, up) in itertools.product(
            ([*taken, *others], taken), tries
        ):
            middle = (point[0] + across * scale, point[1] + up * scale)
            sides = (
                middle[0] - box.width / 2 - 2,
                middle[1] - box.height / 2 - 1,
                middle[0] + box.width / 2 + 2,
                middle[1] + box.height / 2 + 1,
            )
            inside = frame.x0 < sides[0] and sides[2] < frame.x1
            inside = inside and frame.y0 < sides[1] and sides[3] < frame.y1
            if inside and not any(_overlap(sides, other) for other in in_the_way):
                text.set_position((across, up))
                taken.append(sides)
                break
        else:
            text.set_position((radius + wide + 3, 0))


def _overlap(one, other):
    return (
        one[0] < other[2]
        and other[0] < one[2]
        and one[1] < other[3]
        and other[1] < one[3]
    )


@reader.checked
def revolution_of_depth(
    comparison: NetworkComparison, measure: str | None = None
) -> Figure:
    """Errors as bars and depths as a line, from the shallowest to the deepest network.

    After the slide of He et al. at ILSVRC 2015.

    Args:
        comparison: Of :func:`kerazoo.compare`.
        measure: One of its ``measures``; by default the error that most papers give.

    Raises:
        ValueError: For a measure that no network has.
    """
    measure, shown, color = _measured(comparison, measure)
    shown.sort(key=lambda one: (one.depth, -one.published[measure]))
    width = max(4.2, 1.2 + 0.95 * len(shown))
    figure = Figure((width, 4), layout="constrained")
    errors = figure.add_subplot()
    heights = [one.published[measure] for one in shown]
    bars = errors.bar(
        range(len(shown)), heights, 0.62, color=[color[one.family] for one in shown]
    )
    errors.bar_label(bars, [f"{one:g}" for one in heights], padding=2, fontsize=8)
    errors.set_ylabel(f"{measure} of the paper in percent")
    errors.set_xticks(
        range(len(shown)),
        [f"{one.network}\n{one.year}" for one in shown],
        fontsize=8,
        rotation=0 if len(shown) < 5 else 20,
    )
    # The line runs above the highest bar and its number, by the depths' logarithms.
    most, low, high = max(heights), shown[0].depth, shown[-1].depth
    span = math.log(high / low) or 1.0
    line = [most * (1.2 + 0.55 * math.log(one.depth / low) / span) for one in shown]
    errors.plot(range(len(shown)), line, "o--", color="black", linewidth=1.2)
    for number, (one, height) in enumerate(zip(shown, line, strict=True)):
        errors.annotate(
            f"{one.depth} layers",
            (number, height),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            path_effects=[Stroke(linewidth=2.5, foreground="white"), Normal()],
        )
    errors.set_ylim(0, 1.9 * most)
    errors.set_yticks([one for one in errors.get_yticks() if one <= 1.05 * most])
    errors.spines[["top", "right"]].set_visible(False)
    return figure


@reader.checked
def learning_curves(histories: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Loss and score of several runs over their epochs, a color each.

    Args:
        histories: By the run's name a row an epoch, as :attr:`kerazoo.Run.history`. The
            validation is drawn whole and the training thin; without a validation the
            training alone.

    Raises:
        ValueError: Where there is no run.
    """
    if not histories:
        raise ValueError("histories is empty; give the history of one run or more.")
    figure = Figure((9.5, 4), layout="constrained")
    keys = {key for rows in histories.values() for row in rows for key in row}
    score = next((one for one in SCORES if one in keys), "accuracy")
    for number, key in enumerate(("loss", score.removeprefix("val_")), 1):
        place = figure.add_subplot(1, 2, number)
        for line, (name, rows) in enumerate(histories.items()):
            color = DISTINCT[line % len(DISTINCT)]
            style = STYLES[line // len(DISTINCT) % len(STYLES)]
            validated = any(f"val_{key}" in row for row in rows)
            if validated:
                _curve(place, rows, f"val_{key}", color, style, linewidth=1.9)
            thin = {"linewidth": 0.8, "alpha": 0.8} if validated else {"linewidth": 1.9}
            _curve(place, rows, key, color, style, **thin)
            place.plot([], [], style, color=color, linewidth=1.9, label=name)
        place.set_xlabel("epoch")
        place.set_ylabel(SCORES.get(score, "accuracy") if number == 2 else "loss")
        place.xaxis.set_major_locator(MaxNLocator(integer=True))
        if key == "loss" and _spans(place) > 20:
            place.set_yscale("log")
        place.grid(alpha=0.3)
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=3, fontsize=8)
    figure.supxlabel("thick: validation, thin: training", fontsize=8, color="0.35")
    return figure


def _curve(place, rows, key, color, style, **look):
    points = [(row["epoch"], row[key]) for row in rows if key in row]
    if points:
        marker = "o" if len(points) == 1 else ""
        place.plot(
            *zip(*points, strict=True), style, color=color, marker=marker, **look
        )


def _spans(place):
    """The largest of the values drawn, as a multiple of the smallest."""
    values = np.concatenate([one.get_ydata() for one in place.lines] or [[1.0]])
    values = np.asarray(values, float)
    values = values[np.isfinite(values) & (values > 0)]
    return values.max() / values.min() if values.size else 1


@reader.checked
def receptive_fields(image: Image, fields: Sequence[ReceptiveField]) -> Figure:
    """Receptive fields as frames on an image.

    Args:
        image: ``(height, width, 1 or 3)`` in 0..255, of the size that the network sees.
        fields: Of :func:`receptive_field`, the largest drawn first; what lies beyond
            the image is drawn beside it.

    Raises:
        ValueError: For an image of another size than the fields', or without fields.
    """
    _check_size(image, fields)
    height, width = image.shape[:2]
    figure = Figure((7, 4.6), layout="constrained")
    place = figure.add_subplot()
    plots._show(place, image)
    order = sorted(fields, key=lambda one: -math.prod(one.size))
    for number, field in enumerate(order):
        color = DISTINCT[number % len(DISTINCT)]
        style = STYLES[number // len(DISTINCT) % len(STYLES)]
        (top, bottom), (left, right) = field.rows, field.columns
        size = f"{field.size[0]}x{field.size[1]}"
        frame = Rectangle(
            # The middle of the first pixel is at 0.
            (left - 0.5, top - 0.5),
            right - left + 1,
            bottom - top + 1,
            fill=False,
            edgecolor=color,
            linewidth=2,
            linestyle=style,
            path_effects=[Stroke(linewidth=3.4, foreground="black"), Normal()],
        )
        place.add_patch(frame)
        place.plot([], [], style, color=color, lw=2.5, label=f"{field.layer}: {size}")
    low = [
        min(0, *(getattr(f, axis)[0] for f in fields)) for axis in ("rows", "columns")
    ]
    high = [
        max(side - 1, *(getattr(f, axis)[1] for f in fields))
        for axis, side in (("rows", height), ("columns", width))
    ]
    place.set_xlim(low[1] - 0.03 * width - 0.5, high[1] + 0.03 * width + 0.5)
    place.set_ylim(high[0] + 0.03 * height + 0.5, low[0] - 0.03 * height - 0.5)
    place.set_aspect("equal")
    place.axis("off")
    figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    return figure


def _check_size(image, fields):
    if not fields:
        raise ValueError("fields is empty; give one receptive field or more.")
    for field in fields:
        if tuple(image.shape[:2]) != tuple(field.image):
            raise ValueError(
                f"The image has {image.shape[0]}x{image.shape[1]} pixels and the "
                f"network of {field.layer} sees {field.image[0]}x{field.image[1]}; "
                "resize the image."
            )


@reader.checked
def effective_fields(fields: Sequence[EffectiveField]) -> Figure:
    """Effective receptive fields side by side, each with the frame of the theoretical.

    Brighter pixels move the position more; the scale is of square roots, as most of a
    Gaussian would be black.

    Args:
        fields: Of :func:`effective_field`.

    Raises:
        ValueError: Without fields.
    """
    if not fields:
        raise ValueError("fields is empty; give one effective field or more.")
    columns = min(4, len(fields))
    rows = math.ceil(len(fields) / columns)
    figure = Figure((2.6 * columns, 3.1 * rows))
    figure.set_layout_engine("constrained", h_pad=0.1)
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    for place in places:
        place.axis("off")
    for place, found in zip(places, fields, strict=False):
        place.imshow(np.sqrt(found.influence / found.influence.max()), cmap="cividis")
        (top, bottom), (left, right) = found.field.rows, found.field.columns
        height, width = found.influence.shape
        top, left = max(top, 0), max(left, 0)
        bottom, right = min(bottom, height - 1), min(right, width - 1)
        place.add_patch(
            Rectangle(
                (left - 0.5, top - 0.5),
                right - left + 1,
                bottom - top + 1,
                fill=False,
                edgecolor=DISTINCT[5],
                linewidth=1.6,
                clip_on=False,
            )
        )
        theory = "x".join(map(str, found.field.size))
        place.set_title(
            f"{found.field.layer}\ncan see {theory}, sees {found.size:.0f}x"
            f"{found.size:.0f}",
            fontsize=8,
        )
    return figure
