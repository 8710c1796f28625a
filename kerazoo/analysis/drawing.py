"""Drawings of networks: blocks and their sizes, a line a stage, and single blocks.

Figures are made without pyplot, as those of :mod:`kerazoo.analysis.plots`.
"""

import collections
import dataclasses
import math
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from kerazoo import reader
from kerazoo.analysis.diagram import Block, Diagram, lines
from kerazoo.analysis.steps import DROPOUTS, GLOBAL, MERGES, POOLINGS, WEIGHTED
from kerazoo.errors import counted

# Pale enough for black letters; told apart with any vision by their lightness too.
COLORS = {
    "convolution": "#A6D3F2",
    "dense": "#F2B78B",
    "pooling": "#F7EFA0",
    "normalization": "#DDDDDD",
    "block": "#E4F3EC",
    "other": "#EBD3E0",
}
EDGES = {"block": "#009E73"}
TIMES = "\N{MULTIPLICATION SIGN}"
ARROW = "\N{RIGHTWARDS ARROW}"
BRANCH = "\N{DOWNWARDS ARROW WITH TIP RIGHTWARDS}"
# Inches: of a letter, a line of letters, between boxes, around letters, of the sizes.
LETTER, LINE, GAP, PAD, GUTTER = 0.068, 0.155, 0.2, 0.07, 1.5
WIDEST = 11.0
# Of a block, so many lines are shown.
MOST_LINES = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Card:
    """A box of the drawing with its letters, in inches."""

    head: str
    body: tuple[str, ...]
    foot: str
    kind: str

    @property
    def width(self) -> float:
        texts = [6.0, 0.93 * len(self.head), 0.9 * len(self.foot)]
        texts += [float(len(one)) for one in self.body]
        return LETTER * max(texts) + 2 * PAD

    @property
    def height(self) -> float:
        count = len(self.body) + bool(self.head) + bool(self.foot)
        return LINE * count + 2 * PAD


def _family(kind: str) -> str:
    """What a box is drawn as."""
    if kind == "dense layer":
        return "dense"
    if kind in WEIGHTED or "Conv" in kind:
        return "convolution"
    if kind in (*POOLINGS.values(), *GLOBAL.values()) or "Pool" in kind:
        return "pooling"
    norms = ("batch norm", "LocalResponseNormalization", *DROPOUTS.values())
    return "normalization" if kind in norms or "LRN" in kind else "other"


def _typed(words: str) -> str:
    """Words with the signs that a typesetter would take."""
    for digit in "0123456789":
        for other in "0123456789":
            words = words.replace(f"{digit}x{other}", f"{digit}{TIMES}{other}")
    words = words.replace(" > ", f" {ARROW} ")
    return f"{BRANCH} {words[2:]}" if words.startswith("& ") else words


def _card(block: Block) -> _Card:
    """The letters of a block."""
    times = f"  {TIMES}{block.times}" if block.times > 1 else ""
    if len(block.boxes) == 1:
        (box,) = block.boxes
        body, head = [box.words], f"{block.name}{times}"
        beside, kind = ", ".join(box.beside), _family(box.kind)
    else:
        # "conv" is said by the numbers.
        body = [one.replace(" conv,", ",") for one in lines(block)]
        if len(body) > MOST_LINES:
            more = counted(len(body) - MOST_LINES + 1, "more branch", "more branches")
            body = [*body[: MOST_LINES - 1], more]
        head = f"{block.name}{times}"
        notes = collections.Counter(
            one.beside for one in block.boxes if one.kind in WEIGHTED
        )
        usual = notes.most_common(1)[0][0] if notes else ()
        beside, kind = ", ".join((*usual, *_merge(block))), "block"
    return _Card(
        head=head,
        body=tuple(map(_typed, body)),
        foot=beside,
        kind=kind,
    )


def _merge(block):
    """In what a block ends, where its title does not say it."""
    return [block.boxes[-1].kind] if block.boxes[-1].kind in MERGES else []


