"""What this machine's memory holds, asked before it is filled."""

import contextlib
import os
import pathlib
import sys

# A process that has imported TensorFlow, before it holds anything.
OF_A_PROCESS = 400 * 2**20


def total() -> int:
    """The bytes of memory that this process may fill, swap apart."""
    if not hasattr(os, "sysconf"):  # Windows
        return sys.maxsize
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    # A container may have less than its machine; without a limit the file says "max".
    with contextlib.suppress(OSError, ValueError):
        limit = pathlib.Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")
        size = min(size, int(limit))
    return size


def check(what: str, needed: float, advice: str) -> None:
    """Refuses what cannot fit.

    Args:
        what: As in ``A batch of 8 images of 10000x10000x3``.
        needed: The least number of bytes that it takes.
        advice: What to do, as in ``give a smaller batch_size``.

    Raises:
        ValueError: Where the memory is smaller.
    """
    have = total()
    if needed > have:
        raise ValueError(
            f"{what} takes {_size(needed)} of memory at least, and this machine has "
            f"{_size(have)}; {advice}."
        )


def check_processes(count: int, name: str) -> None:
    """Refuses more processes than the memory holds.

    Args:
        count: How many.
        name: What the argument is called.

    Raises:
        ValueError: Where there are too many.
    """
    most = max(1, total() // OF_A_PROCESS)
    check(f"{name}={count}", count * OF_A_PROCESS, f"give at most {most}")


def _size(size):
    return f"{size / 2**30:,.3g} GiB" if size < 2**50 else f"{size / 2**30:.1e} GiB"
