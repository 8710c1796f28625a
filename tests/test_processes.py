"""Helper processes: gone with their parent, with the GPUs shared out."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

from kerazoo import processes

CHILD = """
import pathlib, signal, sys, time
from kerazoo import processes

def save(number, frame):
    pathlib.Path("saved").touch()
    sys.exit()

signal.signal(signal.SIGTERM, save)
processes.exit_with_parent()
pathlib.Path("ready").touch()
time.sleep(60)
"""
PARENT = """
import time
from kerazoo import processes

child = processes.start(["child"])
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


def test_a_worker_of_a_killed_launch_does_not_stay_behind(tmp_path, data_dir):
    """The command itself, so that every command obeys."""
    code = (
        "import time; from kerazoo import processes; "
        "p = processes.start(['kerazoo', 'train', 'mlp_50', '--data=digits', "
        f"'--data-dir={data_dir}', '--epochs=10000', '--run={tmp_path / 'run'}']); "
        "print(p.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    child = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 60
    while os.path.exists(f"/proc/{child}/stat"):
        with open(f"/proc/{child}/stat") as file:
            if file.read().split()[2] == "Z":
                break
        assert time.monotonic() < deadline
        time.sleep(0.05)


STUBBORN = """
import pathlib, signal, sys, time

def count(number, frame):
    name = "second" if pathlib.Path("first").exists() else "first"
    pathlib.Path(name).touch()
    if name == "second":
        sys.exit(7)

signal.signal(signal.SIGINT, count)
pathlib.Path("ready").touch()
time.sleep(60)
"""


def test_a_second_signal_is_passed_on(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", STUBBORN], cwd=tmp_path)
    appears(tmp_path / "ready")
    received = [signal.SIGINT]

    def insist():
        appears(tmp_path / "first")
        received.append(signal.SIGINT)

    thread = threading.Thread(target=insist)
    thread.start()
    processes.stop([child], received)
    thread.join()
    assert child.wait() == 7


@pytest.mark.parametrize(
    ("gpus", "count", "exclusive", "shares"),
    [
        ("", 2, True, [None, None]),
        ("3", 2, False, [None, None]),
        ("0,1,2", 3, True, ["0", "1", "2"]),
        ("0,1,2,3,4", 2, True, ["0,1", "2,3"]),
        ("0,1", 3, False, ["0", "1", "0"]),
        ("-1", 2, True, [None, None]),
    ],
)
def test_gpus_are_shared_out(monkeypatch, gpus, count, exclusive, shares):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
    found = processes.gpu_shares(count, exclusive=exclusive)
    assert [one.get("CUDA_VISIBLE_DEVICES") for one in found] == shares


def test_too_few_gpus_are_refused(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(ValueError, match="3 processes cannot share 2 GPUs"):
        processes.gpu_shares(3, exclusive=True)


def test_helpers_import_nothing_from_the_users_folder(tmp_path):
    for name in ("typer", "json", "kerazoo"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(7)")
    words = ["launch", "--processes=1", "--restarts=0", "--", "list"]
    for command in (
        [pathlib.Path(sys.executable).with_name("kerazoo"), *words],
        [sys.executable, "-P", "-m", "kerazoo", "list"],
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    (tmp_path / "kerazoo.py").unlink()
    (tmp_path / "json.py").unlink()
    command = [sys.executable, "-m", "kerazoo", "list"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
