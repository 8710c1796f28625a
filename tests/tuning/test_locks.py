"""Work that processes share: whose it is, and what happens when one of them is gone."""

import errno
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import pytest

from kerazoo.files import PARTIAL, exclusive, locked, replacing
from kerazoo.tuning import locks

CHILD = """
import pathlib, signal, sys, time
from kerazoo.tuning import locks

def save(number, frame):
    pathlib.Path("saved").touch()
    sys.exit()

signal.signal(signal.SIGTERM, save)
locks.follow()
pathlib.Path("ready").touch()
time.sleep(60)
"""
PARENT = """
import time
from kerazoo.tuning import locks

child = locks.start("child")
time.sleep(60)
"""


def test_a_process_saves_and_stops_when_its_parent_is_killed(tmp_path):
    (tmp_path / "child.py").write_text(CHILD)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
    )
    appears(tmp_path / "ready")
    assert not (tmp_path / "saved").exists()
    parent.kill()
    parent.wait()
    appears(tmp_path / "saved")


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
        with locked(locks.beside(places[0]), wait=False):
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
    locks.work_off(places, pathlib.Path.exists, work)
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
    locks.begin(tmp_path, "plan.json", "search", {"seed": 1}, False)
    assert json.loads((tmp_path / "plan.json").read_text()) == {"seed": 1}


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
