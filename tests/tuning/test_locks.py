"""Work that processes share: whose it is, and what happens when one of them is gone."""

import errno
import json
import pathlib
import threading
import time

import pytest

from kerazoo.files import PARTIAL, exclusive, locked, replacing
from kerazoo.tuning import FoldPlan, locks


def appears(path):
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(("finished", "mine"), [(True, [1]), (False, [1, 0])])
def test_another_is_waited_for_and_helped_out(tmp_path, finished, mine):
    places = [tmp_path / name for name in "ab"]
    begun, worked = threading.Event(), []

    def another():
        with locked(locks.lock_path(places[0]), wait=False):
            begun.set()
            appears(places[1])
            if finished:
                places[0].touch()

    def work(number):
        worked.append(number)
        places[number].touch()

    thread = threading.Thread(target=another)
    thread.start()
    begun.wait()
    locks.run_pending(places, pathlib.Path.exists, work)
    thread.join()
    assert worked == mine


def test_a_folder_has_one_owner(tmp_path):
    folder = tmp_path / "new"
    with (
        exclusive(folder, "searched"),
        pytest.raises(ValueError, match="is being searched by another process"),
        exclusive(folder, "searched"),
    ):
        pass
    assert not list(folder.iterdir())


def test_a_death_before_the_plan_is_written_leaves_an_empty_folder(tmp_path):
    (tmp_path / f"{PARTIAL}x.json").write_text("{")
    plan = FoldPlan(folds=2)
    locks.claim_plan(tmp_path, "plan.json", "search", plan, False)
    written = json.loads((tmp_path / "plan.json").read_text())
    assert written == {"folds": 2, "repeats": 1, "seed": 1}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left"), "No space left: '{path}'"),
        (OSError("a library's own words"), "a library's own words"),
    ],
)
def test_a_full_disk_says_where(tmp_path, error, words):
    path = tmp_path / "model.keras"
    with pytest.raises(OSError) as caught, replacing(path):
        raise error
    assert words.format(path=path) in str(caught.value)
    assert not list(tmp_path.iterdir())
