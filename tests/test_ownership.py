"""Nothing is deleted or written over that kerazoo has not written itself."""

import json
import os
import shutil

import pytest

import kerazoo
from kerazoo import files
from kerazoo.run import FILES
from kerazoo.tuning import locks

COMMANDS = (
    "train mlp_50 --recipe recipe.json --precision float32 --data-dir DATA --run",
    "tune mlp_50 --recipe recipe.json --precision float32 --data-dir DATA --trials 1 "
    "--space learning_rate=0.1,0.2 --folder",
    "crossval mlp_50 --recipe recipe.json --precision float32 --data-dir DATA "
    "--folds 2 --folder",
    "winner search --data-dir DATA --run",
    "ensemble run other --folder",
)
# What each of them may overwrite, among the results.
MAY = ({"run", "other"}, {"search"}, {"folds"}, {"run", "other"}, set())


@pytest.fixture
def copy(results, tmp_path):
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    recipe = kerazoo.Run(tmp_path / "search" / "trial_0000").recipe
    (tmp_path / "recipe.json").write_text(recipe.to_json())
    return tmp_path


def contents(place):
    return {
        path.relative_to(place): path.is_file() and path.read_bytes()
        for path in sorted(place.rglob("*"))
    }


def a_file(copy):
    (copy / "target").write_text("mine")


def a_folder_of_notes(copy):
    (copy / "target").mkdir()
    (copy / "target" / "notes.txt").write_text("mine")


def a_configuration_of_something_else(copy):
    (copy / "target").mkdir()
    for name in ("config.json", "search.json", "plan.json", "ensemble.json"):
        (copy / "target" / name).write_text(json.dumps({"mine": 1}))
    (copy / "target" / "notes.txt").write_text("mine")


def a_link_to_a_folder(copy):
    (copy / "mine").mkdir()
    (copy / "mine" / "notes.txt").write_text("mine")
    (copy / "target").symlink_to(copy / "mine")


def a_link_to_nowhere(copy):
    (copy / "target").symlink_to(copy / "file" / "nowhere")
    (copy / "file").write_text("mine")


def a_pipe(copy):
    os.mkfifo(copy / "target")


def the_parent(copy):
    (copy / "target").mkdir()
    shutil.copytree(copy / "run", copy / "target" / "run")


FOREIGN = (
    a_file, a_folder_of_notes, a_configuration_of_something_else, a_link_to_a_folder,
    a_link_to_nowhere, a_pipe, the_parent,
)  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words.split()[0])
@pytest.mark.parametrize("make", FOREIGN)
def test_what_is_foreign_stays(command, copy, data_dir, words, make):
    make(copy)
    before = contents(copy)
    words = [*words.replace("DATA", str(data_dir)).split(), "target"]
    for more in ([], ["--overwrite"]):
        status, out, errors = command(*words, *more)
        assert (status, out) == (2, ""), errors
        assert errors.startswith("kerazoo: ") and len(errors.splitlines()) == 1
        assert "target" in errors
        assert contents(copy) == before


@pytest.mark.parametrize(
    ("words", "may"),
    list(zip(COMMANDS, MAY, strict=True)),
    ids=[words.split()[0] for words in COMMANDS],
)
def test_the_results_of_something_else_stay(command, copy, data_dir, words, may):
    """Also the current folder, in which all of them stand."""
    before = contents(copy)
    words = words.replace("DATA", str(data_dir)).split()
    for target in {"run", "other", "search", "folds", "."} - may:
        status, _, errors = command(*words, target, "--overwrite")
        assert status == 2, (target, errors)
        assert contents(copy) == before, target


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt", "events/notes.txt", "state/notes.txt", "state/more/step-1.npz",
        "snapshots/mine.npz", "results.xlsx", "trial_notes.txt", "fold_notes/a.txt",
        "workers.txt", "mistakes/notes.txt", "events/embeddings/notes.txt",
    ],
)  # fmt: skip
def test_a_file_among_ones_own_stays(copy, name):
    for place, own in (("run", FILES), ("search", locks.FILES), ("folds", locks.FILES)):
        files.check_own(copy / place, own, "test")
        path = copy / place / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("mine")
        before = contents(copy / place)
        with pytest.raises(ValueError, match=name):
            files.clear(copy / place, own, "test")
        assert contents(copy / place) == before
        path.unlink()


def test_a_link_among_ones_own_stays(copy):
    (copy / "mine").mkdir()
    (copy / "mine" / "step-1.npz").write_text("mine")
    shutil.rmtree(copy / "run" / "state", ignore_errors=True)
    (copy / "run" / "state").symlink_to(copy / "mine")
    with pytest.raises(ValueError, match="holds state"):
        files.clear(copy / "run", FILES, "run")
    assert (copy / "mine" / "step-1.npz").read_text() == "mine"


def test_a_device_or_a_folder_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(ValueError, match="give a file that can be written"):
            files.write_atomic(tmp_path / name, "text")
    assert (tmp_path / "pipe").is_fifo()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_link_to_a_file_is_written_through(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    files.write_atomic(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"
