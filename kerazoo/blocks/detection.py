"""From feature maps to boxes: regions in two stages, or a grid in one."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import keras
from keras import KerasTensor, layers

from kerazoo.blocks.conv import conv, initializer
from kerazoo.layers import (
    NonMaxSuppression,
    RegionBoxes,
    RegionClassLoss,
    RegionLoss,
    RegionProposalLoss,
    RegionProposals,
    RegionRegression,
    RegionSampling,
    RegionSVM,
    YOLOBoxes,
    YOLOLoss,
)

# What a detector gives: boxes, scores and classes.
Detections = dict[str, KerasTensor]
# The true boxes of a batch and their classes, in training.
Truth = tuple[KerasTensor, KerasTensor] | None
GAUSSIAN: dict[str, Any] = {
    "kernel_initializer": initializer("RandomNormal", stddev=0.01)
}
FINE: dict[str, Any] = {"kernel_initializer": initializer("RandomNormal", stddev=0.001)}


class Body(Protocol):
    """From images to a feature map."""

    def __call__(self, inputs: KerasTensor) -> KerasTensor:
        """The map."""


class Seen(NamedTuple):
    """What a network makes of regions.

    Attributes:
        pooled: Their features on the map ``(batch, n, units)``.
        features: Those of the last hidden layer ``(batch, n, units)``.
        scores: Logits ``(batch, n, 1 + classes)``, background first.
        moves: ``(batch, n, 4 (1 + classes))``, or None where boxes are not learnt.
    """

    pooled: KerasTensor
    features: KerasTensor
    scores: KerasTensor
    moves: KerasTensor | None


class RegionHead(Protocol):
    """From the pooled features of regions to what is in them."""

    def __call__(self, x: KerasTensor) -> Seen:
        """What is seen; each call is another use of the same layers."""


@dataclasses.dataclass(frozen=True)
class Anchors:
    """The reference boxes of a feature map.

    Attributes:
        strides: Pixels of the image that a cell stands for.
        ratios: Of height to width.
        scales: Sides as multiples of the strides.
    """

    strides: int = 16
    ratios: Sequence[float] = (0.5, 1.0, 2.0)
    scales: Sequence[float] = (8.0, 16.0, 32.0)

    @property
    def count(self) -> int:
        """How many of a cell."""
        return len(self.ratios) * len(self.scales)


def size_of(images: KerasTensor) -> tuple[int, int]:
    """Height and width of images, which boxes are counted in.

    Raises:
        ValueError: Where one is not known.
    """
    height, width = images.shape[1:3]
    if height is None or width is None:
        raise ValueError(
            f"A detector needs images of known size, but they are of shape "
            f"{tuple(images.shape[1:])}; give input_shape a height and a width."
        )
    return height, width


def region_proposals(
    x: KerasTensor,
    filters: int,
    anchors: Anchors,
    size: tuple[int, int],
    truth: Truth,
    *,
    learns: bool,
    sampled: int,
    training_proposals: int,
    before: int,
    **options: Any,
) -> tuple[KerasTensor, KerasTensor | None]:
    """A region proposal network (Ren et al. 2015, sec. 3).

    Args:
        x: The feature map.
        filters: Of its 3x3 convolution.
        anchors: The reference boxes.
        size: Height and width of the image.
        truth: The true boxes, in training.
        learns: Whether it learns then, or is as it is.
        sampled: Anchors of an image that are learnt from.
        training_proposals: How many regions are drawn from in training.
        before: The best anchors that are looked at; twice as many in training.
        **options: What else :class:`kerazoo.layers.RegionProposals` takes.

    Returns:
        The proposals, and in training those that regions are drawn from.
    """
    x = conv(x, filters, 3, name="rpn_conv", **GAUSSIAN)
    step: dict[str, Any] = {"activation": None, **GAUSSIAN}
    scores = conv(x, 2 * anchors.count, 1, name="rpn_scores", **step)
    moves = conv(x, 4 * anchors.count, 1, name="rpn_moves", **step)
    where = dataclasses.asdict(anchors)
    drawn = None
    if truth and learns:
        loss = RegionProposalLoss(size, sampled=sampled, name="rpn_loss", **where)
        scores = loss(scores, moves, *truth)
    if truth:
        many = {"before": 2 * before, "proposals": training_proposals}
        layer = RegionProposals(
            size, name="training_proposals", **where, **options | many
        )
        drawn = layer(scores, moves)
    proposals = RegionProposals(
        size, before=before, name="proposals", **where, **options
    )
    return proposals(scores, moves), drawn


def region_head(
    classes: int,
    units: Sequence[int],
    dropout: float,
    *,
    boxes: bool = True,
    first: int = 6,
) -> RegionHead:
    """Fully connected layers, then classes and boxes side by side.

    Args:
        classes: Number of classes, without the background.
        units: Of every fully connected layer.
        dropout: The share dropped behind each.
        boxes: Whether they learn to move boxes.
        first: The number in the name of the first.
    """
    steps: list[layers.Layer] = []
    for number, width in enumerate(units, first):
        dense = layers.Dense(width, activation="relu", name=f"fc{number}")
        steps += [dense, layers.Dropout(dropout, name=f"drop{number}")]
    scores = layers.Dense(classes + 1, dtype="float32", name="scores", **GAUSSIAN)
    moves = layers.Dense(4 * classes + 4, dtype="float32", name="moves", **FINE)

    def head(x: KerasTensor) -> Seen:
        pooled = x = layers.Reshape((-1, math.prod(x.shape[2:])))(x)
        for step in steps:
            x = step(x)
        return Seen(pooled, x, scores(x), moves(x) if boxes else None)

    return head


def chain(
    steps: Callable[[KerasTensor], KerasTensor], shape: Sequence[int]
) -> Callable[[KerasTensor], KerasTensor]:
    """Layers one behind the other, of which each call is another use.

    Args:
        steps: What makes and applies them.
        shape: Of what they take, without the batch.
    """
    images = keras.Input(shape)
    made = keras.Model(images, steps(images)).layers[1:]
    again = [type(one).from_config(one.get_config()) for one in made]

    def apply(x: KerasTensor) -> KerasTensor:
        for layer in again:
            x = layer(x)
        return x

    return apply


def regions_to_detections(
    x: KerasTensor,
    regions: KerasTensor,
    drawn: KerasTensor | None,
    pool: Callable[[KerasTensor, KerasTensor], KerasTensor],
    head: RegionHead,
    size: tuple[int, int],
    truth: Truth,
    *,
    sampled: int,
    background: tuple[float, float] = (0.0, 0.5),
    **options: Any,
) -> Detections:
    """The second stage: the features of regions, their classes and their boxes.

    Args:
        x: The feature map.
        regions: Those that are looked at.
        drawn: In training those that it learns from are drawn from these.
        pool: From the map and regions to their features.
        head: From these to classes and moves.
        size: Height and width of the image.
        truth: The true boxes, in training.
        sampled: Regions of an image that are learnt from.
        background: The overlaps of what is learnt as background.
        **options: Of :class:`kerazoo.layers.NonMaxSuppression`.
    """
    if truth:
        sampling = RegionSampling(sampled, background=background, name="sampling")
        some, labels, boxes = sampling(drawn, *truth)
        seen = head(pool(x, some))
        regions = RegionLoss(name="region_loss")(
            regions, seen.scores, seen.moves, some, labels, boxes
        )
    seen = head(pool(x, regions))
    boxes, shares = RegionBoxes(size, name="region_boxes")(
        regions, seen.scores, seen.moves
    )
    return NonMaxSuppression(name="detections", **options)(boxes, shares)


def regions_to_svm_detections(
    look: Callable[[KerasTensor], Seen],
    regions: KerasTensor,
    classes: int,
    size: tuple[int, int],
    truth: Truth,
    *,
    sampled: int,
    background: tuple[float, float] = (0.0, 0.5),
    overlap: float = 0.6,
    penalty: float = 1000.0,
    **options: Any,
) -> Detections:
    """The end of R-CNN: a network learns to name regions, linear functions judge them.

    A support vector machine scores every class, a ridge regression moves its boxes.
    Both are fitted when the training of the network is over; until then its own
    probabilities stand, and the regions where they are.

    Args:
        look: From regions to what is seen; each call is another use of the same layers.
        regions: Those that are looked at, and drawn from.
        classes: Number of classes, without the background.
        size: Height and width of the image.
        truth: The true boxes, in training.
        sampled: Regions of an image that are learnt from.
        background: The overlaps of what is learnt as background.
        overlap: Of :class:`kerazoo.layers.RegionRegression`.
        penalty: The same.
        **options: Of :class:`kerazoo.layers.NonMaxSuppression`.
    """
    if truth:
        sampling = RegionSampling(sampled, background=background, name="sampling")
        some, labels, _ = sampling(regions, *truth)
        loss = RegionClassLoss(name="region_loss")
        regions = loss(regions, look(some).scores, labels)
    seen = look(regions)
    regression = RegionRegression(classes, size, overlap, penalty, name="regression")
    boxes = regression(seen.pooled, regions)
    shares = RegionSVM(name="svm")(seen.features, seen.scores, regions)
    return NonMaxSuppression(name="detections", **options)(boxes, shares)


def grid_to_detections(
    grid: KerasTensor,
    boxes: int,
    size: tuple[int, int],
    truth: Truth,
    **options: Any,
) -> Detections:
    """YOLO's end: what the cells of a grid say.

    Args:
        grid: ``(batch, rows, columns, 5 * boxes + classes)``.
        boxes: Boxes of a cell.
        size: Height and width of the image.
        truth: The true boxes, in training.
        **options: Of :class:`kerazoo.layers.NonMaxSuppression`.
    """
    if truth:
        grid = YOLOLoss(size, boxes, name="grid_loss")(grid, *truth)
    found, scores = YOLOBoxes(size, boxes, name="grid_boxes")(grid)
    return NonMaxSuppression(name="detections", **options)(found, scores)
