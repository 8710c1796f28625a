"""Chief and workers: one search in several processes, on one machine or many.

They are keras-tuner's own. Every process finds the others by its environment:

========================  ==============================================================
``KERASTUNER_TUNER_ID``   ``chief`` for the process that hands out trials, otherwise a
                          name of its own, such as ``worker0``
``KERASTUNER_ORACLE_IP``  the chief's address
``KERASTUNER_ORACLE_PORT``  the chief's port
========================  ==============================================================

All of them run the same ``kerazoo tune`` with a folder that they share. A worker that
died is started again with the same name; where nobody does so, another takes its trial
over once it has missed its heartbeats for a minute.
"""

import contextlib
import errno
import os
import pathlib
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Annotated, Any

from kerazoo import processes, reader
from kerazoo.reader import Positive, Range

Port = Annotated[int, Range(1, 2**16)]
# Seconds between two heartbeats of a worker.
HEARTBEAT = 5.0
# How often a worker that dies is started again.
RESTARTS = 10


class Stopped(RuntimeError):
    """A parallel search was asked to stop.

    Attributes:
        code: The exit status for a shell.
    """

    def __init__(self, number: int) -> None:
        super().__init__(
            f"Stopped by {signal.Signals(number).name}; the states of the trials are "
            "saved, and the same command goes on from there."
        )
        self.code = 128 + number


def role() -> str | None:
    """``chief``, ``worker``, or None where the search is this process' alone.

    Raises:
        ValueError: Where the environment says half of it.
    """
    names = ("TUNER_ID", "ORACLE_IP", "ORACLE_PORT")
    given = {name: os.environ.get(f"KERASTUNER_{name}", "") for name in names}
    if not given["ORACLE_IP"]:
        return None
    missing = [f"KERASTUNER_{name}" for name, value in given.items() if not value]
    if missing:
        raise ValueError(
            f"KERASTUNER_ORACLE_IP is set, but not {' and '.join(missing)}; a search "
            "on several machines needs all three."
        )
    return "chief" if "chief" in given["TUNER_ID"] else "worker"


def reach_chief(seconds: float | None = None) -> None:
    """Waits until the chief answers.

    Args:
        seconds: How long; by default ``KERAZOO_CHIEF_TIMEOUT``, or 300.

    Raises:
        ValueError: Where it does not.
    """
    port = reader.parse(
        Port, os.environ["KERASTUNER_ORACLE_PORT"], "KERASTUNER_ORACLE_PORT"
    )
    address = (os.environ["KERASTUNER_ORACLE_IP"], port)
    if seconds is None:
        text = os.environ.get("KERAZOO_CHIEF_TIMEOUT", "300")
        seconds = reader.parse(Positive, text, "KERAZOO_CHIEF_TIMEOUT")
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(address, timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise ValueError(
                    f"The worker {os.environ['KERASTUNER_TUNER_ID']} cannot reach the "
                    f"chief at {address[0]}:{address[1]} ({error.strerror or error}); "
                    "start the chief, and check KERASTUNER_ORACLE_IP, "
                    "KERASTUNER_ORACLE_PORT and the firewall."
                ) from error
            time.sleep(0.5)


@contextlib.contextmanager
def heartbeat(folder: pathlib.Path, oracle: Any) -> Iterator[None]:
    """Shows that this process lives; a chief drops the workers that do not.

    Args:
        folder: The search's.
        oracle: The strategy, which knows its workers where this is the chief.
    """
    part = role()
    if part is None:
        yield
        return
    beats = folder / "workers"
    beats.mkdir(exist_ok=True)
    own = beats / os.environ["KERASTUNER_TUNER_ID"]
    own.write_text(str(os.getpid()))
    ended = threading.Event()

    def beat():
        while not ended.wait(HEARTBEAT):
            own.touch()
            if part == "chief":
                oracle.drop_dead_workers()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def supervise(folder: pathlib.Path, workers: int) -> None:
    """Runs a search that was begun in a folder in several processes.

    A worker that dies is started again, and goes on with its trial. SIGTERM and Ctrl-C
    are passed on.

    Args:
        folder: The search's folder.
        workers: How many work, besides the chief.

    Raises:
        ValueError: Where a worker ends because of bad input.
        RuntimeError: Where a worker dies again and again.
        Stopped: On a signal.
    """
    (folder / "workers").mkdir(exist_ok=True)
    names = [f"worker{number}" for number in range(workers)]
    shares = dict(
        zip(names, processes.gpu_shares(workers, exclusive=False), strict=True)
    )
    shares["chief"] = {"CUDA_VISIBLE_DEVICES": "-1"}
    port = str(processes.free_ports(1)[0])

    def start(name):
        chief = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": port}
        return processes.start(
            ["kerazoo.tuning.worker", str(folder)],
            env=shares[name] | chief | {"KERASTUNER_TUNER_ID": name},
            log=folder / "workers" / f"{name}.log",
        )

    lives = dict.fromkeys(("chief", *names), 1)
    with processes.signals() as received:
        running = {name: start(name) for name in lives}
        try:
            while any(running[name].poll() != 0 for name in names):
                if received:
                    # Without its chief no worker could report.
                    processes.stop([running[name] for name in names], received)
                    raise Stopped(received[0])
                for name, process in running.items():
                    if process.poll():
                        _give_up_if_hopeless(folder, name, process, lives[name])
                        lives[name] += 1
                        running[name] = start(name)
                time.sleep(0.1)
        finally:
            processes.kill(running.values())


def _give_up_if_hopeless(folder, name, process, lives):
    process.communicate()
    status, log = process.returncode, folder / "workers" / f"{name}.log"
    last = (processes.last_lines(log) or ["it said nothing"])[0]
    if status == 2:
        raise ValueError(last.removeprefix("kerazoo: "))
    if status == 3:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    if lives > RESTARTS:
        raise RuntimeError(
            f"{name} died {lives} times, last with status {status} ({last}); see "
            f"{log}. The same command goes on from there."
        )
    print(
        f"kerazoo: {name} ended with status {status} and starts again.",
        file=sys.stderr,
    )
