"""What the readers of all formats hold numbers against."""

import os
from collections.abc import Mapping

import numpy as np


def check_finite(tensors: Mapping[str, np.ndarray], place: str | os.PathLike) -> None:
    """Refuses numbers that no training ends with.

    Raises:
        ValueError: For a tensor that holds NaN or an infinity.
    """
    for name, tensor in tensors.items():
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            kind = "NaN" if np.isnan(tensor).any() else "an infinity"
            raise ValueError(
                f"{place} holds {kind} in {name}; get it from its authors again."
            )


def from_bfloat16(bits: np.ndarray) -> np.ndarray:
    """Numbers of bfloat16, given as ``uint16``, as the float32 that they cut off."""
    return (bits.astype("uint32") << 16).view("float32")


def damaged(place: str | os.PathLike, why: object) -> ValueError:
    """The error for a file that is not as its format asks for it."""
    text = " ".join(str(why).split())
    return ValueError(f"{place} is damaged or cut off: {text[:300]}; get it again.")
