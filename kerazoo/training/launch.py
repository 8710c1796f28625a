"""Several workers of one training on this machine, started again where one dies."""

import json
import pathlib
import signal
import sys
import tempfile
import time

from kerazoo import memory, reader
from kerazoo import processes as helpers
from kerazoo.reader import Count, Whole

# What more attempts would not change: bad input, a full disk, a diverged loss, a stop
# on request.
FINAL = (2, 3, 4, 128 + signal.SIGINT, 128 + signal.SIGTERM)


@reader.checked
def launch(processes: Count, arguments: list[str], restarts: Whole = 3) -> int:
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
        ValueError: For a number of workers or restarts that is not possible.
    """
    memory.check_processes(processes, "processes")
    if not arguments:
        raise ValueError(
            "There is no command to launch; give one, as in kerazoo launch --processes "
            "2 -- train lenet5."
        )
    shares = helpers.gpu_shares(processes, exclusive=True)
    with helpers.signals() as received:
        for attempt in range(restarts + 1):
            status = _attempt(arguments, shares, received)
            if status in (0, *FINAL) or received:
                break
            if attempt < restarts:
                print(
                    f"kerazoo: a worker ended with status {status}; all start again "
                    f"({attempt + 1} of {restarts}).",
                    file=sys.stderr,
                )
            # Once more it would delete what it has to go on from.
            arguments = [one for one in arguments if one != "--overwrite"]
    return status


def _attempt(arguments, shares, received):
    """One life of all workers; the status of the first that failed, or 0."""
    ports = helpers.free_ports(len(shares))
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    with tempfile.TemporaryDirectory() as folder:
        logs = [pathlib.Path(folder, str(index)) for index in range(len(shares))]
        workers = []
        for index, share in enumerate(shares):
            task = {"type": "worker", "index": index}
            config = json.dumps({"cluster": cluster, "task": task})
            workers.append(
                helpers.start(
                    ["kerazoo", *arguments],
                    env=share | {"TF_CONFIG": config},
                    log=logs[index] if index else None,
                )
            )
        try:
            _wait(workers, received)
        finally:
            statuses = [worker.poll() for worker in workers]
            helpers.kill(workers)
        failed = {n: status for n, status in enumerate(statuses) if status}
        if not failed:
            return 0 if None not in statuses else 1
        # Whoever died first is the cause; a worker that lost another says so with 1.
        first = min(failed, key=lambda n: (failed[n] == 1, n))
        if first:
            for line in helpers.last_lines(logs[first], 5):
                print(f"worker {first}: {line}", file=sys.stderr)
        return 128 - failed[first] if failed[first] < 0 else failed[first]


def _wait(workers, received):
    """Until all have ended, or those that remain have nothing to wait for."""
    while any(worker.poll() is None for worker in workers):
        if received:
            helpers.stop(workers, received)
            return
        failed = [worker.returncode for worker in workers if worker.poll()]
        if failed:
            # The others of a training that ends by itself end with it.
            deadline = time.monotonic() + (5.0 if failed[0] in FINAL else 0.0)
            while time.monotonic() < deadline and None in [w.poll() for w in workers]:
                time.sleep(0.05)
            return
        time.sleep(0.05)
