"""Tables keep their numbers whole, however narrow the terminal is."""

import io

import pytest
from rich.console import Console

import kerazoo
from kerazoo import recipes
from kerazoo.analysis.tables import FittingTable
from kerazoo.cli.app import console


def table():
    made = FittingTable(spare=("seconds", "note"), box=None)
    for header in ("name", "accuracy", "seconds"):
        made.add_column(header, no_wrap=True)
    made.add_column("note", overflow="ellipsis", no_wrap=True, min_width=8)
    made.add_row("resnet20_cifar", "97.25%", "123.4", "a sentence of some length")
    return made


# 14 + 8 + 7 + 25 characters, and two spaces for each of the columns.
@pytest.mark.parametrize(
    ("width", "cells", "left_out"),
    [
        (62, ["97.25%", "123.4", "a sentence of some length"], ""),
        (55, ["97.25%", "123.4", "a sentence of som…"], ""),
        (45, ["97.25%", "123.4", "a sente…"], ""),
        (44, ["97.25%", "a sentence of s…"], "seconds"),
        (30, ["97.25%"], "seconds, note"),
    ],
)
def test_columns_are_left_out_whole(width, cells, left_out):
    output = io.StringIO()
    Console(file=output, width=width).print(table())
    lines = output.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert [cell.strip() for cell in lines[1].split("  ") if cell.strip()] == [
        "resnet20_cifar",
        *cells,
    ]
    said = " ".join(line.strip() for line in lines[2:])
    assert said == (f"not shown, for want of width: {left_out}" if left_out else "")


def test_a_table_can_be_printed_again():
    """What a narrow console left out a wide one shows."""
    one = table()
    for width, whole in ((30, False), (80, True)):
        output = io.StringIO()
        Console(file=output, width=width).print(one)
        assert ("123.4" in output.getvalue()) == whole


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lists_keep_names_and_numbers(command, monkeypatch, width):
    monkeypatch.setattr(console, "width", width)
    _, out, _ = command("list")
    lines = out.splitlines()
    for name in kerazoo.list_models():
        card = kerazoo.find(name)
        (line,) = [line for line in lines if name in line.split()[:2]]
        assert f"{card.total / 1e6:.2f} M" in line
        assert f"{card.macs / 1e6:,.1f} M" in line
    _, out, _ = command("recipes")
    for name in recipes.list_recipes():
        assert any(line.split()[0] == name for line in out.splitlines())


@pytest.mark.parametrize("width", [60, 80])
def test_a_ledger_keeps_layers_and_numbers(command, monkeypatch, width):
    monkeypatch.setattr(console, "width", width)
    _, out, _ = command("info", "googlenet")
    start = out.index(" layer ")
    rows = [line.split() for line in out[start:].splitlines()[2:] if line.strip()]
    found = {row[0]: row[1:] for row in rows}
    for row in kerazoo.ledger(kerazoo.googlenet()).rows:
        cells = found[row.name]
        assert not [cell for cell in cells if "…" in cell and cell != row.kind]
        if row.macs:
            assert f"{row.macs:,}" in cells and f"{row.weights:,}" in cells
