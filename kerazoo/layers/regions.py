"""The second stage of region networks: which regions it learns from, loss, boxes."""

from typing import Any

import keras
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.layers import boxes as box
from kerazoo.layers.losses import LossLayer, highest, smooth_l1
from kerazoo.reader import Count, Pair, Positive, Share, Whole

# What the four numbers of a move are divided by (Girshick 2015, sec. 2.3, has the
# deviations of the training set; these are those of Faster R-CNN's code).
MOVE_SCALES = (0.1, 0.1, 0.2, 0.2)
Scales = tuple[Positive, Positive, Positive, Positive]


@keras.saving.register_keras_serializable(package="kerazoo")
class RegionSampling(keras.layers.Layer):
    """Draws the regions that the second stage learns from.

    A quarter overlap a true box by half at least, as many as there are; the others
    overlap the nearest by less. The true boxes stand among the proposals.

    Args:
        regions: How many of an image.
        share: Of them with an object, at most.
        foreground: Overlap from which a region has an object.
        background: The lowest and (open) the highest overlap of one that has none.
        seed: Of the drawing.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        proposals: `(batch, n, 4)`; empty ones are none.
        boxes: The true ones, `(batch, k, 4)`.
        classes: `(batch, k)`, -1 for no box.

    Returns:
        The regions `(batch, regions, 4)`; their labels `(batch, regions)`, 0 for
        background, k + 1 for class k, -1 for what is no region where too few could be
        drawn; and the true box of each `(batch, regions, 4)`.

    Reference:
        Girshick, "Fast R-CNN", ICCV 2015, arXiv 1504.08083, Sec. 2.3.
    """

    @reader.checked
    def __init__(
        self,
        regions: Count = 128,
        share: Share = 0.25,
        foreground: Share = 0.5,
        background: tuple[Share, Share] = (0.0, 0.5),
        seed: Whole | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"dtype": "float32"} | kwargs)
        self.regions, self.share, self.foreground = regions, share, foreground
        self.background, self.seed = tuple(background), seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(
        self, proposals: KerasTensor, boxes: KerasTensor, classes: KerasTensor
    ) -> tuple[KerasTensor, KerasTensor, KerasTensor]:
        boxes = ops.cast(boxes, "float32")
        there = classes >= 0
        truth = ops.where(there[..., None], boxes, 0.0)
        proposals = ops.concatenate([ops.cast(proposals, "float32"), truth], axis=1)
        overlaps = ops.where(there[:, None], box.iou(proposals, boxes), -1.0)
        most, match = ops.max(overlaps, axis=2), ops.argmax(overlaps, axis=2)
        most = ops.maximum(most, 0)
        known = box.areas(proposals) > 0
        low, high = self.background
        with_object = known & (most >= self.foreground)
        without = known & (most >= low) & (most < high) & ~with_object
        keys = keras.random.uniform(ops.shape(most), 1e-6, 1, seed=self.generator)
        count = int(self.share * self.regions)
        full = ops.full_like(match[:, 0], count, dtype="int32")
        drawn = highest(ops.where(with_object, keys, 0.0), full, count)
        rest = self.regions - ops.sum(ops.cast(drawn, "int32"), axis=1)
        others = highest(ops.where(without, keys, 0.0), rest, self.regions)
        # First those with an object, then the others, then what is none.
        order = ops.where(drawn, 2 + keys, ops.where(others, 1 + keys, 0.0))
        best, chosen = ops.top_k(order, min(self.regions, order.shape[1]))
        missing = self.regions - chosen.shape[1]
        if missing:
            best = ops.pad(best, ((0, 0), (0, missing)))
            chosen = ops.pad(chosen, ((0, 0), (0, missing)))
        match = ops.take_along_axis(match, chosen, axis=1)
        ids = ops.take_along_axis(ops.cast(classes, "int32"), match, axis=1)
        labels = ops.where(best > 2, ids + 1, ops.where(best > 1, 0, -1))
        regions = ops.take_along_axis(proposals, chosen[..., None], axis=1)
        truth = ops.take_along_axis(boxes, match[..., None], axis=1)
        return tuple(ops.stop_gradient(one) for one in (regions, labels, truth))

    def compute_output_spec(
        self, proposals: KerasTensor, boxes: KerasTensor, classes: KerasTensor
    ) -> tuple[KerasTensor, KerasTensor, KerasTensor]:
        shape = (proposals.shape[0], self.regions)
        return (
            KerasTensor((*shape, 4), "float32"),
            KerasTensor(shape, "int32"),
            KerasTensor((*shape, 4), "float32"),
        )

    def get_config(self) -> dict[str, Any]:
        names = ("regions", "share", "foreground", "background", "seed")
        return super().get_config() | {name: getattr(self, name) for name in names}


def _mean_entropy(scores, labels):
    """Each image's mean cross-entropy of its regions, averaged over the images."""
    drawn = ops.cast(labels >= 0, "float32")
    kinds = ops.one_hot(ops.maximum(labels, 0), scores.shape[2])
    entropy = -ops.sum(kinds * ops.log_softmax(ops.cast(scores, "float32")), -1)
    total = ops.maximum(ops.sum(drawn, axis=1), 1)
    return ops.mean(ops.sum(entropy * drawn, axis=1) / total)


