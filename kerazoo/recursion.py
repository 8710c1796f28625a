"""Room for deep graphs: Keras follows a graph by recursion, a call for every layer."""

import sys

# A network of 1202 weight layers has a path of some 4,200; Python stops at 1,000 calls.
LIMIT = 10_000


def allow_deep_graphs() -> None:
    """Raises Python's limit of recursion for who builds, loads, clones or saves one."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), LIMIT))
