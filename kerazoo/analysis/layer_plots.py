"""Pictures of the layers of a network: signals, probes, filters, with matplotlib."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from kerazoo import reader
from kerazoo.analysis import plots
from kerazoo.analysis.plots import Kernels
from kerazoo.analysis.signals import LayerSignal
from kerazoo.fonts import legible
from kerazoo.reader import Count, Whole

# Of lines: Okabe and Ito 2008, told apart with any vision, and without color too.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = "osD^vPX"


@reader.checked
def signals_by_depth(found: Mapping[str, Sequence[LayerSignal]]) -> Figure:
    """How large outputs and gradients are, layer by layer: a line for every network.

    Args:
        found: Of each network the signals of its layers; the keys are what the lines
            are called.
    """
    if not found or not all(found.values()):
        raise ValueError(
            "found has no layers; give the signals of one network or more."
        )
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for place, (name, signals) in enumerate(found.items()):
        style = {
            **_style(place),
            "markersize": 4,
            "label": name,
        }
        depth = range(1, len(signals) + 1)
        left.plot(depth, [one.outputs.deviation for one in signals], **style)
        known = [
            np.nan if one.gradient is None else one.gradient.size for one in signals
        ]
        right.plot(depth, known, **style)
    left.set_title("outputs", fontsize=10)
    left.set_ylabel("standard deviation")
    right.set_title("gradients of the kernels", fontsize=10)
    right.set_ylabel("root mean square")
    for axes in (left, right):
        drawn = np.concatenate([line.get_ydata() for line in axes.lines])
        if (drawn > 0).any():
            axes.set_yscale("log")
            # A power of ten at least, or little would look like much.
            low, high = drawn[drawn > 0].min(), drawn[drawn > 0].max()
            middle = (low * high) ** 0.5
            axes.set_ylim(min(low, middle / 4) / 1.3, max(high, 4 * middle) * 1.3)
        axes.set_xlabel("layer")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    names = max(found.values(), key=len)
    if len(names) <= 12:
        words, font = legible([one.layer for one in names], 14)
        for axes in (left, right):
            axes.set_xticks(
                range(1, len(names) + 1), words, rotation=60, ha="right", fontsize=7,
                rotation_mode="anchor", **font,
            )  # fmt: skip
            axes.set_xlabel("")
    if any(found):
        right.legend(fontsize=8)
    return figure


def _style(place):
    return {
        "color": COLORS[place % len(COLORS)],
        "marker": MARKERS[place % len(MARKERS)],
    }


@reader.checked
def signal_histograms(signals: Sequence[LayerSignal], *, columns: Count = 8) -> Figure:
    """The outputs of some layers, and below them the gradients, as histograms.

    All outputs have one scale, and so have all gradients; a bar's height is its share
    of the highest.

    Args:
        signals: Of a network's layers.
        columns: How many layers, evenly chosen, at most.
    """
    if not signals:
        raise ValueError("signals is empty; give those of one layer or more.")
    places = np.unique(np.linspace(0, len(signals) - 1, columns).round().astype(int))
    chosen = [signals[place] for place in places]
    figure = Figure(figsize=(1.2 + 1.35 * len(chosen), 3.6), layout="constrained")
    grid = figure.subplots(2, len(chosen), squeeze=False)
    names, font = legible([one.layer for one in chosen], 16)
    for axes_, name in zip(grid[0], names, strict=True):
        axes_.set_title(name, fontsize=8, **font)
    outputs = [one.outputs for one in chosen]
    gradients = [one.gradient for one in chosen]
    for row, histograms, color, words in (
        (grid[0], outputs, COLORS[0], "outputs"),
        (grid[1], gradients, COLORS[1], "gradients"),
    ):
        _draw_row(row, histograms, color)
        row[0].set_ylabel(words, fontsize=9)
    return figure


def _draw_row(row, histograms, color):
    known = [one for one in histograms if one is not None]
    reach = max((float(np.abs(one.edges).max()) for one in known), default=1.0) or 1.0
    for axes, one in zip(row, histograms, strict=True):
        axes.set_xlim(-1.05 * reach, 1.05 * reach)
        axes.set_yticks([])
        axes.tick_params(labelsize=7)
        axes.set_xticks([-reach, 0, reach], [f"{-reach:.2g}", "0", f"{reach:.2g}"])
        axes.spines[["top", "right", "left"]].set_visible(False)
        if one is None:
            axes.text(0, 0.5, "frozen", ha="center", fontsize=8)
            continue
        height = one.counts / max(1, one.counts.max())
        # With a line around it, for a bin may be thinner than a pixel.
        axes.stairs(height, one.edges, fill=True, color=color, linewidth=0.8)
        axes.set_ylim(0, 1.1)
        words = f"sd {one.deviation:.2g}"
        words += f"\n{one.zeros:.0%} zero" if one.zeros >= 0.005 else ""
        axes.text(
            0.98,
            0.98,
            words,
            ha="right",
            va="top",
            fontsize=7,
            transform=axes.transAxes,
        )


@reader.checked
def probes_by_depth(found: Mapping[str, Any]) -> Figure:
    """The accuracy of linear probes by the depth of their layer, a line a network.

    Args:
        found: Of each network a :class:`kerazoo.serving.depth_probe.DepthProbe`; the
            keys are what the lines are called. A dashed line is the network itself.
    """
    if not found:
        raise ValueError("found is empty; give the probes of one network or more.")
    figure = Figure(figsize=(7, 4.4), layout="constrained")
    axes = figure.add_subplot()
    labels, font = legible(list(map(str, found)), 40)
    for place, (label, probe) in enumerate(zip(labels, found.values(), strict=True)):
        style = _style(place)
        axes.plot(
            [one.depth for one in probe.points],
            [one.accuracy for one in probe.points],
            **style,
            label=label,
        )
        if probe.accuracy is not None:
            axes.axhline(
                probe.accuracy,
                color=style["color"],
                linestyle="--",
                linewidth=1,
                label=f"{label}: the network itself",
            )
    _name_layers(axes, next(iter(found.values())).points, len(found))
    axes.set_xlabel("depth: layers with kernels")
    axes.set_ylabel("accuracy of a linear probe")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(alpha=0.3)
    legend = axes.legend(loc="best", fontsize=8)
    for text in legend.get_texts():
        text.set(**font)
    return figure


def _name_layers(axes, points, lines):
    """Writes the layers along the only line, above the frame."""
    if lines > 1 or len(points) > 16:
        return
    words, font = legible([one.layer for one in points], 18)
    above = axes.secondary_xaxis("top")
    above.set_xticks(
        [one.depth for one in points], words, rotation=45, ha="left", fontsize=7,
        rotation_mode="anchor", **font,
    )  # fmt: skip


@reader.checked
def filters_along(
    kernels: Sequence[Kernels], steps: Sequence[Whole], layer: str = ""
) -> Figure:
    """The filters of a layer after some steps of its training, side by side.

    Args:
        kernels: ``(height, width, channels, filters)`` of each step, as
            :func:`kerazoo.analysis.plots.filter_grid` shows them: every filter from its
            least to its largest weight.
        steps: How many steps the training had then.
        layer: The layer's name, for the title.
    """
    if len(kernels) != len(steps) or not steps:
        raise ValueError(
            f"There are kernels of {len(kernels)} steps, and {len(steps)} steps; give "
            "those of every one, at least of one."
        )
    columns = min(len(steps), 4)
    rows = math.ceil(len(steps) / columns)
    grids = [plots.pixels(plots.filter_grid(one)) for one in kernels]
    height, width = grids[0].shape[:2]
    wide, high = 3.2, 3.2 * height / width + 0.3
    title = 0.35 if layer else 0.0
    size = (wide * columns, high * rows + title)
    figure = Figure(figsize=size, layout="constrained")
    every = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in every:
        axes.axis("off")
    for axes, picture, step in zip(every, grids, steps, strict=False):
        axes.imshow(picture, interpolation="nearest")
        axes.set_title(f"step {step:,}", fontsize=9)
    if layer:
        figure.suptitle(layer, fontsize=10)
    return figure
