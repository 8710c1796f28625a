"""docs/slides.md: every place that it names exists, and its counts are right."""

import pathlib
import re

import nbformat
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

ROOT = pathlib.Path(__file__).parents[1]
PAGES = ["docs/slides.md", "docs/lessons/index.md"]
SHOWN = {"networks.md": "MODELS.md", "errata.md": "ERRATA.md"}
ROW = re.compile(r"^\| (\d+)\.(\d+) \| ([A-E -]+) \| (.+?) \| (.+?) \| (.+) \|$", re.M)
TEXT = (ROOT / PAGES[0]).read_text(encoding="utf-8")
# Those of the list that the project began with.
BLOCKS = [32, 12, 17, 20, 11, 20, 20, 28, 15, 10, 9, 12]


def anchors(path):
    """What a link may lead to on a page, or in a lesson."""
    if path.suffix == ".ipynb":
        return {cell.id for cell in nbformat.read(path, as_version=4).cells}
    text = path.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"\W+", "-", one.lower()).strip("-") for one in headings} | set(
        re.findall(r'id="([^"]+)"', text)
    )


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    folder = (ROOT / page).parent
    text = (ROOT / page).read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\(([^)#]+)#?([^)]*)\)", text):
        path = (folder / target).resolve()
        if path.parent.name == "lessons" and path.stem != "index":
            path = ROOT / "notebooks/lessons" / f"{path.stem}.ipynb"
        elif path.name in SHOWN:
            path = ROOT / SHOWN[path.name]
        assert path.is_file(), target
        assert not anchor or anchor in anchors(path), (target, anchor)


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_test_is_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for name in re.findall(r"`((?:tests|kerazoo|notebooks|benchmarks)/[^`]+)`", text):
        path, _, test = name.partition("::")
        assert (ROOT / path).exists(), name
        if test:
            assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), name


def test_every_line_has_a_place_or_a_reason():
    rows = ROW.findall(TEXT)
    assert len(rows) == sum(BLOCKS)
    for block, line, _, what, state, where in rows:
        assert state in ("there", "in part", "not"), (block, line, what)
        parts = where.split("; ")
        places = [one for one in parts if one.startswith(("[", "`"))]
        assert places or state == "not", (block, line, what)
        assert len(parts) > len(places) or state == "there", (block, line, what)


def test_the_counts_are_those_of_the_lines():
    rows = ROW.findall(TEXT)
    states = ("there", "in part", "not")
    lines = {}
    for name, *counts in re.findall(
        r"^\| (\d+ [^|]+|all) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", TEXT, re.M
    ):
        lines[name.split()[0]] = list(map(int, counts))
    for block, size in enumerate(BLOCKS, 1):
        found = [state for number, _, _, _, state, _ in rows if int(number) == block]
        assert lines[str(block)] == [size, *map(found.count, states)], block
    sums = np.sum([lines[str(n)] for n in range(1, len(BLOCKS) + 1)], 0)
    assert lines["all"] == sums.tolist()


def test_im2col_as_deck_c_prints_it():
    """A window that slides, and nothing else, gives the page's matrices."""
    image = np.pad(np.arange(1, 10).reshape(3, 3), 1)
    columns = sliding_window_view(image, (3, 3)).reshape(9, 9)
    printed = """
        0 0 0 0 1 2 0 4 5
        0 0 0 1 2 3 4 5 6
        0 0 0 2 3 0 5 6 0
        0 1 2 0 4 5 0 7 8
        1 2 3 4 5 6 7 8 9
        2 3 0 5 6 0 8 9 0
        0 4 5 0 7 8 0 0 0
        4 5 6 7 8 9 0 0 0
        5 6 0 8 9 0 0 0 0
    """
    np.testing.assert_array_equal(columns.ravel(), np.array(printed.split(), int))
    product = columns @ np.eye(3, dtype=int)[::-1].ravel()
    np.testing.assert_array_equal(product, [1, 6, 8, 6, 15, 14, 12, 14, 9])


def test_col2im_is_the_adjoint_of_im2col():
    """``<im2col(x), c> = <x, col2im(c)>``, which makes it the way back of gradients."""
    draw = np.random.default_rng(0).normal
    image, gradient = draw(size=(5, 5)), draw(size=(9, 9))
    columns = sliding_window_view(image, (3, 3)).reshape(9, 9)
    back = np.zeros((5, 5))
    for n, (row, column) in enumerate(np.ndindex(3, 3)):
        back[row : row + 3, column : column + 3] += gradient[n].reshape(3, 3)
    np.testing.assert_allclose(np.vdot(columns, gradient), np.vdot(image, back))
