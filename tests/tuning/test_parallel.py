"""Chief and workers on this machine."""

import json
import os
import signal
import socket
import sys
import threading
import time

import pytest

from kerazoo import processes
from kerazoo.tuning import parallel, worker
from kerazoo.tuning.records import summary

from ..conftest import TINY
from .conftest import run_search

RECIPE = TINY.override("batch_size=50", "epochs=4")


@pytest.mark.slow
def test_a_chief_and_two_workers_make_every_trial_once(
    data_dir, digits, tmp_path, capsys
):
    """One of the workers is killed in its first trial; it starts again, and so on."""
    folder = tmp_path / "search"
    killed = []

    def kill():
        path = folder / "workers" / "worker0"
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            # The file may be there before what is written into it.
            pid = path.read_text() if path.exists() else ""
            if pid and list(folder.glob("trial_*/config.json")):
                killed.append(int(pid))
                os.kill(killed[0], signal.SIGKILL)
                return
            time.sleep(0.05)

    thread = threading.Thread(target=kill)
    thread.start()
    search = run_search(
        network="mlp_50",
        data="digits",
        recipe=RECIPE,
        space=["learning_rate=0.003,0.01,0.03", "batch_size=50,100"],
        strategy="grid",
        folder=folder,
        data_dir=data_dir,
        precision="float32",
        workers=2,
        verbose=True,
    )
    thread.join()
    assert killed
    trials = search.trials
    assert sorted(trial.number for trial in trials) == list(range(6))
    lines = capsys.readouterr().out.splitlines()
    assert sorted(lines) == sorted(map(summary, trials))
    assert {trial.status for trial in trials} == {"completed"}
    values = {json.dumps(trial.values) for trial in trials}
    assert len(values) == 6
    state = json.loads((folder / "oracle.json").read_text())
    assert [trial["status"] for trial in state["trials"]] == ["COMPLETED"] * 6
    assert sorted(state["oracle"]["end_order"]) == [f"{n:04d}" for n in range(6)]
    # Both worked, and but for the one that was killed each trial was begun once.
    assert {trial.worker for trial in trials} == {"worker0", "worker1"}
    starts = sorted(trial.starts for trial in trials)
    assert starts[:5] == [1] * 5
    assert (folder / "results.csv").is_file()


def test_the_environment_names_the_part(monkeypatch):
    assert parallel.role() is None
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    with pytest.raises(ValueError, match="_TUNER_ID and KERASTUNER_ORACLE_PORT; a sea"):
        parallel.role()
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "1")
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "chief")
    assert parallel.role() == "chief"
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "worker7")
    assert parallel.role() == "worker"


def test_a_worker_without_a_chief_says_so(monkeypatch, tmp_path, digits, data_dir):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", port)
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "worker7")
    monkeypatch.setenv("KERAZOO_CHIEF_TIMEOUT", "0.1")
    with pytest.raises(ValueError) as caught:
        run_search(
            network="mlp_50",
            data="digits",
            recipe=RECIPE,
            folder=tmp_path / "search",
            data_dir=data_dir,
        )
    words = f"worker7 cannot reach the chief at 127.0.0.1:{port} (Connection refused)"
    assert words in str(caught.value)
    assert not (tmp_path / "search").exists()


class Ended:
    """A process that has ended."""

    def __init__(self, status, line, log):
        self.returncode = status
        with open(log, "a") as file:
            file.write(line)

    def poll(self):
        return self.returncode

    def kill(self):
        pass

    communicate = kill


@pytest.mark.parametrize(
    ("status", "line", "kind", "words"),
    [
        (2, "kerazoo: there is no such set.\n", ValueError, "there is no such set"),
        (-9, "", RuntimeError, "died 11 times, last with status -9 (it said nothing)"),
    ],
)
def test_workers_that_cannot_work_end_the_search(
    tmp_path, monkeypatch, capsys, status, line, kind, words
):
    monkeypatch.setattr(parallel.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(
        processes,
        "start",
        lambda argv, env, log: Ended(status, line, log),
    )
    with pytest.raises(kind) as caught:
        parallel.supervise(tmp_path, 2)
    assert words in str(caught.value)


def test_a_worker_ends_with_a_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / "search.json").write_text("{")
    monkeypatch.setattr(sys, "argv", ["worker", str(tmp_path)])
    with pytest.raises(SystemExit) as caught:
        worker.main()
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"kerazoo: {tmp_path / 'search.json'} is damaged")
