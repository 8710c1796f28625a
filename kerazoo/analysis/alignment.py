"""Steps of two networks in pairs: which one of the one is which of the other."""

import difflib
from collections.abc import Iterator, Sequence

from kerazoo.analysis.steps import Step

# As many pairs of steps are compared one by one; of more, the kinds alone.
MOST_PAIRS = 250_000


def align(
    left: Sequence[Step], right: Sequence[Step]
) -> Iterator[tuple[Step | None, Step | None]]:
    """Pairs of steps, in order, with ``None`` beside one that has no counterpart.

    Args:
        left: The steps of a network.
        right: Those of another.
    """
    if [one.kind for one in left] == [one.kind for one in right]:
        yield from zip(left, right, strict=True)
        return
    matcher = difflib.SequenceMatcher(
        None,
        [one.token for one in left],
        [one.token for one in right],
        autojunk=False,
    )
    for word, i, j, k, m in matcher.get_opcodes():
        if word == "equal":
            yield from zip(left[i:j], right[k:m], strict=True)
        else:
            yield from _align_loosely(left[i:j], right[k:m])


def _align_loosely(left, right):
    """Pairs of steps of one kind, as many and as like as there can be in order."""
    if len(left) * len(right) > MOST_PAIRS:
        kinds = [[one.kind for one in side] for side in (left, right)]
        matcher = difflib.SequenceMatcher(None, kinds[0], kinds[1], autojunk=False)
        for word, i, j, k, m in matcher.get_opcodes():
            if word == "equal":
                yield from zip(left[i:j], right[k:m], strict=True)
            else:
                yield from ((one, None) for one in left[i:j])
                yield from ((None, one) for one in right[k:m])
        return
    # best[i][j]: how like the first i and the first j can be made.
    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i, one in enumerate(left, 1):
        for j, other in enumerate(right, 1):
            best[i][j] = max(
                best[i - 1][j],
                best[i][j - 1],
                best[i - 1][j - 1] + _likeness(one, other),
            )
    i, j, found = len(left), len(right), []
    while i or j:
        if i and best[i][j] == best[i - 1][j]:
            i -= 1
            found.append((left[i], None))
        elif j and best[i][j] == best[i][j - 1]:
            j -= 1
            found.append((None, right[j]))
        else:
            i, j = i - 1, j - 1
            found.append((left[i], right[j]))
    yield from reversed(found)


def _likeness(one, other):
    if one.kind != other.kind:
        return 0.0
    same = [a == b for a, b in zip(one.token[1:], other.token[1:], strict=True)]
    return 1.0 + sum(same) / len(same)
