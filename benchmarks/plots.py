"""Draws the views of ``benchmarks.views``, the same picture from the same figures."""

import hashlib
import itertools
import json
import math
import textwrap

from benchmarks.report import headings, spread

COLOURS = (
    *("#1f6feb", "#e08a2b", "#3a9b54", "#a371c9", "#c94f4f"),
    *("#7a7a7a", "#c9b227", "#33a9b8", "#8c5a3c"),
)
STYLE = {
    "axes.axisbelow": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "lines.markeredgewidth": 2,
}


def draw(rows, view, path):
    """Draws ``{row: {heading: figure}}`` unless the file shows that already."""
    sign = signature(rows, view)
    if path.exists() and shown(path) == sign:
        return
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    with pyplot.rc_context(STYLE):
        figure = {"curves": curves}.get(view.plot, chart)(rows, view)
        path.parent.mkdir(exist_ok=True)
        figure.savefig(path, dpi=110, metadata={"Software": None, "Comment": sign})
        pyplot.close(figure)


def signature(rows, view):
    """Stands for what a picture shows, and lies in it."""
    return hashlib.sha256(json.dumps([rows, str(view)]).encode()).hexdigest()


def shown(path):
    """The signature that lies in a picture."""
    from PIL import Image

    with Image.open(path) as picture:
        return picture.info.get("Comment")


def chart(rows, view):
    """Horizontal bars, bars of shares, or dots; a row for every name."""
    from matplotlib import pyplot

    names = headings(rows)
    most = max(map(len, rows.values())) if view.plot == "bars" else 1
    figure, axes = pyplot.subplots(
        figsize=(8, 1.2 + max(0.24, 0.15 * most) * len(rows)), layout="constrained"
    )
    thick = 0.8 / most
    ends = [0] * len(rows)
    for name, colour in zip(names, itertools.cycle(COLOURS), strict=False):
        for place, cells in enumerate(rows.values()):
            if name not in cells:
                continue
            middle, low, high = spread(cells[name])
            options = {"color": colour, "label": name}
            error = [[middle - low], [high - middle]]
            if view.plot == "bars":
                place += (list(cells).index(name) - (len(cells) - 1) / 2) * thick
                bar = {"height": 0.9 * thick, "ecolor": "#444444"}
                error = error if high > low else None
                axes.barh(place, middle, xerr=error, **bar, **options)
            elif view.plot == "stacked":
                axes.barh(place, middle, 0.7, left=ends[place], **options)
                ends[place] += middle
            else:
                mark = "o" if name == names[0] else "|"
                axes.errorbar(middle, place, xerr=error, fmt=mark, ms=8, **options)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_ylim(len(rows) - 0.45, -0.55)
    axes.xaxis.set_major_formatter("{x:,.6g}")
    axes.set_xlabel(view.unit)
    axes.grid(axis="x")
    if view.line is not None:
        axes.axvline(view.line, color="black", lw=0.9)
    if len(names) > 1:
        handles, labels = axes.get_legend_handles_labels()
        unique = dict(zip(labels, handles, strict=True))
        figure.legend(
            unique.values(),
            unique,
            loc="outside upper center",
            ncols=min(4, len(names)),
        )
    return figure


def curves(rows, view):
    """Cost against work, a panel for every unit of work."""
    from matplotlib import pyplot, ticker

    panels = {}
    for name, cells in rows.items():
        panels.setdefault(cells.get("unit", view.work), {})[name] = cells
    wide = min(2, len(panels))
    tall = math.ceil(len(panels) / wide)
    figure, grid = pyplot.subplots(
        tall, wide, figsize=(5 * wide, 3.3 * tall), squeeze=False, layout="constrained"
    )
    for axes in grid.flat[len(panels) :]:
        axes.remove()
    for axes, (unit, lines) in zip(grid.flat, panels.items(), strict=False):
        for (name, cells), colour in zip(lines.items(), COLOURS, strict=False):
            y = cells["y"]
            if isinstance(y, dict):
                x, y = map(float, y), y.values()
            else:
                x = cells.get("x", range(1, len(y) + 1))
            if "exponent" in cells:
                name += f": exponent {cells['exponent']:.2f}"
            x, y, name = list(x), list(y), textwrap.fill(name, 44)
            axes.plot(x, y, "o-", ms=4, color=colour, label=name)
            ends = cells.get("low", y), cells.get("high", y)
            axes.fill_between(x, *ends, color=colour, alpha=0.2, lw=0)
        for way, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
            if view.log:
                getattr(axes, f"set_{way}scale")("log", nonpositive="clip")
                axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
                axis.set_minor_locator(ticker.NullLocator())
            axis.set_major_formatter("{x:,.6g}")
        axes.set_xlabel(unit)
        axes.set_ylabel(view.unit)
        axes.margins(y=0.2)
        axes.grid()
        axes.legend()
    return figure
