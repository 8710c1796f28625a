"""Activation maximisation: an image that a unit or a class likes best."""

import dataclasses

import keras
import numpy as np
from keras import ops

from kerazoo import reader
from kerazoo.analysis.attribution.network import Explainable, explainable
from kerazoo.analysis.gradients import value_and_gradient
from kerazoo.reader import Count, Positive, Share, Whole


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class PreferredImage:
    """An image that was made to excite a unit or a class.

    Attributes:
        image: float32 ``(height, width, channels)`` in the range of the network's
            images, 0..255 where it takes raw ones.
        layer: The layer; ``None`` for a class.
        unit: Which of its feature maps, or the number of the class.
        class_name: The class; ``None`` for a layer.
        before: What the noise that it began with excited.
        after: What the image excites.
    """

    image: np.ndarray
    layer: str | None
    unit: int
    class_name: str | None
    before: float
    after: float

    @property
    def words(self) -> str:
        """What it is, as in ``unit 3 of conv5, from 0.12 to 8.40``."""
        what = self.class_name
        if what is None:
            what = f"unit {self.unit} of {self.layer}"
        return f"{what}, from {self.before:.2f} to {self.after:.2f}"


@reader.checked
def activation_maximization(
    network: keras.Model | Explainable,
    class_name: str | int | None = None,
    *,
    layer: str | None = None,
    unit: Whole | None = None,
    steps: Count = 100,
    rate: Positive = 0.05,
    decay: Share = 0.02,
    blur_every: Count = 4,
    jitter: Whole = 4,
    seed: Whole = 1,
) -> PreferredImage:
    """Climbs from noise to an image that a class or a unit of a layer likes.

    A step adds the gradient of the score, or of the mean of the unit's feature map, at
    a fixed length. So that the image is more than noise of high frequencies, it is
    moved at random by some pixels before each gradient, drawn towards the mean colour
    after it, and blurred from time to time.

    Args:
        network: The network, as :class:`kerazoo.analysis.attribution.Explainable`
            takes it.
        class_name: The class or its number.
        layer: In place of a class, a layer or the last one of a stage or block.
        unit: Which of its feature maps.
        steps: How many.
        rate: How far the mean pixel moves in a step, as a share of the range of values.
        decay: Which share of the way to the mean colour every step takes it back.
        blur_every: Steps from a blurring to the next.
        jitter: By how many pixels at most the image is moved.
        seed: Of noise and moves.

    Raises:
        ValueError: Where neither a class nor a unit is named, or there is none.

    Reference:
        Erhan et al., "Visualizing Higher-Layer Features of a Deep Network", Univ. of
        Montreal TR 1341, 2009; Simonyan et al., arXiv 1312.6034, Sec. 2; decay and blur
        of Yosinski et al., arXiv 1506.06579, Sec. 3.
    """
    known = explainable(network)
    if (class_name is None) == (layer is None) or (layer is None) != (unit is None):
        raise ValueError(
            "Give a class_name, or a layer and as unit one of its feature maps."
        )
    known.check_size()
    height, width, channels = known.entry.shape[1:]
    number, name, function = _climbed(known, class_name, layer, unit)
    low, high = known.value_range
    random = np.random.default_rng(seed)
    middle, spread = (low + high) / 2, high - low
    noise = random.normal(middle, 0.08 * spread, (1, height, width, channels))
    image = first = np.clip(noise, low, high).astype("float32")
    for step in range(steps):
        moved = tuple(random.integers(-jitter, jitter + 1, 2))
        image = np.roll(image, moved, (1, 2))
        _, slope = value_and_gradient(function, image)
        length = np.sqrt(np.mean(np.square(slope)))
        image = image + rate * spread * slope / max(length, 1e-12)
        image = np.roll(image, (-moved[0], -moved[1]), (1, 2))
        image = middle + (1 - decay) * (image - middle)
        if step % blur_every == blur_every - 1 and step < steps - blur_every:
            image = _blurred(image)
        image = np.clip(image, low, high).astype("float32")
    before, after = (
        float(ops.convert_to_numpy(function(ops.convert_to_tensor(one))))
        for one in (first, image)
    )
    return PreferredImage(
        image=image[0],
        layer=name,
        unit=number,
        class_name=None if class_name is None else known.names[number],
        before=before,
        after=after,
    )


def _climbed(known, class_name, layer, unit):
    """The number of what is climbed, its layer, and the function from images to it."""
    if class_name is not None:
        number = known.target(class_name, np.zeros(len(known.names)))
        return number, None, lambda x: ops.sum(known.scores_of(x)[:, number])
    name, tensor = known.map_of(layer)
    known.check_unit(unit, name, tensor)
    look = keras.Model(known.entry, tensor)
    return unit, name, lambda x: ops.mean(look(x, training=False)[..., unit])


def _blurred(image):
    """An image whose pixels are weighed with their neighbours, 1 2 1 on each axis."""
    for axis in (1, 2):
        around = [(1, 1) if one == axis else (0, 0) for one in range(image.ndim)]
        wide = np.pad(image, around, "edge")
        size = image.shape[axis]
        parts = [np.take(wide, range(n, n + size), axis) for n in range(3)]
        image = (parts[0] + 2 * parts[1] + parts[2]) / 4
    return image
