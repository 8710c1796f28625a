"""The pages of docs/ build without a warning; every public name is on one."""

import ast
import os
import pathlib
import re
import runpy
import subprocess
import sys

import nbformat
import pytest

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LESSONS = sorted((ROOT / "notebooks/lessons").glob("*.ipynb"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    place = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(place)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    # Strict: a dead link or a name that is not there is an error.
    assert done.returncode == 0, done.stderr[-3000:]
    return place


def test_every_public_name_has_its_place(site):
    pages = "".join(page.read_text() for page in site.rglob("*.html"))
    for room in ("", "data", "training", "tuning"):
        stub = ROOT / "kerazoo" / room / "__init__.pyi"
        for node in ast.parse(stub.read_text()).body:
            module = getattr(node, "module", None)
            if module in (None, "networks"):
                continue
            for alias in node.names:
                path = ".".join(filter(None, ("kerazoo", room, module, alias.name)))
                assert f'id="{path}"' in pages, path


def test_the_readme_is_short_and_its_files_are_there():
    assert len(README.splitlines()) <= 115
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target
    for module in re.findall(r"python -m (benchmarks\.\w+)", README):
        assert (ROOT / (module.replace(".", "/") + ".py")).is_file(), module


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
@pytest.mark.parametrize("language", ["", "ko"])
def test_a_lesson_is_rendered_in_both_languages(site, path, language):
    place = site / "lessons" / language / path.stem / "index.html"
    html = place.read_text(encoding="utf-8")
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            assert f'id="{cell.id}"' in html
    for picture in re.findall(r'<img [^>]*src="([^"]+)"', html):
        assert (place.parent / picture).is_file(), picture


def test_links_between_lessons_are_links_between_pages():
    script = runpy.run_path(str(ROOT / "docs/lessons.py"))
    source = (
        "[a](01_convolution.ipynb#im2col) [b](../../docs/export.md) "
        "[c](../../ERRATA.md#erratum-3) [d](../../kerazoo/models/alexnet.py) "
        "[e](https://keras.io) [f](#here)"
    )
    assert script["_linked"](source, "") == (
        "[a](01_convolution.md#im2col) [b](../export.md) "
        "[c](../errata.md#erratum-3) d [e](https://keras.io) [f](#here)"
    )
    deeper = re.sub(r"\((?=0|\.)", "(../", source)
    assert script["_linked"](deeper, "ko") == (
        "[a](01_convolution.md#im2col) [b](../../export.md) "
        "[c](../../errata.md#erratum-3) d [e](https://keras.io) [f](#here)"
    )


def test_a_printed_line_is_no_wider_than_a_page():
    wrapped = runpy.run_path(str(ROOT / "docs/lessons.py"))["_wrapped"]
    words = " ".join(["twelve"] * 40)
    assert max(map(len, wrapped(words).split("\n"))) <= 88
    assert wrapped(words).replace("\n", " ") == words
    assert wrapped("a  b\n\n  c\n") == "a  b\n\n  c\n"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_links_of_a_lesson_lead_somewhere(path):
    """In the notebook itself and in its twin, whose folder is one deeper."""
    cells = nbformat.read(path, as_version=4).cells
    twin = path.parent / "ko" / f"{path.stem}.md"
    for folder, text in (
        (path.parent, "".join(x.source for x in cells if x.cell_type == "markdown")),
        (twin.parent, twin.read_text(encoding="utf-8")),
    ):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
            assert (folder / target).exists(), target
