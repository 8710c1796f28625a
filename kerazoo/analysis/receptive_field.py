"""What a position of a feature map sees of the image: all it could, and all it does."""

import dataclasses
import math
from typing import Annotated, Any

import keras
import numpy as np
from keras import ops

from kerazoo import reader
from kerazoo.analysis.gradients import value_and_gradient
from kerazoo.reader import Count, Whole, axes
from kerazoo.surgery.features import features
from kerazoo.surgery.graph import Graph
from kerazoo.surgery.patches import needed

Images = Annotated[np.ndarray, axes("count", "height", "width", "channels")]
# What lies within two standard deviations of a Gaussian (Luo et al. 2016, sec. 3).
FAINT = 1 - 0.9545


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReceptiveField:
    """The pixels that one position of a feature map can depend on.

    Attributes:
        layer: The layer's name.
        position: Its row and column.
        grid: Height and width of the feature map.
        image: Height and width of the image.
        rows: The first and the last row of pixels; those below 0 or beyond the image
            are of the paddings.
        columns: The first and the last column.
    """

    layer: str
    position: tuple[int, int]
    grid: tuple[int, int]
    image: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, as the ledger has them."""
        return self.rows[1] - self.rows[0] + 1, self.columns[1] - self.columns[0] + 1

    @property
    def share(self) -> float:
        """The share of the image that it covers."""
        inside = [
            max(0, min(last, side - 1) - max(first, 0) + 1)
            for (first, last), side in zip(
                (self.rows, self.columns), self.image, strict=True
            )
        ]
        return math.prod(inside) / math.prod(self.image)


@dataclasses.dataclass(frozen=True, kw_only=True)
class EffectiveField:
    """How much every pixel moves one position of a feature map.

    Attributes:
        field: What the position can depend on.
        influence: ``(height, width)``, the mean size of the gradient by each pixel;
            they sum to 1.
        images: Of how many images it is the mean.
    """

    field: ReceptiveField
    influence: np.ndarray
    images: int

    @property
    def deviation(self) -> tuple[float, float]:
        """Standard deviations down and across, in pixels, of the influence."""
        found = []
        for axis in (1, 0):
            weights = self.influence.sum(axis)
            places = np.arange(len(weights))
            mean = float(weights @ places)
            found.append(math.sqrt(float(weights @ (places - mean) ** 2)))
        return found[0], found[1]

    @property
    def size(self) -> float:
        """The side of a square of as many pixels as have more than 4.55% of the most.

        So Luo et al. measure an effective field: of a Gaussian they are those within
        two and a half standard deviations.
        """
        strong = self.influence > FAINT * self.influence.max()
        return math.sqrt(int(strong.sum()))

    @property
    def share(self) -> float:
        """`size` squared, as a share of the pixels that it can depend on."""
        return self.size**2 / math.prod(self.field.size)


@reader.checked
def receptive_field(
    model: keras.Model, layer: str, position: tuple[Whole, Whole] | None = None
) -> ReceptiveField:
    """The pixels that a position of a layer's feature map can depend on.

    From the position back to the image: a window of ``k`` with stride ``s`` and ``p``
    pixels of padding needs the positions ``s * i - p`` to ``s * i - p + k - 1`` of the
    map before; where branches meet, all that any of them needs.

    Args:
        model: A flat functional model of one size of images, as every builder of
            kerazoo returns.
        layer: A layer's name, or the beginning of names, as in ``stage3``, for the last
            layer of that stage.
        position: Row and column on its map; by default the middle.

    Raises:
        ValueError: For a layer that is not there or has no extent in space, a position
            that is not on its map, or a model of no one size.
    """
    graph = Graph(_features(model, layer))
    (name,) = keras.tree.flatten(graph.outputs)
    grid = graph.shapes[name]
    if len(grid) != 3:
        raise ValueError(
            f"The layer {name} of {model.name} has no extent in space: its output is "
            f"{'x'.join(map(str, grid))}; give one with rows and columns."
        )
    entries = keras.tree.flatten(graph.model.input)
    image: Any = next((x.shape[1:3] for x in entries if len(x.shape) == 4), ())
    if None in (*image, *grid):
        raise ValueError(
            f"{model.name} takes images of any size; build it for one, as in "
            "input_shape=(224, 224, 3)."
        )
    position = position or (grid[0] // 2, grid[1] // 2)
    if any(one >= side for one, side in zip(position, grid[:2], strict=True)):
        raise ValueError(
            f"position is {position}; the map of {name} has {grid[0]} rows and "
            f"{grid[1]} columns, counted from 0."
        )
    seen = needed(graph, name, position)
    if seen is None:
        raise ValueError(f"The layer {name} of {graph.model.name} sees no image.")
    rows, columns = seen
    return ReceptiveField(
        layer=name,
        position=position,
        grid=grid[:2],
        image=image,
        rows=rows,
        columns=columns,
    )


def _features(model, layer):
    """The model as far as a layer."""
    try:
        found = features(model, layer)
    except (AttributeError, NotImplementedError) as error:
        raise ValueError(
            f"{model.name} has no graph of layers; give a functional model."
        ) from error
    return keras.Model(model.input, found.output[layer], name=model.name)


@reader.checked
def effective_field(
    model: keras.Model,
    layer: str,
    position: tuple[Whole, Whole] | None = None,
    *,
    images: Images | None = None,
    count: Count = 16,
    seed: Whole = 0,
) -> EffectiveField:
    """How much every pixel moves a position of a layer's feature map.

    Args:
        model: As for :func:`receptive_field`.
        layer: A layer's name or the beginning of names.
        position: Row and column on its map; by default the middle.
        images: What the network is shown, ``(count, height, width, channels)`` as it
            takes them; by default noise of mean 0 and deviation 1.
        count: How many images of noise.
        seed: Of the noise, and of the signs with which the map's channels are added.

    Returns:
        The mean over images and color channels of the gradient's size.

    Raises:
        ValueError: As :func:`receptive_field`, and for images of another shape, a model
            that takes more than images, or a position that no pixel moves.

    Reference:
        Luo, Li, Urtasun, Zemel, "Understanding the Effective Receptive Field in Deep
        Convolutional Neural Networks", NeurIPS 2016, arXiv 1701.04128, sec. 2 and 3.
    """
    field = receptive_field(model, layer, position)
    entries = keras.tree.flatten(model.input)
    if len(entries) != 1 or "int" in str(entries[0].dtype):
        raise ValueError(
            f"{model.name} takes {' and '.join(one.name for one in entries)} of type "
            f"{entries[0].dtype}; give a network that takes one batch of images as "
            "floating-point numbers, without the preprocessing before it."
        )
    shape = tuple(entries[0].shape[1:])
    rng = np.random.default_rng(seed)
    if images is None:
        images = rng.standard_normal((count, *shape))
    if images.shape[1:] != shape:
        raise ValueError(
            f"images is of shape {images.shape}; {model.name} takes "
            f"(count, {', '.join(map(str, shape))})."
        )
    part, (row, column) = _features(model, layer), field.position
    channels = part.output.shape[-1]
    total = np.zeros(shape[:2])
    for image in images:
        # Channels that would cancel out are drawn anew for every image.
        signs = ops.convert_to_tensor(rng.choice([-1.0, 1.0], channels), "float32")

        def answer(batch: Any, signs: Any = signs) -> Any:
            made = ops.cast(part(batch, training=False), "float32")
            return ops.sum(made[0, row, column] * signs)

        _, slope = value_and_gradient(answer, image[None].astype("float32"))
        total += np.abs(slope[0]).mean(-1)
    if not total.sum() > 0:
        raise ValueError(
            f"No pixel moves position {field.position} of {field.layer}: its gradient "
            "is 0 on all images; give other images, more of them, or other weights."
        )
    return EffectiveField(
        field=field, influence=total / total.sum(), images=len(images)
    )
