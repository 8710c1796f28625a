"""Pictures of what analysis, training and data return, with matplotlib.

Figures are made without pyplot: no window opens and no global state is kept.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import MaxNLocator
from PIL import Image

from kerazoo import colors, reader
from kerazoo.detections import Detections, Objects
from kerazoo.display import percent
from kerazoo.errors import counted
from kerazoo.fonts import columns, legible
from kerazoo.reader import Count, Path, axes

Images = Annotated[np.ndarray, axes("count", "height", "width", "channels")]
Kernels = Annotated[np.ndarray, axes("height", "width", "channels", "filters")]
# Told apart with any vision, Okabe and Ito 2008; without black.
DISTINCT = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
Matrix = Annotated[np.ndarray, axes("truth", "guess")]


def pixels(figure: Figure) -> np.ndarray:
    """A figure as RGB pixels ``(height, width, 3)``, uint8."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


@reader.checked
def save(figure: Figure, path: Path, *, dpi: Count = 120) -> None:
    """Writes a figure as a PNG file.

    ``Figure.savefig`` lays it out and draws it twice.

    Args:
        figure: The figure.
        path: The file.
        dpi: Pixels of an inch.
    """
    figure.set_dpi(dpi)
    Image.fromarray(pixels(figure)).save(path, format="PNG", dpi=(dpi, dpi))


@reader.checked
def image_grid(
    images: Images,
    titles: Sequence[str] | None = None,
    *,
    columns: Count | None = None,
) -> Figure:
    """Images side by side.

    Args:
        images: ``(count, height, width, 1 or 3)`` in 0..255.
        titles: What stands above each.
        columns: Images in a row; by default as many as make the grid a square.
    """
    columns = columns or math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    figure = Figure(figsize=(1.1 * columns, 1.25 * rows))
    # One pair of axes for all: one for each image would take ten times as long.
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, columns), ylim=(rows, 0))
    axes.axis("off")
    words, font = legible([] if titles is None else list(map(str, titles)), 17)
    for place, image in enumerate(images):
        row, column = divmod(place, columns)
        # An image has a square inch of the 1.1 by 1.25 that are a unit here.
        height, width = np.array(image.shape[:2]) / max(image.shape[:2])
        _show(
            axes,
            image,
            aspect="auto",
            extent=(
                column + 0.5 - 0.45 * width,
                column + 0.5 + 0.45 * width,
                row + 0.58 + 0.4 * height,
                row + 0.58 - 0.4 * height,
            ),
        )
        if words:
            above = (column + 0.5, row + 0.55 - 0.4 * height)
            axes.text(*above, words[place], ha="center", fontsize=7, **font)
    return figure


def _show(axes, image, **options):
    """An image (height, width, 1 or 3) in 0..255."""
    shown = np.clip(np.rint(image), 0, 255).astype("uint8")
    shown = shown[..., 0] if shown.shape[-1] == 1 else shown
    axes.imshow(shown, cmap="gray", vmin=0, vmax=255, **options)