@reader.checked
def drawing(diagram: Diagram) -> Figure:
    """A network as blocks and sizes, a line a stage.

    Args:
        diagram: Of :func:`kerazoo.diagram`.
    """
    rows: list[tuple[Any, list[_Card]]] = []
    for stage in diagram.stages:
        row: list[_Card] = []
        label: Any = stage
        for block in stage.blocks:
            card = _card(block)
            used = sum(one.width + GAP for one in row)
            if row and used + card.width > WIDEST:
                rows.append((label, row))
                row, label = [], None
            row.append(card)
        rows.append((label, row))
    heights = [max(one.height for one in row) for _, row in rows]
    width = GUTTER + max(sum(one.width + GAP for one in row) for _, row in rows) + 0.1
    title, legend = 0.42, 0.34
    width = max(width, 5.2)
    height = title + legend + sum(heights) + 0.26 * len(rows)
    figure = Figure((width, height))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    images = f" {TIMES} ".join("?" if n is None else str(n) for n in diagram.images)
    words = f"{diagram.name}: {images}, {diagram.parameters:,} weights"
    axes.text(0.12, 0.24, words, fontsize=11, va="center", weight="bold")
    sides = [side or 1 for one in diagram.stages for side in one.grid]
    largest = max(sides, default=1)
    top, ends = title, None
    for (stage, row), high in zip(rows, heights, strict=True):
        middle = top + high / 2
        if stage is not None:
            _draw_size(axes, stage, largest, middle)
        left, entries = GUTTER, []
        for number, card in enumerate(row):
            _draw_card(axes, card, left, middle - card.height / 2)
            if number:
                _draw_arrow(axes, (left - GAP, middle), (left, middle))
            entries.append(left)
            left += card.width + GAP
        if ends is not None:
            _draw_turn(axes, ends, (GUTTER, middle), top - 0.13)
        ends = (left - GAP, middle)
        top += high + 0.26
    _draw_legend(axes, height - 0.2, {card.kind for _, row in rows for card in row})
    return figure


def _draw_size(axes, stage, largest, middle):
    """The size of a stage's maps, with a square of that size."""
    channels = stage.blocks[-1].shape[-1]
    if not stage.grid:
        axes.text(GUTTER - 0.2, middle, "vectors", fontsize=8, ha="right", va="center")
        return
    words = TIMES.join("?" if n is None else str(n) for n in stage.grid)
    axes.text(
        GUTTER - 0.2,
        middle,
        f"{words}\n{TIMES}{channels:,}",
        fontsize=8,
        ha="right",
        va="center",
        linespacing=1.3,
    )
    if None in stage.grid:
        return
    # By its root, or the last would be a point.
    high, wide = (0.42 * math.sqrt(n / largest) for n in stage.grid)
    axes.add_patch(
        Rectangle(
            (0.34 - wide / 2, middle - high / 2),
            wide,
            high,
            facecolor="#CFE3F1",
            edgecolor="0.35",
            linewidth=0.8,
        )
    )


def _draw_card(axes, card, left, top):
    axes.add_patch(
        FancyBboxPatch(
            (left + 0.03, top + 0.03),
            card.width - 0.06,
            card.height - 0.06,
            boxstyle="round,pad=0.03,rounding_size=0.05",
            facecolor=COLORS[card.kind],
            edgecolor=EDGES.get(card.kind, "0.35"),
            linewidth=1.3 if card.kind == "block" else 0.8,
        )
    )
    middle, y = left + card.width / 2, top + PAD + LINE / 2
    style = {"ha": "center", "va": "center"}
    if card.head:
        axes.text(middle, y, card.head, fontsize=6.8, color="0.25", **style)
        y += LINE
    for line in card.body:
        axes.text(middle, y, line, fontsize=7.8, **style)
        y += LINE
    if card.foot:
        look = {"fontsize": 6.5, "color": "0.25", "style": "italic"}
        axes.text(middle, y, card.foot, **look, **style)


def _draw_arrow(axes, begin, end, **look):
    axes.annotate(
        "",
        end,
        begin,
        arrowprops={
            "arrowstyle": "-|>",
            "color": "0.3",
            "linewidth": 0.9,
            "shrinkA": 0,
            "shrinkB": 0,
            "mutation_scale": 8,
        }
        | look,
    )


def _draw_turn(axes, begin, end, between):
    """From the end of a line to the beginning of the next."""
    right, left = begin[0] + 0.07, end[0] - 0.11
    axes.plot(
        [begin[0], right, right, left, left],
        [begin[1], begin[1], between, between, end[1]],
        color="0.65",
        linewidth=0.8,
        solid_joinstyle="round",
    )
    _draw_arrow(axes, (left, end[1]), end, color="0.65")


def _draw_legend(axes, y, kinds):
    """What the colors are."""
    words = {"block": "branches that meet", "normalization": "norm, dropout"}
    x = 0.12
    for kind, color in COLORS.items():
        if kind not in kinds:
            continue
        axes.add_patch(
            Rectangle(
                (x, y - 0.05),
                0.14,
                0.1,
                facecolor=color,
                edgecolor=EDGES.get(kind, "0.35"),
                linewidth=0.8,
            )
        )
        text = words.get(kind, kind)
        axes.text(x + 0.19, y, text, fontsize=7, va="center")
        x += 0.36 + 0.062 * len(text)


# A single block ----------------------------------------------------------------------

WIDE, HIGH, ACROSS, DOWN = 1.42, 0.42, 1.72, 0.78


