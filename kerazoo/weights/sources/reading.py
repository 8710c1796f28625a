"""The short forms in which the tables of the sources are written."""

from typing import Any

from kerazoo.weights.records import Accuracy, Preprocessing


def accuracy(text: str) -> Accuracy:
    """``224@0.875:76.130/92.862``: size, share of the shorter side, top-1 / top-5 in %.

    What is not known is left out, as in ``71.3/90.1`` or ``91.73``, or a ``?``.
    """
    place, _, shares = text.rpartition(":")
    size, _, share = place.partition("@")
    top1, top5 = (
        None if one in ("", "?") else round(float(one) / 100, 6)
        for one in shares.partition("/")[::2]
    )
    return Accuracy(
        top1=top1,
        top5=top5,
        size=int(size) if size else None,
        share=float(share) if share else None,
    )


def error(text: str) -> Accuracy:
    """``38.50/16.64``: errors in %, as :func:`accuracy`."""
    place, _, shares = text.rpartition(":")
    right = "/".join(
        one if one == "?" else f"{100 - float(one):.2f}" for one in shares.split("/")
    )
    return accuracy(f"{place}:{right}")


def images(text: str, **others: Any) -> Preprocessing:
    """``224@0.875``: the size, and the share of the shorter side that is seen."""
    place, _, _ = text.partition(":")
    size, _, share = place.partition("@")
    return Preprocessing(size=(int(size), int(size)), share=float(share or 1), **others)
