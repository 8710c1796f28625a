"""The sentence for an unknown name: what was given, what is allowed, what is near."""

import difflib
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
    near = difflib.get_close_matches(str(given), allowed, n=3, cutoff=0.5)
    hints = [f"did you mean {' or '.join(near)}?"] if near else []
    if not near or len(allowed) <= FEW:
        hints.append(f"{'It' if near else 'it'} must be one of {', '.join(allowed)}.")
    return ValueError(f"Unknown {kind} {given!r}; {' '.join(hints)}")
