"""The images of a data set that excite a unit most, and the patches that it sees."""

import dataclasses
import heapq
from collections.abc import Iterable

import keras
import numpy as np
from keras import ops

from kerazoo import reader
from kerazoo.analysis.attribution.network import Explainable, Image, explainable
from kerazoo.reader import Count, Whole
from kerazoo.surgery.patches import patch


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Excitement:
    """An image, and where on it a unit is excited most.

    Attributes:
        number: The image's number in the data.
        image: The image as it comes to the network, float32
            ``(height, width, channels)``.
        activation: The largest of the unit's feature map.
        position: Its row and column on the map.
        box: Top, left, bottom and right of the pixels that the position sees,
            half-open.
    """

    number: int
    image: np.ndarray
    activation: float
    position: tuple[int, int]
    box: tuple[int, int, int, int]

    @property
    def patch(self) -> np.ndarray:
        """The part of the image that the unit sees there."""
        top, left, bottom, right = self.box
        return self.image[top:bottom, left:right]


@reader.checked
def exciting_images(
    network: keras.Model | Explainable,
    images: Iterable,
    layer: str,
    unit: Whole,
    *,
    count: Count = 9,
) -> list[Excitement]:
    """The images that excite a unit of a layer most, the most exciting first.

    Args:
        network: The network, as :class:`kerazoo.analysis.attribution.Explainable`
            takes it.
        images: Images one by one ``(height, width, channels)``, raw uint8 pixels or
            those of a network without a resizing, such as an array of them; no more
            than the exciting ones are kept.
        layer: The layer, or a stage or block for its last one.
        unit: Which of its feature maps.
        count: How many images.

    Raises:
        ValueError: Where there is no such layer or unit, it has no extent in space, the
            network is not flat, or there is no image.

    Reference:
        Girshick et al., "Rich feature hierarchies for accurate object detection and
        semantic segmentation", CVPR 2014, arXiv 1311.2524, Sec. 3.1; Zeiler, Fergus,
        arXiv 1311.2901, Fig. 2.
    """
    known = explainable(network)
    name, tensor = known.map_of(layer)
    known.check_unit(unit, name, tensor)
    known.check_size()
    if not known.graph.flat:
        raise ValueError(
            f"{known.name} is not a flat functional model with each layer used once, "
            "so that nobody knows which patch a unit sees."
        )
    look = keras.Model(known.entry, tensor[..., unit])
    best: list[tuple] = []
    for number, image in enumerate(images):
        resized = known.resized(reader.read(Image, np.asarray(image), "images"))
        grid = ops.convert_to_numpy(look(resized, training=False))[0]
        place = tuple(map(int, np.unravel_index(grid.argmax(), grid.shape)))
        # Of equal ones the first stays; numbers differ, so that no image is compared.
        heapq.heappush(best, (float(grid[place]), -number, place, resized[0]))
        if len(best) > count:
            heapq.heappop(best)
    if not best:
        raise ValueError("images is empty; give one image or more.")
    return [
        Excitement(
            number=-number,
            image=image,
            activation=activation,
            position=place,
            # Beyond the image there is nothing to see.
            box=patch(known.graph, name, place) or (0, 0, 0, 0),
        )
        for activation, number, place, image in sorted(best, reverse=True)
    ]
