"""What an error says in one sentence, and the exit status that a command ends with."""

import difflib
import errno
import os
from collections.abc import Iterable

# So many names are told, whatever is near.
FEW = 4


def unknown(kind: str, given: object, allowed: Iterable[str]) -> ValueError:
    """The error for a name that does not exist.

    Args:
        kind: What the name should have named, as in ``network``.
        given: What was given.
        allowed: All names that exist.

    Returns:
        A ``ValueError`` to raise, with the nearest names, or all where none is near.
    """
    allowed = sorted(map(str, allowed))
    # Half a name is nearer to the whole than to another that is spelt like it.
    near = [
        one for one in allowed if len(str(given)) > 2 and one.startswith(str(given))
    ]
    near = near[:3] or difflib.get_close_matches(str(given), allowed, n=3, cutoff=0.5)
    hints = [f"did you mean {' or '.join(near)}?"] if near else []
    if not near or len(allowed) <= FEW:
        hints.append(f"{'It' if near else 'it'} must be one of {', '.join(allowed)}.")
    return ValueError(f"Unknown {kind} {given!r}; {' '.join(hints)}")


def counted(number: int, noun: str, nouns: str | None = None) -> str:
    """A number of things, as in ``1 epoch`` or ``1,200 epochs``."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


# Errors whose text is the sentence; of all others the kind is said too.
EXPECTED = (ValueError, OSError, ArithmeticError, RuntimeError)
FULL = (errno.ENOSPC, errno.EDQUOT)
# TensorFlow's for memory.
EXHAUSTED = "ResourceExhaustedError"
NO_ROOM = os.strerror(errno.ENOSPC)
UNREADABLE = (
    errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR,
    errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL,
)  # fmt: skip


def sentence(error: Exception) -> str:
    """What went wrong, in one line."""
    text = " ".join(str(error).split())
    # TensorFlow's errors of a full disk are of a kind of their own.
    if isinstance(error, MemoryError) or type(error).__name__ == EXHAUSTED:
        return (
            "The memory does not hold this; give a smaller batch_size, image_shape or "
            f"network ({text[:200]})."
        )
    if status(error) == 3:
        return f"{text}; make room, and give the same command again: it goes on"
    if isinstance(error, EXPECTED):
        return text or type(error).__name__
    return (
        f"{type(error).__name__}: {text[:300]} (a fault of kerazoo; with "
        "KERAZOO_TRACEBACK=1 it says where)"
    )


def status(error: Exception) -> int:
    """The exit status: 2 for bad input, 3 for a full disk, 1 for anything else.

    An interrupted training knows its own, and one that diverged has 4.
    """
    number = getattr(error, "errno", None)
    if number in FULL or NO_ROOM in str(error):
        return 3
    if isinstance(error, OSError):
        return 2 if number in UNREADABLE else 1
    code = getattr(error, "code", None)
    if isinstance(code, int) and code:
        return code
    return 2 if isinstance(error, ValueError) else 1
