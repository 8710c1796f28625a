"""Tables for terminals of any width."""

from collections.abc import Collection, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table

# Wider than any table.
UNBOUNDED = 100_000


class FittingTable(Table):
    """A table that leaves whole columns out where not all fit, and says which.

    rich would cut the numbers of all of them.

    Args:
        *columns: As for ``rich.table.Table``. One with a ``min_width`` may be as narrow
            as that; the others are as wide as their cells.
        spare: Headers of the columns to leave out, in this order.
        **options: As for ``rich.table.Table``.
    """

    def __init__(
        self, *columns: Column, spare: Sequence[str] = (), **options: Any
    ) -> None:
        self._options = {"header_style": "bold", "caption_justify": "left"} | options
        super().__init__(*columns, **self._options)
        self.spare = spare

    def fits(self, console: Console, width: int) -> bool:
        """Whether all columns have their width."""
        columns = self._pliable(console)
        narrow = sum(column.min_width for column, _ in columns)
        return self._rigid(console, columns) + narrow <= width

    def _pliable(self, console):
        """The columns that may be narrow, with the width of their widest cell."""
        return [
            (one, max(console.measure(cell).maximum for cell in cells))
            for one in self.columns
            if one.min_width and (cells := [one.header, *one.cells])
        ]

    def _rigid(self, console, columns):
        """The width of all that is not the text of these."""
        unbounded = console.options.update(width=UNBOUNDED)
        whole = console.measure(self, options=unbounded).maximum
        return whole - sum(natural for _, natural in columns)

    def _without(self, headers: Collection[str]) -> "FittingTable":
        kept = [one for one in self.columns if one.header not in headers]
        table = FittingTable(*(one.copy() for one in kept), **self._options)
        cells = zip(*(one.cells for one in kept), strict=True)
        for row, texts in zip(self.rows, cells, strict=True):
            table.add_row(*texts, end_section=row.end_section)
        words = [self.caption] if self.caption else []
        if headers:
            words += [f"not shown, for want of width: {', '.join(headers)}"]
        table.caption = "\n".join(map(str, words)) or None
        return table

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        """Renders what fits."""
        width, left_out = options.max_width, 0
        shown = self._without(())
        while not shown.fits(console, width) and left_out < len(self.spare):
            left_out += 1
            shown = self._without(self.spare[:left_out])
        shown._share(console, width)
        yield from Table.__rich_console__(shown, console, options)

    def _share(self, console, width):
        """Gives the columns that may be narrow what the others leave."""
        columns = self._pliable(console)
        room = width - self._rigid(console, columns)
        for number, (column, natural) in enumerate(columns):
            fair = max(column.min_width, room // (len(columns) - number))
            column.width = min(natural, fair)
            room -= column.width
