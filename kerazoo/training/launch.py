"""Several workers of one training on this machine, started again where one dies."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

# What more attempts would not change: bad input, a diverged loss, a stop on request.
FINAL = (2, 3, 128 + signal.SIGINT, 128 + signal.SIGTERM)
GRACE = 60.0


def launch(processes: int, arguments: list[str], restarts: int = 3) -> int:
    """Runs a ``kerazoo`` command in several processes that make one training.

    Every process finds the others through ``TF_CONFIG``; the first is the chief, whose
    output is shown. Where one dies, all are ended and started again, and the training
    goes on from its last state. SIGTERM and Ctrl-C are passed on. Where the machine has
    GPUs, the processes share them out.

    Args:
        processes: How many.
        arguments: What follows ``kerazoo`` on a command line, as in ``["train", ...]``.
        restarts: How often all may be started again.

    Returns:
        The training's exit status.

    Raises:
        ValueError: For a number of processes or restarts that is not possible.
    """
    if processes < 1 or restarts < 0:
        raise ValueError(
            f"{processes} processes with {restarts} restarts are not possible; give at "
            "least one process and no fewer than 0 restarts."
        )
    if not arguments:
        raise ValueError(
            "There is no command to launch; give one, as in kerazoo launch --processes "
            "2 -- train lenet5."
        )
    shares = _gpu_shares(processes)
    asked = []
    handlers = {
        number: signal.signal(number, lambda number, frame: asked.append(number))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        for attempt in range(restarts + 1):
            status = _attempt(processes, arguments, shares, asked)
            if status in (0, *FINAL) or asked:
                break
            if attempt < restarts:
                print(
                    f"kerazoo: a worker ended with status {status}; all start again "
                    f"({attempt + 1} of {restarts}).",
                    file=sys.stderr,
                )
            # Once more it would delete what it has to go on from.
            arguments = [word for word in arguments if word != "--overwrite"]
        return status
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _attempt(processes, arguments, shares, asked):
    """One life of all workers; the status of the first that failed, or 0."""
    addresses = [f"127.0.0.1:{port}" for port in _free_ports(processes)]
    with tempfile.TemporaryDirectory() as folder:
        logs = [pathlib.Path(folder, str(index)) for index in range(processes)]
        workers = [
            _start(index, addresses, arguments, shares[index], logs[index])
            for index in range(processes)
        ]
        passed, deadline = 0, None
        try:
            while any(worker.poll() is None for worker in workers):
                failed = [n for n, w in enumerate(workers) if w.poll()]
                for number in asked[passed:]:
                    passed, deadline = len(asked), time.monotonic() + GRACE
                    for worker in workers:
                        worker.send_signal(number)
                if failed and deadline is None:
                    # The others of a training that ends by itself end with it.
                    final = workers[failed[0]].returncode in FINAL
                    deadline = time.monotonic() + (5.0 if final else 0.0)
                if deadline is not None and time.monotonic() > deadline:
                    break
                time.sleep(0.05)
        finally:
            statuses = [worker.poll() for worker in workers]
            for worker in workers:
                worker.kill()
                worker.wait()
        failed = [n for n, status in enumerate(statuses) if status]
        if not failed:
            return 0 if None not in statuses else 1
        # Whoever died first is the cause; a worker that lost another says so with 1.
        first = min(failed, key=lambda n: (statuses[n] == 1, n))
        if first:
            sys.stderr.write(_tail(logs[first], first))
        status = statuses[first]
        return 128 - status if status < 0 else status


def _start(index, addresses, arguments, gpus, log):
    """Worker ``index``; a session of its own keeps a terminal's Ctrl-C to us."""
    task = {"type": "worker", "index": index}
    config = {"cluster": {"worker": addresses}, "task": task}
    environment = os.environ | {"TF_CONFIG": json.dumps(config)}
    if gpus:
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    command = [sys.executable, "-m", "kerazoo", *arguments]
    with open(log, "wb") as file:
        output = {"stdout": file, "stderr": file} if index else {}
        return subprocess.Popen(
            command, env=environment, start_new_session=True, **output
        )


def _tail(log, index, lines=5):
    text = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    return "".join(f"worker {index}: {line}\n" for line in text)


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _gpu_shares(processes):
    """The GPUs of every process, by the names CUDA knows; empty where there is none."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        folder = pathlib.Path("/proc/driver/nvidia/gpus")
        count = len(list(folder.iterdir())) if folder.is_dir() else 0
        gpus = [str(number) for number in range(count)]
    else:
        gpus = [name for name in named.split(",") if name not in ("", "-1")]
    if gpus and len(gpus) < processes:
        raise ValueError(
            f"{processes} processes cannot share {len(gpus)} GPUs; start at most one "
            "for each, or hide them with CUDA_VISIBLE_DEVICES=-1."
        )
    share = len(gpus) // processes
    return [gpus[share * n : share * (n + 1)] for n in range(processes)]