@keras.saving.register_keras_serializable(package="kerazoo")
class RegionClassLoss(LossLayer):
    """What a network learns that only names regions: their mean cross-entropy.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        passed: What is handed on.
        scores: Logits `(batch, regions, 1 + classes)`, background first.
        labels: `(batch, regions)`, as from `RegionSampling`.

    Reference:
        Girshick et al., "Rich feature hierarchies for accurate object detection and
        semantic segmentation", CVPR 2014, arXiv 1311.2524, Sec. 2.3.
    """

    parts = ("class",)

    def call(
        self, passed: KerasTensor, scores: KerasTensor, labels: KerasTensor
    ) -> KerasTensor:
        self.add(**{"class": _mean_entropy(scores, labels)})
        return passed


@keras.saving.register_keras_serializable(package="kerazoo")
class RegionLoss(LossLayer):
    """What the second stage learns: the classes of regions, and where their boxes are.

    The mean cross-entropy of all regions of an image, and the smooth L1 loss of the
    four moves of the true class, summed over the regions with an object and divided by
    the number of all.

    Args:
        move_scales: What the moves are divided by.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        passed: What is handed on.
        scores: Logits `(batch, regions, 1 + classes)`, background first.
        moves: `(batch, regions, 4 * (1 + classes))`.
        regions: `(batch, regions, 4)`.
        labels: `(batch, regions)`, as from `RegionSampling`.
        truth: The true box of each, `(batch, regions, 4)`.

    Reference:
        Girshick, "Fast R-CNN", ICCV 2015, arXiv 1504.08083, Eq. 1 to 3.
    """

    parts = ("class", "box")

    @reader.checked
    def __init__(self, move_scales: Scales = MOVE_SCALES, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.move_scales = tuple(move_scales)

    def call(
        self,
        passed: KerasTensor,
        scores: KerasTensor,
        moves: KerasTensor,
        regions: KerasTensor,
        labels: KerasTensor,
        truth: KerasTensor,
    ) -> KerasTensor:
        count, units = scores.shape[1:]
        drawn = ops.cast(labels >= 0, "float32")
        kinds = ops.one_hot(ops.maximum(labels, 0), units)
        moves = ops.reshape(ops.cast(moves, "float32"), (-1, count, units, 4))
        own = ops.sum(moves * kinds[..., None], axis=2)
        wanted = ops.stop_gradient(box.encode(truth, regions, self.move_scales))
        apart = ops.sum(smooth_l1(own - wanted), axis=-1)
        apart = ops.where(labels > 0, apart, 0.0)
        total = ops.maximum(ops.sum(drawn, axis=1), 1)
        losses = {
            "class": _mean_entropy(scores, labels),
            "box": ops.mean(ops.sum(apart, axis=1) / total),
        }
        self.add(**losses)
        return passed

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "move_scales": self.move_scales}


@keras.saving.register_keras_serializable(package="kerazoo")
class RegionBoxes(keras.layers.Layer):
    """Boxes and probabilities of the classes, out of what the second stage says.

    Args:
        size: Height and width of the image in pixels.
        move_scales: What the moves were divided by.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        regions: `(batch, n, 4)`; empty ones get no probability.
        scores: Logits `(batch, n, 1 + classes)`, background first.
        moves: `(batch, n, 4 * (1 + classes))`.

    Returns:
        Boxes `(batch, n, classes, 4)` and probabilities `(batch, n, classes)`, as
        `NonMaxSuppression` takes them.
    """

    @reader.checked
    def __init__(
        self, size: Pair, move_scales: Scales = MOVE_SCALES, **kwargs: Any
    ) -> None:
        super().__init__(**{"dtype": "float32"} | kwargs)
        self.size, self.move_scales = tuple(size), tuple(move_scales)

    def call(
        self, regions: KerasTensor, scores: KerasTensor, moves: KerasTensor
    ) -> tuple[KerasTensor, KerasTensor]:
        count, units = scores.shape[1:]
        moves = ops.reshape(ops.cast(moves, "float32"), (-1, count, units, 4))
        regions = ops.cast(regions, "float32")
        boxes = box.decode(moves[:, :, 1:], regions[:, :, None], self.move_scales)
        shares = ops.softmax(ops.cast(scores, "float32"))[..., 1:]
        there = box.areas(regions)[..., None] > 0
        return box.clip(boxes, self.size), ops.where(there, shares, 0.0)

    def compute_output_spec(
        self, regions: KerasTensor, scores: KerasTensor, moves: KerasTensor
    ) -> tuple[KerasTensor, KerasTensor]:
        shape = (*scores.shape[:2], scores.shape[2] - 1)
        return KerasTensor((*shape, 4), "float32"), KerasTensor(shape, "float32")

    def get_config(self) -> dict[str, Any]:
        own = {"size": self.size, "move_scales": self.move_scales}
        return super().get_config() | own
