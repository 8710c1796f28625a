"""Numbers, names and tables as people see them."""

import html
import itertools
import unicodedata
from collections.abc import Iterable, Sequence


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


def shortened(names: Sequence[str], width: int) -> list[str]:
    """Names of at most so many columns; those that differ still do.

    Args:
        names: The names; some may occur more than once.
        width: Columns, of which a letter of Chinese, Japanese or Korean takes two.
    """
    for head in (width - 1, (width - 1) // 2, 0):
        short = [_cut(name, head, width - 1 - head, width) for name in names]
        if len(set(short)) == len(set(names)):
            return short
    numbers = {name: str(n) for n, name in enumerate(dict.fromkeys(names))}
    return [
        _cut(name, width - 1 - len(numbers[name]), 0, width) + numbers[name]
        if _columns(name) > width
        else name
        for name in names
    ]


def _cut(name, head, tail, width):
    if _columns(name) <= width:
        return name
    return f"{_fitting(name, head)}…{_fitting(name[::-1], tail)[::-1]}"


def _fitting(name, width):
    """As many letters as fit."""
    ends = itertools.accumulate(map(_columns, name))
    return name[: sum(end <= width for end in ends)]


def _columns(name):
    return sum(1 + (unicodedata.east_asian_width(one) in "WF") for one in name)


def table(
    rows: Iterable[Sequence[object]],
    head: Sequence[str] = (),
    *,
    title: str = "",
    note: str = "",
) -> str:
    """A table for notebooks, in the colours of the page; every text is escaped.

    Args:
        rows: Cells. Below a head columns of numbers stand at the right.
        head: What stands above the columns.
        title: What stands above the table.
        note: What stands below it.
    """
    cells = [[html.escape(str(cell)) for cell in row] for row in rows]
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