@reader.checked
def filter_grid(kernels: Kernels) -> Figure:
    """Kernels as small pictures, in colour where they see three channels.

    Args:
        kernels: ``(height, width, channels, filters)``. With other than three channels
            the mean over channels is shown.
    """
    kernels = np.moveaxis(kernels, -1, 0)
    if kernels.shape[-1] != 3:
        kernels = kernels.mean(-1)
    low = kernels.min(axis=tuple(range(1, kernels.ndim)), keepdims=True)
    high = kernels.max(axis=tuple(range(1, kernels.ndim)), keepdims=True)
    kernels = (kernels - low) / np.maximum(high - low, 1e-12)
    columns = math.ceil(math.sqrt(len(kernels) * 1.6))
    rows = math.ceil(len(kernels) / columns)
    # One picture of all: axes for each would take ten times as long. White between.
    scale = -(-48 // max(kernels.shape[1:3]))
    kernels = kernels.repeat(scale, 1).repeat(scale, 2)
    height, width = kernels.shape[1:3] + np.array(7)
    grid = np.ones((rows * height, columns * width, *kernels.shape[3:]))
    for place, kernel in enumerate(kernels):
        top, left = place // columns * height + 3, place % columns * width + 3
        grid[top : top + height - 7, left : left + width - 7] = kernel
    figure = Figure(figsize=(0.55 * columns, 0.55 * rows))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(grid, cmap="gray", vmin=0, vmax=1)
    axes.axis("off")
    return figure


@reader.checked
def confusion(
    matrix: Matrix, classes: Sequence[str], counted: str = "images"
) -> Figure:
    """A confusion matrix with every class' accuracy at its row.

    Of more than a hundred classes the names are left out, of more than thirty the
    counts.

    Args:
        matrix: Counts ``(truth, guess)``.
        classes: Class names.
        counted: What they are counts of, in the plural.
    """
    count = len(classes)
    if matrix.shape != (count, count):
        raise ValueError(
            f"matrix is of shape {matrix.shape}, and classes has {count} names."
        )
    names, font = legible(classes if count <= 100 else [], 24)
    side = max(4.5, min(0.45 * count + 2.0, 14))
    if count <= 30:
        # Two inches hold a dozen letters and the accuracy.
        longest = max((columns(name, font) for name in names), default=0)
        side = min(side + 0.09 * max(0, longest - 12), 14)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.add_subplot()
    sums = matrix.sum(1)
    # By their roots, or a few wrong of many would be white.
    shades = np.sqrt(matrix / np.maximum(sums, 1)[:, None])
    axes.imshow(shades, cmap="Blues", vmin=0, vmax=1)
    if count <= 100:
        rows = [
            f"{name}  {percent(right / total, 1) if total else f'no {counted}'}"
            for name, right, total in zip(names, matrix.diagonal(), sums, strict=True)
        ]
        font["fontsize"] = 10 if count <= 30 else 6
        axes.set_xticks(range(count), names, rotation=90, **font)
        axes.set_yticks(range(count), rows, **font)
    if count <= 30:
        for row, column in zip(*np.nonzero(matrix), strict=True):
            axes.text(
                column,
                row,
                f"{matrix[row, column]:,}",
                ha="center",
                va="center",
                fontsize=7,
                color="white" if shades[row, column] > 0.6 else "black",
                # It lies in its cell, and takes no room of its own.
                in_layout=False,
            )
    axes.set_xlabel("predicted")
    axes.set_ylabel("true class and its accuracy" if count <= 100 else "true class")
    right = matrix.trace() / max(1, matrix.sum())
    axes.set_title(f"{percent(right)} of {matrix.sum():,} {counted} right")
    return figure


@reader.checked
def class_accuracy(matrix: Matrix, classes: Sequence[str]) -> Figure:
    """The accuracy of every class as a bar, the worst at the top; of many the worst 40.

    Args:
        matrix: Counts ``(truth, guess)``.
        classes: Class names.
    """
    sums = matrix.sum(1)
    accuracy = np.divide(
        matrix.diagonal(), sums, where=sums > 0, out=np.full(len(sums), np.nan)
    )
    return class_bars(accuracy, sums, classes, "accuracy", "images")


@reader.checked
def class_bars(
    shares: np.ndarray,
    counts: np.ndarray,
    classes: Sequence[str],
    name: str,
    counted: str,
) -> Figure:
    """A share of every class as a bar, the worst at the top; of many the worst 40.

    Args:
        shares: ``(classes,)`` in 0..1, not a number for a class that has none.
        counts: ``(classes,)``: what there is of each.
        classes: Class names.
        name: What the shares are.
        counted: What is counted, in the plural.
    """
    there = np.flatnonzero(np.isfinite(shares))
    worst = there[np.argsort(shares[there], kind="stable")][:40]
    names, font = legible(classes, 24)
    size = (6, 1.2 + 0.22 * max(1, len(worst)))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    bars = axes.barh(range(len(worst)), shares[worst], color="tab:blue")
    words = [f"{percent(shares[n], 1)} of {counts[n]:,}" for n in worst]
    axes.bar_label(bars, words, padding=3, fontsize=7)
    axes.set_yticks(range(len(worst)), [names[n] for n in worst], **font)
    axes.set_ylim(max(1, len(worst)) - 0.5, -0.5)
    # Room for what stands beside the longest bar.
    axes.set_xlim(0, 1.4)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    title = f"{name} of every class"
    if len(worst) < len(there):
        title = f"{name} of the worst {len(worst)} of {len(there):,} classes"
    without = len(classes) - len(there)
    axes.set_title(f"{title}, {without:,} without {counted}" if without else title)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


@reader.checked
def segmentations(
    images: Images,
    truth: Annotated[np.ndarray, axes("count", "height", "width")],
    guess: Annotated[np.ndarray, axes("count", "height", "width")],
    classes: Sequence[str],
) -> Figure:
    """Images, their masks and what was found, a row each.

    Args:
        images: In 0..255.
        truth: Class ids, -1 for none; they may be smaller than the images.
        guess: Class ids of the same size.
        classes: Class names; the first thirty are explained by their colors.
    """
    count = len(images)
    names, font = legible(classes[:30], 24)
    figure = Figure(figsize=(6 + 1.6, max(1.8 * count, 2.4)), layout="constrained")
    rows = figure.subplots(count, 3, squeeze=False)
    for row, image, *masks in zip(rows, images, truth, guess, strict=True):
        _show(row[0], image)
        for axes_, mask in zip(row[1:], masks, strict=True):
            axes_.imshow(colors.colored(mask, len(classes)), interpolation="nearest")
        for axes_ in row:
            axes_.axis("off")
    for axes_, title in zip(rows[0], ("image", "truth", "found"), strict=True):
        axes_.set_title(title, fontsize=9)
    patches = [
        Patch(facecolor=color / 255, edgecolor="0.5", label=name)
        for name, color in zip(names, colors.palette(len(classes)), strict=False)
    ]
    legend = figure.legend(
        handles=patches, loc="outside right upper", frameon=False, fontsize=7
    )
    for text in legend.get_texts():
        text.set(**font)
    return figure


@reader.checked
def curves(
    history: Sequence[Mapping[str, Any]],
    step_history: Sequence[Mapping[str, Any]] = (),
) -> Figure:
    """Loss and accuracy, or mean IoU, over the epochs, training beside validation.

    Args:
        history: A row an epoch.
        step_history: Rows of looks within the epochs, as
            :attr:`kerazoo.Run.step_history` has them; they are drawn thin.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = [row["epoch"] for row in history]
    keys = list(history[0]) if history else []
    known = ("val_map50", "mean_iou", "accuracy")
    score = next((one for one in known if one in keys), "accuracy")
    for place, name in enumerate(("loss", score), 1):
        axes = figure.add_subplot(1, 2, place)
        for key in keys:
            if key in (name, f"val_{name}") or key.endswith(f"predictions_{name}"):
                label = "validation" if key.startswith("val_") else "training"
                (line,) = axes.plot(
                    epochs, [row[key] for row in history], ".-", label=label
                )
                looks = [(row["epoch"], row[key]) for row in step_history if key in row]
                if looks:
                    axes.plot(*zip(*looks, strict=True), color=line.get_color(), lw=0.7)
        axes.set_xlabel("epoch")
        words = {"mean_iou": "mean IoU", "val_map50": "mAP50"}
        axes.set_ylabel(words.get(name, name))
        _set_limits(axes, epochs, most=1.0 if name == score else math.inf)
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend()
    return figure


@reader.checked
def rate_sweep(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    suggestion: float | None = None,
) -> Figure:
    """The loss of a batch against its learning rate.

    Args:
        rates: The rates, in rising order.
        losses: The loss of every batch.
        smoothed: The same, smoothed.
        suggestion: A rate to mark.
    """
    if not len(rates) == len(losses) == len(smoothed):
        raise ValueError(
            f"There are {len(rates)} rates, {len(losses)} losses and {len(smoothed)} "
            "smoothed ones; give one of each for every batch."
        )
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(rates, losses, ".", color="tab:gray", alpha=0.5, label="a batch")
    axes.plot(rates, smoothed, color="tab:blue", label="smoothed")
    if suggestion is not None:
        label = f"suggestion {suggestion:.2g}"
        axes.axvline(suggestion, color="tab:red", linestyle="--", label=label)
    axes.set_xscale("log")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def _set_limits(axes, epochs, most):
    """Whole epochs below, and left only values that there are, from 0 to the most."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(epochs) == 1:
        # A point alone would have an axis of parts of an epoch.
        axes.set_xticks(epochs)
    rows = [np.asarray(line.get_ydata(), float) for line in axes.lines]
    values = np.concatenate([*rows, []])
    values = values[np.isfinite(values)]
    if values.size:
        low, high = values.min(), values.max()
        room = 0.08 * (high - low) or 0.05 * high or 1.0
        axes.set_ylim(max(0, low - room), min(most, high + room))
        for line in axes.lines:
            # A point at the limit is seen whole.
            line.set_clip_on(False)


@reader.checked
def parallel_coordinates(
    columns: Mapping[str, Sequence], scores: Sequence[float]
) -> Figure:
    """Trials as lines over one axis for every hyper-parameter, and one for the score.

    Args:
        columns: The trials' values by hyper-parameter: positive numbers that span more
            than a factor of 20 are drawn by their logarithm, other values than numbers
            one above the other.
        scores: The trials' scores, which colour the lines; the best is drawn last.
    """
    axes_of = {**columns, "score": scores}
    if len({len(values) for values in axes_of.values()}) > 1:
        raise ValueError("columns and scores must have a value of every trial.")
    figure = Figure(figsize=(1.6 + 1.5 * len(axes_of), 4.2), layout="constrained")
    axes = figure.add_subplot()
    heights = []
    for place, values in enumerate(axes_of.values()):
        height, ticks = _axis(values)
        heights.append(height)
        axes.axvline(place, color="0.6", linewidth=0.8)
        for at, label in ticks:
            axes.annotate(
                label, (place, at), (4, 0), textcoords="offset points", fontsize=7
            )
    low, high = min(scores), max(scores)
    for trial in np.argsort(scores, kind="stable"):
        share = (scores[trial] - low) / (high - low) if high > low else 1.0
        axes.plot(
            [height[trial] for height in heights],
            color=matplotlib.colormaps["viridis"](share),
            alpha=0.35 + 0.65 * share,
            linewidth=0.8 + 1.4 * share,
        )
    axes.set_xticks(range(len(axes_of)), list(axes_of), rotation=20, ha="right")
    axes.set_yticks([])
    axes.set_xlim(-0.1, len(axes_of) - 0.6)
    axes.spines[:].set_visible(False)
    axes.set_title(f"{counted(len(scores), 'trial')}, best {high:.4f}")
    return figure


def _axis(values):
    """Heights 0..1 of values on their axis, and its ticks as (height, words)."""
    numeric = all(
        isinstance(v, (int, float)) and not isinstance(v, bool) for v in values
    )
    if not numeric:
        kinds = sorted({str(value) for value in values})
        step = 1 / max(1, len(kinds) - 1)
        ticks = [(n * step, kind) for n, kind in enumerate(kinds)]
        return [kinds.index(str(value)) * step for value in values], ticks
    numbers = np.array(values, float)
    logarithmic = numbers.min() > 0 and numbers.max() > 20 * numbers.min()
    scaled = np.log(numbers) if logarithmic else numbers
    low, high = scaled.min(), scaled.max()
    if low == high:
        return [0.5] * len(numbers), [(0.5, f"{numbers[0]:.3g}")]
    ticks = []
    for height in (0, 0.25, 0.5, 0.75, 1):
        value = low + height * (high - low)
        ticks.append((height, f"{np.exp(value) if logarithmic else value:.3g}"))
    return list((scaled - low) / (high - low)), ticks


@reader.checked
def ensemble(curve: Sequence[Any]) -> Figure:
    """The error against the number of members, with the range over subsets.

    Args:
        curve: Points of :attr:`kerazoo.tuning.Ensemble.curve`.
    """
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = figure.add_subplot()
    members = [point.members for point in curve]
    low, error, high = (
        [100 * getattr(point, name) for point in curve]
        for name in ("low", "error", "high")
    )
    axes.fill_between(members, low, high, alpha=0.2, label="best to worst subset")
    axes.plot(members, error, ".-", label="mean over subsets")
    axes.set_xlabel("members")
    axes.set_ylabel("error in percent")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


@reader.checked
def detections(
    images: Images,
    truth: Sequence[Objects],
    found: Sequence[Detections],
    classes: Sequence[str],
) -> Figure:
    """Images with their true boxes, dashed, and what was found, by class and score.

    Args:
        images: In 0..255.
        truth: The objects of every image.
        found: The detections on every image.
        classes: Class names.
    """
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    size = (3.2 * columns, 3.2 * rows)
    figure = Figure(figsize=size, layout="constrained")
    every = figure.subplots(rows, columns, squeeze=False).ravel()
    names, font = legible(classes, 16)
    for place in every:
        place.axis("off")
    for place, image, real, some in zip(every, images, truth, found, strict=False):
        _show(place, image)
        for box in real.boxes:
            _draw_box(place, box, "white", 1.2, (0, (4, 3)))
        _draw_found(place, some, names, font, 6)
    return figure


@reader.checked
def detected(
    image: Annotated[np.ndarray, axes("height", "width", "channels")],
    found: Detections,
    classes: Sequence[str],
) -> Figure:
    """An image with what was found on it, at its own size of 100 pixels an inch.

    Args:
        image: In 0..255; one smaller than 320 pixels is enlarged by whole factors.
        found: The detections.
        classes: Class names.
    """
    height, width = image.shape[:2]
    factor = max(1, 320 // min(height, width)) / 100
    figure = Figure(figsize=(factor * width, factor * height), dpi=100)
    place = figure.add_axes((0, 0, 1, 1))
    place.axis("off")
    _show(place, image, aspect="auto", interpolation="nearest")
    names, font = legible(classes, 24)
    # A share of the picture, but no less than what can be read.
    letters = max(7.0, 1.6 * factor * min(height, width))
    _draw_found(place, found, names, font, letters)
    return figure


def _draw_found(axes, found, names, font, size):
    """Boxes with class and score above them; the likeliest are drawn last."""
    for number in range(len(found))[::-1]:
        one, box = int(found.classes[number]), found.boxes[number]
        color = DISTINCT[one % len(DISTINCT)]
        _draw_box(axes, box, color, 0.25 * size, "-")
        axes.text(
            *box[:2],
            f"{names[one]} {found.scores[number]:.2f}",
            fontsize=size,
            color="black",
            # Within the image, where the box begins at its edge.
            va="bottom" if box[1] > 3 * size else "top",
            bbox={"facecolor": color, "edgecolor": "none", "pad": 0.8},
            clip_on=True,
            **font,
        )


def _draw_box(axes, box, color, width, style):
    """A box that is seen on any background: its line on a wider dark one."""
    x1, y1, x2, y2 = map(float, box)
    axes.add_patch(
        Rectangle(
            # The middle of the first pixel is at 0.
            (x1 - 0.5, y1 - 0.5),
            x2 - x1,
            y2 - y1,
            fill=False,
            edgecolor=color,
            linewidth=width,
            linestyle=style,
            path_effects=[Stroke(linewidth=width + 1.6, foreground="black"), Normal()],
        )
    )


@reader.checked
def precision_recall(
    curves: Mapping[str, Sequence[float]], averages: Mapping[str, float]
) -> Figure:
    """Precision against recall, a line for each class; of many the worst twelve.

    Args:
        curves: By class, the precision at recalls of 0, 0.01 ... 1.
        averages: By class, the average precision.
    """
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    worst = sorted(averages, key=lambda name: averages[name])[:12]
    names, font = legible(worst, 24)
    for place, (key, name) in enumerate(zip(worst, names, strict=True)):
        recall = np.linspace(0, 1, len(curves[key]))
        label = f"{name}  {percent(averages[key], 1)}"
        color = DISTINCT[place % len(DISTINCT)]
        style = "-" if place < len(DISTINCT) else "--"
        axes.plot(recall, curves[key], style, color=color, label=label)
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 1.02)
    axes.grid(alpha=0.3)
    mean = float(np.mean(list(averages.values()))) if averages else 0.0
    title = f"mean average precision {percent(mean)}"
    if len(worst) < len(averages):
        title += f", the worst {len(worst)} of {len(averages):,} classes"
    axes.set_title(title)
    if worst:
        legend = figure.legend(loc="outside right upper", frameon=False, fontsize=7)
        for text in legend.get_texts():
            text.set(**font)
    return figure
