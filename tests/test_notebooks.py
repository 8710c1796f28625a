"""Every notebook runs from top to bottom and is stored with its outputs.

A lesson has a Korean twin, which says the same in every cell.
"""

import pathlib
import re

import nbclient
import nbformat
import pytest

FOLDER = pathlib.Path(__file__).parents[1] / "notebooks"
LESSONS = sorted((FOLDER / "lessons").glob("*.ipynb"))
NOTEBOOKS = [*sorted(FOLDER.glob("*.ipynb")), *LESSONS]


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


def test_there_are_notebooks():
    assert "01_tour.ipynb" in [path.name for path in NOTEBOOKS]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# What Jupyter's own event loop leaves open is no fault of a notebook.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_notebook_runs(path, tmp_path, data_dir, monkeypatch):
    monkeypatch.setenv("KERAZOO_FAST", "1")
    monkeypatch.setenv("KERAZOO_DATA_DIR", str(data_dir))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    for cell in code_cells(notebook):
        assert cell.execution_count
        assert not [o for o in cell.outputs if o.output_type == "error"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_with_its_outputs(path):
    """Of one run from top to bottom, without an error, in a small file."""
    assert path.stat().st_size < 600_000
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error"]
    assert [o for o in outputs if "image/png" in o.get("data", {})]


def twin(path):
    """The texts of a lesson's Korean twin by the ids of its cells, in order."""
    text = (path.parent / "ko" / f"{path.stem}.md").read_text(encoding="utf-8")
    before, *parts = re.split(r"^<!-- cell: (\S+) -->$", text, flags=re.MULTILINE)
    assert not before.strip()
    return list(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_and_its_korean_twin_agree(path):
    """The same cells in the same order, and no number of the one without the other."""
    notebook = nbformat.read(path, as_version=4)
    assert len(code_cells(notebook)) <= 12
    texts = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    korean = twin(path)
    assert [cell.id for cell in texts] == [name for name, _ in korean]
    for cell, (_, text) in zip(texts, korean, strict=True):
        assert re.search("[가-힣]", text), cell.id
        numbers = [set(re.findall(r"\d+(?:[.,]\d+)*", x)) for x in (cell.source, text)]
        assert numbers[0] <= numbers[1], (cell.id, numbers[0] - numbers[1])


def test_there_is_no_twin_without_a_lesson():
    twins = {path.stem for path in FOLDER.glob("lessons/ko/*.md")}
    assert twins == {path.stem for path in LESSONS}
