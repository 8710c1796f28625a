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
over once it has been silent for a minute.
"""

import contextlib
import os
import pathlib
import signal
import socket
import sys
import threading
import time

from kerazoo.tuning import locks

# Seconds between two signs of life of a worker.
PULSE = 5.0
# How often a worker that dies is started again.
RESTARTS = 10


class Stopped(RuntimeError):
    """A parallel search was asked to stop.

    Attributes:
        code: The exit status for a shell.
    """

    def __init__(self, number: int):
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
    given = {name: os.environ.get(f"KERASTUNER_{name}") for name in names}
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
    place = (
        os.environ["KERASTUNER_ORACLE_IP"],
        int(os.environ["KERASTUNER_ORACLE_PORT"]),
    )
    if seconds is None:
        seconds = float(os.environ.get("KERAZOO_CHIEF_TIMEOUT", 300))
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(place, timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise ValueError(
                    f"The worker {os.environ['KERASTUNER_TUNER_ID']} cannot reach the "
                    f"chief at {place[0]}:{place[1]} ({error.strerror or error}); "
                    "start the chief, and check KERASTUNER_ORACLE_IP, "
                    "KERASTUNER_ORACLE_PORT and the firewall."
                ) from error
            time.sleep(0.5)


@contextlib.contextmanager
def signs_of_life(folder: pathlib.Path, oracle):
    """While a worker works, says so; while a chief waits, looks who still does.

    Args:
        folder: The search's.
        oracle: The strategy, which knows its workers where this is the chief.
    """
    part = role()
    if part is None:
        yield
        return
    signs = folder / "workers"
    signs.mkdir(exist_ok=True)
    own = signs / os.environ["KERASTUNER_TUNER_ID"]
    own.write_text(str(os.getpid()))
    ended = threading.Event()

    def beat():
        while not ended.wait(PULSE):
            own.touch()
            if part == "chief":
                oracle.forget_the_silent()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def supervise(folder: pathlib.Path, workers: int, verbose: bool = False) -> None:
    """Runs a search that was begun in a folder in several processes.

    A worker that dies is started again, and goes on with its trial. SIGTERM and Ctrl-C
    are passed on.

    Args:
        folder: The search's folder.
        workers: How many work, besides the chief.
        verbose: Whether to tell of the trials as they end.

    Raises:
        ValueError: Where a worker ends because of bad input.
        RuntimeError: Where a worker dies again and again.
        Stopped: On a signal.
    """
    asked = []
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {
            number: signal.signal(number, lambda number, frame: asked.append(number))
            for number in (signal.SIGTERM, signal.SIGINT)
        }
    (folder / "workers").mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    names = [f"worker{number}" for number in range(workers)]
    devices = {name: locks.gpu(number) for number, name in enumerate(names)}
    devices["chief"] = {"CUDA_VISIBLE_DEVICES": "-1"}

    def start(name):
        environment = devices[name] | {
            "KERASTUNER_TUNER_ID": name,
            "KERASTUNER_ORACLE_IP": "127.0.0.1",
            "KERASTUNER_ORACLE_PORT": str(port),
        }
        with open(folder / "workers" / f"{name}.log", "ab") as log:
            return locks.start(
                __name__, str(folder), env=environment, stdout=log, stderr=log
            )

    processes = {name: start(name) for name in ("chief", *names)}
    lives = dict.fromkeys(processes, 1)
    try:
        while not asked:
            ended = {n: p.returncode for n, p in processes.items() if p.poll()}
            for name, status in ended.items():
                processes[name].communicate()
                _give_up_if_hopeless(folder, name, status, lives[name])
                lives[name] += 1
                print(
                    f"kerazoo: {name} ended with status {status} and starts again.",
                    file=sys.stderr,
                )
                processes[name] = start(name)
            if all(processes[name].poll() == 0 for name in names):
                return
            time.sleep(0.1)
        _stop(processes, asked[0])
        raise Stopped(asked[0])
    finally:
        for process in processes.values():
            process.kill()
            process.communicate()
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _give_up_if_hopeless(folder, name, status, lives):
    log = folder / "workers" / f"{name}.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    last = next((line for line in reversed(lines) if line.strip()), "it said nothing")
    if status == 2:
        raise ValueError(last.removeprefix("kerazoo: "))
    if lives > RESTARTS:
        raise RuntimeError(
            f"{name} died {lives} times, last with status {status} ({last}); see "
            f"{log}. The same command goes on from there."
        )


def _stop(processes, number):
    """Lets the workers save their states, then ends all."""
    workers = [process for name, process in processes.items() if name != "chief"]
    for process in workers:
        process.send_signal(number)
    deadline = time.monotonic() + locks.GRACE
    while time.monotonic() < deadline and any(p.poll() is None for p in workers):
        time.sleep(0.1)


def main() -> None:
    """Takes part in the search of a folder: ``python -m kerazoo.tuning.parallel F``."""
    locks.follow()
    from kerazoo.tuning.searching import join

    try:
        join(sys.argv[1])
    except (ValueError, RuntimeError, OSError) as error:
        print(f"kerazoo: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
        # Bad input and a full disk are the same for whoever starts again.
        code = 1 if isinstance(error, RuntimeError) else 2
        sys.exit(getattr(error, "code", code))


if __name__ == "__main__":
    main()
