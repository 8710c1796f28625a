"""Helper processes: started, watched, told to stop, and gone with their parent."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

# Set for a process that is to stop when the one that started it is gone.
EXIT_WITH_PARENT = "KERAZOO_EXIT_WITH_PARENT"
# Seconds for a process to save its state once it was asked to stop.
GRACE = 60.0


def start(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    log: pathlib.Path | None = None,
) -> subprocess.Popen:
    """Starts a Python module in a process that stops when this one is gone.

    The process must call :func:`exit_with_parent`. A terminal's Ctrl-C does not reach
    it.

    Args:
        argv: The module and its arguments.
        env: What its environment has beside this process' own.
        log: The file that its output is appended to; by default it is shown.
    """
    environment = {**os.environ, **(env or {}), EXIT_WITH_PARENT: "1"}
    with contextlib.ExitStack() as files:
        output = files.enter_context(open(log, "ab")) if log else None
        return subprocess.Popen(
            # The folder that it runs in is the user's; no module is looked for there.
            [sys.executable, "-P", "-m", *argv],
            env=environment,
            # The system closes our end when this process ends, however it ends.
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def someone_watches() -> bool:
    """Whether what is printed is seen at once: on a terminal or in a notebook."""
    return sys.stdout.isatty() or in_notebook()


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this process."""
    shell = sys.modules.get("IPython")
    return hasattr(shell and shell.get_ipython(), "kernel")


def exit_with_parent() -> None:
    """Stops this process, its state saved, when the one that started it is gone."""
    if os.environ.pop(EXIT_WITH_PARENT, None):
        threading.Thread(target=_exit_at_end_of_input, daemon=True).start()


def _exit_at_end_of_input():
    # Not sys.stdin, whose buffer must not be locked when the interpreter ends.
    while os.read(0, 1):
        pass
    while True:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)


@contextlib.contextmanager
def signals() -> Iterator[list[int]]:
    """Collects SIGTERM and Ctrl-C, in the main thread, instead of dying of them."""
    received: list[int] = []
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            handlers[number] = signal.signal(number, lambda n, _: received.append(n))
    try:
        yield received
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def stop(
    processes: Iterable[subprocess.Popen], signals: Sequence[int] = (signal.SIGTERM,)
) -> None:
    """Passes signals on, and waits until all have saved their states.

    Args:
        processes: Those to stop.
        signals: What to pass on; also what is added meanwhile, as a second Ctrl-C is.
    """
    processes, passed = list(processes), 0
    deadline = time.monotonic() + GRACE
    while time.monotonic() < deadline and any(p.poll() is None for p in processes):
        for number in signals[passed:]:
            passed += 1
            for process in processes:
                process.send_signal(number)
        time.sleep(0.05)


def kill(processes: Iterable[subprocess.Popen]) -> None:
    """Ends processes at once."""
    for process in processes:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def with_helpers(count: int, argv: Sequence[str]) -> Iterator[None]:
    """Runs a module in further processes for the length of a block.

    What they leave undone is for whoever waits for them.

    Args:
        count: How many; this process has the first share of the GPUs.
        argv: The module and its arguments.
    """
    shares = gpu_shares(count + 1, exclusive=False)[1:]
    helpers = [start(argv, env=share, log=pathlib.Path(os.devnull)) for share in shares]
    try:
        yield
    finally:
        stop(helpers)
        kill(helpers)


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def gpu_shares(count: int, *, exclusive: bool) -> list[dict[str, str]]:
    """Shares this machine's GPUs out.

    Args:
        count: How many processes there are.
        exclusive: Whether no GPU may belong to two of them.

    Returns:
        What every process adds to its environment; nothing where there is no GPU, or
        only one for all.

    Raises:
        ValueError: Where exclusive shares are asked for and there are too few GPUs.
    """
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        folder = pathlib.Path("/proc/driver/nvidia/gpus")
        gpus = [str(n) for n in range(len([*folder.glob("*")]))]
    else:
        gpus = [name for name in named.split(",") if name not in ("", "-1")]
    if exclusive and gpus and len(gpus) < count:
        raise ValueError(
            f"{count} processes cannot share {len(gpus)} GPUs; start at most one for "
            "each, or hide them with CUDA_VISIBLE_DEVICES=-1."
        )
    if not gpus or (not exclusive and len(gpus) == 1):
        return [{} for _ in range(count)]
    size = max(1, len(gpus) // count)
    places = [size * n % len(gpus) for n in range(count)]
    return [{"CUDA_VISIBLE_DEVICES": ",".join(gpus[p : p + size])} for p in places]


def last_lines(log: pathlib.Path, count: int = 1) -> list[str]:
    """The last lines of a log that say something."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line for line in lines if line.strip()][-count:]
