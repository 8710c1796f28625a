"""Keras layers that normalise raw pixels; they stand first in every trained model."""

from collections.abc import Sequence
from typing import Annotated

import keras
import numpy as np

from kerazoo import errors, reader
from kerazoo.layers.whitening import GlobalContrastNormalization, ZCAWhitening
from kerazoo.reader import NonNegative, axes

Images = Annotated[np.ndarray, axes("n", "height", "width", "channels")]
KINDS = (
    "minmax",
    "minus_one_one",
    "standardize",
    "lenet",
    "mean",
    "gcn",
    "zca",
    "none",
)


@reader.checked
def normalization(
    kind: str,
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[NonNegative] | None = None,
    images: Images | None = None,
) -> list[keras.Layer]:
    """Makes the layers that turn pixels in 0..255 into what a network expects.

    Args:
        kind: "minmax" maps to [0, 1]; "minus_one_one" to [-1, 1]; "standardize" takes
            off the mean of each channel and divides by its standard deviation; "mean"
            only takes off the mean; "lenet" maps 0 to -0.1 and 255 to 1.175, LeCun et
            al. 1998, Sec. III.A, for bright ink on black; "gcn" is global contrast
            normalisation; "zca" whitens after that; "none" changes nothing.
        mean: Mean of each channel, 0..255.
        std: Standard deviation of each channel, 0..255.
        images: For "zca": array (n, height, width, channels) of training images as the
            network will get them, more than an image has values (`Batches.take`).

    Returns:
        A list of Keras layers.

    Raises:
        ValueError: If the kind is unknown or lacks what it is made from.
    """
    if kind not in KINDS:
        raise errors.unknown("normalization", kind, KINDS)
    scale, offset = {
        "minmax": (1 / 255, 0.0),
        "minus_one_one": (1 / 127.5, -1.0),
        "lenet": (1.275 / 255, -0.1),
    }.get(kind, (None, None))
    if scale:
        return [keras.layers.Rescaling(scale, offset, name=f"normalize_{kind}")]
    if kind == "none":
        return []
    if kind in ("gcn", "zca"):
        contrast = GlobalContrastNormalization(name="normalize_gcn")
        if kind == "gcn":
            return [contrast]
        if images is None:
            raise ValueError(
                "normalization 'zca' needs training images to be fitted to; give "
                "images=batches.take(10000)[0]"
            )
        whiten = ZCAWhitening(name="normalize_zca")
        parts = np.array_split(images, max(1, len(images) // 1000))
        whiten.adapt(np.concatenate([np.asarray(contrast(part)) for part in parts]))
        return [contrast, whiten]
    if kind == "mean" and mean is not None:
        std = [1.0] * len(mean)
    if mean is None or std is None:
        needed = "mean" if mean is None else "std"
        raise ValueError(
            f"normalization {kind!r} needs the {needed} of the training images; "
            f"give {needed}=data.{needed}"
        )
    if not mean or len(mean) != len(std):
        raise ValueError(
            f"mean has {len(mean)} numbers and std {len(std)}; give one of each for "
            "every channel"
        )
    return [
        keras.layers.Normalization(
            mean=list(map(float, mean)),
            # A channel that never varies would be divided by zero.
            variance=[(float(one) or 1.0) ** 2 for one in std],
            name=f"normalize_{kind}",
        )
    ]