@reader.checked
def block_drawing(block: Block) -> Figure:
    """A block with all its branches, from above to where they meet.

    Args:
        block: Of :func:`kerazoo.analysis.diagram.module`.
    """
    boxes = {one.key: one for one in block.boxes}
    level, column = _placed(block)
    columns = 1 + max(column.values())
    rows = 1 + max(level.values())
    width, height = ACROSS * columns + 0.5, DOWN * rows + 0.98
    width = max(width, 0.09 * len(block.name) + 2.2)
    shift = (width - ACROSS * columns) / 2
    figure = Figure((width, height))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    axes.text(
        0.12,
        0.2,
        f"{block.name}: {block.title or block.boxes[0].words}",
        fontsize=9,
        weight="bold",
        va="center",
    )
    last = block.boxes[-1].key
    centre = shift + ACROSS * columns / 2

    def place(key):
        if key not in boxes:
            return centre, 0.62
        x = centre if key == last else shift + ACROSS * (column[key] + 0.5)
        return x, 0.62 + DOWN * (1 + level[key])

    for one in block.boxes:
        for number, source in enumerate(one.sources or (None,)):
            lane = _lane(one, number, column, last)
            lane = None if lane is None else shift + ACROSS * (lane + 0.5)
            meets = one.key == last
            if not meets and _is_blocked(source, one.key, level, column):
                lane = place(one.key)[0] + WIDE / 2 + 0.09
            _draw_edge(axes, place(source), place(one.key), lane, meets=meets)
    axes.text(
        centre,
        0.62,
        "what comes before",
        fontsize=7.5,
        ha="center",
        va="center",
        color="0.25",
        bbox={"facecolor": "white", "edgecolor": "0.6", "pad": 2.5},
    )
    for one in block.boxes:
        _draw_box(axes, one, place(one.key))
    return figure


def _placed(block):
    """The level of every box, from 0, and the column of every branch."""
    level: dict[str, int] = {}
    for one in block.boxes:
        before = [level[source] for source in one.sources if source in level]
        level[one.key] = 1 + max(before, default=-1)
    known = {one.key: one for one in block.boxes}
    column: dict[str, int] = {}
    last, following = block.boxes[-1], 0
    todo = [(source, None) for source in reversed(last.sources)]
    while todo:
        key, _ = todo.pop()
        if key not in known:
            # A shortcut without a layer has a column of its own.
            column.setdefault(f"{last.key} of {key}", following)
            following += 1
            continue
        started = False
        while key in known and key not in column:
            column[key], started = following, True
            sources = known[key].sources
            todo += [(one, key) for one in sources[1:] if one in known]
            if not sources:
                break
            key = sources[0]
        following += started
    column[last.key] = 0
    return level, column


def _is_blocked(source, key, level, column):
    """Whether another box of its column stands above a box that is read from afar."""
    top = level.get(source, -1)
    return any(
        column[one] == column[key] and top < level[one] < level[key]
        for one in column
        if one in level
    )


def _lane(box, number, column, last):
    """The column in which a shortcut without a layer runs."""
    if box.key != last:
        return None
    source = box.sources[number] if box.sources else None
    return column.get(f"{last} of {source}")


def _draw_edge(axes, begin, end, lane, *, meets):
    """A line from a box to one below it, on a way of its own where it has a lane."""
    (x1, y1), (x2, y2) = begin, (end[0], end[1] - HIGH / 2)
    look = {"color": "0.3", "linewidth": 0.9, "solid_joinstyle": "round"}
    # All that meet do so at one height; all that fork, too.
    fork, meet = y1 + HIGH / 2 + 0.14, y2 - 0.16
    if lane is not None:
        xs, ys = [x1, x1, lane, lane, x2, x2], [y1, fork, fork, meet, meet, y2]
    elif meets:
        xs, ys = [x1, x1, x2, x2], [y1, meet, meet, y2]
    else:
        xs, ys = [x1, x1, x2, x2], [y1, fork, fork, y2]
    axes.plot(xs, [*ys[:-1], y2 - 0.05], zorder=1, **look)
    _draw_arrow(axes, (x2, y2 - 0.06), (x2, y2))


def _draw_box(axes, box, centre):
    x, y = centre
    if box.kind in MERGES and not box.kind.startswith("concat"):
        sign = {"sum": "+", "product": TIMES}.get(box.kind, box.kind)
        kind = "other"
        words = sign
    else:
        kind, words = _family(box.kind), box.words
        if box.kind == "concatenation":
            kind, words = "other", f"concatenation, {box.shape[-1]:,}"
    note = ", ".join(box.beside)
    axes.add_patch(
        FancyBboxPatch(
            (x - WIDE / 2 + 0.05, y - HIGH / 2 + 0.05),
            WIDE - 0.1,
            HIGH - 0.1,
            boxstyle="round,pad=0.05,rounding_size=0.06",
            facecolor=COLORS[kind],
            edgecolor="0.35",
            linewidth=0.9,
        )
    )
    style = {"ha": "center", "va": "center"}
    rise = 0.085 if note else 0
    axes.text(x, y - rise, _typed(words), fontsize=7.8, **style)
    if note:
        look = {"fontsize": 6.5, "color": "0.25", "style": "italic"}
        axes.text(x, y + 0.1, note, **look, **style)
