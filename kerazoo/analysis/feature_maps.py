"""Feature maps: what the layers of a network make of an image."""

import dataclasses
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from kerazoo import reader
from kerazoo.analysis.attribution.network import (
    NO_DETECTOR,
    Explainable,
    Image,
    explainable,
)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class FeatureMaps:
    """The feature maps of one layer for one image.

    Attributes:
        layer: The layer's name.
        maps: float32 ``(rows, columns, units)``.
        image: The image as it comes to the network, float32
            ``(height, width, channels)``.
    """

    layer: str
    maps: np.ndarray
    image: np.ndarray

    def strongest(self, count: int) -> list[int]:
        """The units whose maps vary most over the image, the most varying first."""
        spread = self.maps.std((0, 1))
        return [int(unit) for unit in np.argsort(-spread, kind="stable")[:count]]


@reader.checked
def feature_maps(
    network: keras.Model | Explainable,
    image: Image,
    layers: Sequence[str] | None = None,
) -> list[FeatureMaps]:
    """What layers of a network make of an image.

    Args:
        network: The network, as :class:`kerazoo.analysis.attribution.Explainable`
            takes it.
        image: Raw uint8 pixels, or the image of a network without a resizing.
        layers: Names of layers, or of stages and blocks for the last layer of each; by
            default, from the image to the scores, the last layer of every size of the
            maps through which every path runs.

    Returns:
        The maps of each layer, in the order of the layers.

    Raises:
        ValueError: Where there is no such layer, or it has no extent in space.
    """
    known = explainable(network)
    if layers is None:
        layers = _one_of_each_size(known)
    found = dict(known.map_of(layer) for layer in layers)
    resized = known.resized(image)
    look = keras.Model(known.entry, list(found.values()))
    every = keras.tree.flatten(look(resized, training=False))
    return [
        FeatureMaps(layer=name, maps=ops.convert_to_numpy(maps)[0], image=resized[0])
        for name, maps in zip(found, every, strict=True)
    ]


def _one_of_each_size(known):
    """The last layers of each size of the maps."""
    known.check_size()
    last: dict[tuple, str] = {}
    for layer in known.graph.passed:
        detects = known.graph.sources(layer.name) and not isinstance(layer, NO_DETECTOR)
        shape, size = known.graph.shapes[layer.name], None
        # A function, as in normalizing the image, is no layer that has a name.
        if len(shape) == 3 and detects and isinstance(layer, keras.Layer):
            size = shape[:2]
        if size not in (None, (1, 1)) and len(known.graph.calls[layer.name]) == 1:
            last[size] = layer.name
    if not last:
        raise ValueError(
            f"{known.name} has no layer with an extent in space, and so no feature "
            "maps."
        )
    return list(last.values())
