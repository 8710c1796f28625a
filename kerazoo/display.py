"""Numbers, names and tables as people see them."""

import html
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kerazoo import reader


def percent(share: float, digits: int = 2) -> str:
    """A share in percent, as in ``99.97%``.

    What is less than all is not rounded to 100, and what is more than nothing not to 0.
    """
    value, least = 100 * float(share), 10.0**-digits
    if 0 < share < 1:
        value = min(max(value, least), 100 - least)
    return f"{value:.{digits}f}%"


def number(value: float | None) -> str:
    """A loss with four digits, as in ``0.1234``; nothing where there is none."""
    return "" if value is None else f"{value:.4f}"


def size(count: float | None) -> str:
    """Bytes, as in ``12 kB`` or ``1.34 MB``; ``?`` where nobody knows how many."""
    if count is None:
        return "?"
    power = min(3, len(f"{count:.0f}") // 3 - (len(f"{count:.0f}") % 3 == 0))
    return f"{count / 1000**power:.3g} {('B', 'kB', 'MB', 'GB')[power]}"


def columns(letter: str) -> float:
    """Columns of a terminal: a letter of Chinese, Japanese or Korean takes two."""
    return 1 + (unicodedata.east_asian_width(letter) in "WF")


def shortened(
    names: Sequence[str], width: int, columns: Callable[[str], float] = columns
) -> list[str]:
    """Names of at most so many columns; those that differ still do.

    Args:
        names: The names; some may occur more than once.
        width: Columns that a name may take.
        columns: How many a letter takes.
    """

    def wide(name):
        return sum(map(columns, name))

    def fitting(name, width):
        """As many letters as fit."""
        ends = itertools.accumulate(map(columns, name))
        return name[: sum(end <= width for end in ends)]

    def cut(name, head, tail):
        if wide(name) <= width:
            return name
        return f"{fitting(name, head)}…{fitting(name[::-1], tail)[::-1]}"

    for head in (width - 1, (width - 1) // 2, 0):
        short = [cut(name, head, width - 1 - head) for name in names]
        if len(set(short)) == len(set(names)):
            return short
    numbers = {name: str(n) for n, name in enumerate(dict.fromkeys(names))}
    return [
        cut(name, width - 1 - len(numbers[name]), 0) + numbers[name]
        if wide(name) > width
        else name
        for name in names
    ]


def table(
    rows: Iterable[Sequence[object]],
    head: Sequence[str] = (),
    *,
    title: str = "",
    note: str = "",
) -> str:
    """A table for notebooks, in the colours of the page; every text is escaped.

    Args:
        rows: Cells, in as many lines as they have. Below a head columns of numbers
            stand at the right.
        head: What stands above the columns.
        title: What stands above the table.
        note: What stands below it.
    """
    cells = [
        [html.escape(str(cell)).replace("\n", "<br>") for cell in row] for row in rows
    ]
    sides = ["left"] * max(map(len, cells), default=0)
    if head:
        columns = zip(*cells, strict=True)
        sides = ["right" if _numbers(column) else "left" for column in columns]
    lines = ["<table>"]
    if title:
        # A caption would stand below the table in some notebooks.
        lines.insert(0, f"<div><b>{html.escape(title)}</b></div>")
    if head:
        names = [html.escape(name) for name in head]
        sides = sides or ["left"] * len(names)
        lines.append(f"<thead>{_row(names, sides, 'th')}</thead>")
    body = "\n".join(_row(row, sides, "td") for row in cells)
    lines.append(f"<tbody>{body}</tbody></table>")
    if note:
        lines.append(f"<div>{html.escape(note)}</div>")
    return "\n".join(lines)


def _numbers(column):
    return all(cell[:1].isdigit() for cell in column if cell)


def _row(cells, sides, tag):
    styled = (
        f'<{tag} style="text-align: {side}">{cell}</{tag}>'
        for cell, side in zip(cells, sides, strict=True)
    )
    return f"<tr>{''.join(styled)}</tr>"


# What a number of a slide may end with, and what it stands for.
_SCALES = {"": 1, "%": 1, "k": 1e3, "K": 1e3, "M": 1e6, "million": 1e6}
_NUMBER = re.compile(r"[~≈]? ?([-−]?[\d,]*\.?\d+) ?(%|k|K|M|million|)")


@reader.checked
def beside(rows: Iterable[Sequence[Any]], title: str = "") -> str:
    """What a slide prints beside what is computed, as a table for notebooks.

    The last column is ``=`` where the two agree once what is computed is rounded to
    the digits that the slide prints; else ``erratum N``, or ``differs`` where no
    erratum of ``ERRATA.md`` is named.

    Args:
        rows: ``(what, printed, computed)`` or ``(what, printed, computed, erratum)``.
            Printed is a number as the slide has it (``"203,530"``, ``"35K"``,
            ``"2.3 million"``, ``-0.05``), a shape (``"55x55x96"``, computed a tuple),
            any other text, or a matrix of numbers as lists or an array.
        title: What stands above the table.

    Raises:
        ValueError: A row has fewer or more cells, or names an erratum where the slide
            is right.
    """
    cells = []
    for row in rows:
        if len(row) not in (3, 4):
            raise ValueError(
                f"A row has {len(row)} cells; give what, printed and computed, and the "
                "number of an erratum where there is one."
            )
        what, printed, computed, *errata = row
        agree = _agrees(printed, computed)
        if agree and errata:
            raise ValueError(
                f"Erratum {errata[0]} is named for {what!r}, where the slide is right: "
                f"{_shown(printed)}; leave it out."
            )
        verdict = "=" if agree else f"erratum {errata[0]}" if errata else "differs"
        shown = _shown(computed, _digits(printed))
        cells.append([what, _shown(printed), shown, verdict])
    return table(cells, ("", "the slide", "computed", ""), title=title)


def _agrees(printed, computed):
    """Whether what was computed rounds to what is printed, in every cell."""
    printed, computed = _plain(printed), _plain(computed)
    if isinstance(printed, list) or isinstance(computed, list):
        return (
            isinstance(printed, list)
            and isinstance(computed, list)
            and len(printed) == len(computed)
            and all(map(_agrees, printed, computed))
        )
    found = _NUMBER.fullmatch(str(printed))
    if found is None or not isinstance(computed, int | float):
        return str(printed) == _shown(computed)
    digits, unit = found.groups()
    expected = float(digits.replace(",", "").replace("−", "-"))
    off = abs(computed / _SCALES[unit] - expected)
    # A half may be rounded either way.
    return off <= 0.5 * 10.0 ** -_digits(printed) * (1 + 1e-9)


def _shown(value, digits=0):
    """Numbers with at most two digits more, a line for every row of a matrix."""
    value = _plain(value)
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    if isinstance(value, list):
        nested = bool(value) and isinstance(value[0], list)
        return ("\n" if nested else " ").join(_shown(one, digits) for one in value)
    if isinstance(value, float):
        text = f"{value:,.{digits + 2}f}".rstrip("0").rstrip(".")
        return text if float(text.replace(",", "")) else "0"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _plain(value):
    """Arrays and tensors as lists, their scalars as Python's."""
    return value.__array__().tolist() if hasattr(value, "__array__") else value


def _digits(printed):
    """Digits behind the point, the most of any number of a matrix."""
    found = re.findall(r"\.(\d+)", str(_plain(printed)))
    return max(map(len, found), default=0)
