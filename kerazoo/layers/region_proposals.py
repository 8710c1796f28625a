"""The region proposal network's other end: from its maps to boxes, and its loss."""

from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.layers import boxes as box
from kerazoo.layers.losses import LossLayer, highest, smooth_l1
from kerazoo.layers.non_max_suppression import NonMaxSuppression, suppressed
from kerazoo.reader import Count, NonNegative, Pair, Positive, Share, Whole

Numbers = tuple[Positive, ...]
# Ren et al. 2015, sec. 3.1.1: ratios of height to width, and sides in cells of 16.
RATIOS, SCALES = (0.5, 1.0, 2.0), (8.0, 16.0, 32.0)


def _foreground(scores: KerasTensor) -> Any:
    """Logits that an anchor has an object: ``(batch, anchors)``.

    A pair of channels, background before all objects, becomes their difference: a
    softmax over two is a sigmoid of it.
    """
    height, width, channels = scores.shape[1:]
    pairs = ops.reshape(
        ops.cast(scores, "float32"), (-1, height, width, 2, channels // 2)
    )
    return ops.reshape(
        pairs[..., 1, :] - pairs[..., 0, :], (-1, height * width * channels // 2)
    )


def _moves(moves: KerasTensor) -> Any:
    height, width, channels = moves.shape[1:]
    flat = (-1, height * width * channels // 4, 4)
    return ops.reshape(ops.cast(moves, "float32"), flat)


@keras.saving.register_keras_serializable(package="kerazoo")
class RegionProposals(keras.layers.Layer):
    """Boxes out of the maps of a region proposal network.

    Every anchor is moved as its cell says, cut off at the image, left out where a side
    is shorter than `smallest`; of the `before` best those that overlap a better one go.

    Args:
        size: Height and width of the image in pixels.
        strides: Pixels of the image that a cell stands for.
        ratios: The anchors' heights to widths.
        scales: Their sides as multiples of `strides`.
        smallest: The shortest side of a proposal in pixels.
        before: How many are looked at.
        proposals: How many are given.
        iou_threshold: Overlap with a better one from which a box goes.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        scores: `(batch, height, width, 2 * anchors)`, background before objects.
        moves: `(batch, height, width, 4 * anchors)`.

    Returns:
        `(batch, proposals, 4)`: x1, y1, x2, y2 in pixels, half-open, the best first;
        empty boxes behind the last. No gradient passes.

    Reference:
        Ren et al., "Faster R-CNN", NIPS 2015, arXiv 1506.01497, Sec. 3.
    """

    supports_jit = NonMaxSuppression.supports_jit
    portable = False

    @reader.checked
    def __init__(
        self,
        size: Pair,
        strides: Count = 16,
        ratios: Numbers = RATIOS,
        scales: Numbers = SCALES,
        smallest: NonNegative = 16.0,
        before: Count = 6000,
        proposals: Count = 300,
        iou_threshold: Share = 0.7,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"dtype": "float32"} | kwargs)
        self.size, self.strides = tuple(size), strides
        self.ratios, self.scales = tuple(ratios), tuple(scales)
        self.smallest, self.before = smallest, before
        self.proposals, self.iou_threshold = proposals, iou_threshold

    def call(self, scores: KerasTensor, moves: KerasTensor) -> KerasTensor:
        where = box.anchors(scores.shape[1:3], self.strides, self.ratios, self.scales)
        where = ops.convert_to_tensor(where.reshape(1, -1, 4))
        found = box.clip(box.decode(_moves(moves), where), self.size)
        x1, y1, x2, y2 = ops.unstack(found, axis=-1)
        large = (x2 - x1 >= self.smallest) & (y2 - y1 >= self.smallest)
        # Above 0 for every logit, so that 0 can stand for none.
        likely = ops.sigmoid(_foreground(scores)) + 1e-12
        likely = ops.where(large, likely, 0.0)
        best, order = ops.top_k(likely, min(self.before, likely.shape[1]))
        found = ops.take_along_axis(found, order[..., None], axis=1)
        return suppressed(
            found[:, :, None],
            best[..., None],
            self.iou_threshold,
            0.0,
            self.proposals,
            portable=self.portable,
        )[0]

    def compute_output_spec(
        self, scores: KerasTensor, moves: KerasTensor
    ) -> KerasTensor:
        return KerasTensor((scores.shape[0], self.proposals, 4), "float32")

    def get_config(self) -> dict[str, Any]:
        names = (
            "size", "strides", "ratios", "scales", "smallest", "before", "proposals",
            "iou_threshold",
        )  # fmt: skip
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable(package="kerazoo")
class RegionProposalLoss(LossLayer):
    """What a region proposal network learns.

    An anchor that lies within the image has an object where it overlaps a box by
    `positive` at least, or more than all other anchors do; none where it overlaps every
    box by less than `negative`. Of these `sampled` are drawn, half of them with an
    object where there are so many. The loss is their cross-entropy, and a smooth L1
    loss of the moves of those with an object, both divided by how many were drawn.

    Args:
        size: Height and width of the image in pixels.
        strides: Pixels of the image that a cell stands for.
        ratios: The anchors' heights to widths.
        scales: Their sides as multiples of `strides`.
        positive: Overlap from which an anchor has an object.
        negative: Overlap below which it has none.
        sampled: Anchors of an image that are learnt from.
        sigma: Of the smooth L1 loss.
        seed: Of the drawing.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        scores: `(batch, height, width, 2 * anchors)`; they are handed on.
        moves: `(batch, height, width, 4 * anchors)`.
        boxes: The true ones, `(batch, n, 4)`.
        classes: `(batch, n)`, -1 for no box.

    Reference:
        Ren et al., "Faster R-CNN", NIPS 2015, arXiv 1506.01497, Sec. 3.1.2; the
        authors' code has the sigma of 3.
    """

    parts = ("rpn_class", "rpn_box")

    @reader.checked
    def __init__(
        self,
        size: Pair,
        strides: Count = 16,
        ratios: Numbers = RATIOS,
        scales: Numbers = SCALES,
        positive: Share = 0.7,
        negative: Share = 0.3,
        sampled: Count = 256,
        sigma: Positive = 3.0,
        seed: Whole | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.size, self.strides = tuple(size), strides
        self.ratios, self.scales = tuple(ratios), tuple(scales)
        self.positive, self.negative = positive, negative
        self.sampled, self.sigma, self.seed = sampled, sigma, seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(
        self,
        scores: KerasTensor,
        moves: KerasTensor,
        boxes: KerasTensor,
        classes: KerasTensor,
    ) -> KerasTensor:
        where, inside = self._anchors(scores)
        anchors = ops.convert_to_tensor(where)[None]
        overlaps = box.iou(anchors, ops.cast(boxes, "float32"))
        overlaps = ops.where((classes >= 0)[:, None], overlaps, 0.0)
        overlaps = overlaps * inside[:, None].astype("float32")
        most = ops.max(overlaps, axis=2)
        of_box = ops.max(overlaps, axis=1, keepdims=True)
        # Of every box the nearest anchors, all of them where several are as near.
        nearest = ops.any((overlaps == of_box) & (overlaps > 0), axis=2)
        positive = ((most >= self.positive) | nearest) & inside
        negative = (most < self.negative) & ~positive & inside
        keys = keras.random.uniform(ops.shape(most), 1e-6, 1, seed=self.generator)
        half = self.sampled // 2
        full = ops.full_like(positive[:, 0], half, dtype="int32")
        positive = highest(ops.where(positive, keys, 0.0), full, half)
        count = ops.sum(ops.cast(positive, "int32"), axis=1)
        negative = highest(
            ops.where(negative, keys, 0.0), self.sampled - count, self.sampled
        )
        with_object = ops.cast(positive, "float32")
        drawn = with_object + ops.cast(negative, "float32")
        logits = _foreground(scores)
        entropy = ops.softplus(logits) - logits * with_object
        match = ops.argmax(overlaps, axis=2)
        truth = ops.take_along_axis(
            ops.cast(boxes, "float32"), match[..., None], axis=1
        )
        wanted = ops.stop_gradient(
            box.encode(truth, ops.broadcast_to(anchors, ops.shape(truth)))
        )
        apart = ops.sum(smooth_l1(_moves(moves) - wanted, self.sigma), axis=-1)
        total = ops.maximum(ops.sum(drawn, axis=1), 1)
        self.add(
            rpn_class=ops.mean(ops.sum(entropy * drawn, axis=1) / total),
            rpn_box=ops.mean(ops.sum(apart * with_object, axis=1) / total),
        )
        return scores

    def _anchors(self, scores):
        """The anchors ``(n, 4)`` of a map, and which lie within the image."""
        where = box.anchors(scores.shape[1:3], self.strides, self.ratios, self.scales)
        where = where.reshape(-1, 4)
        height, width = self.size
        inside = (where[:, :2] >= 0).all(1)
        return where, inside & (where[:, 2] <= width) & (where[:, 3] <= height)

    def coverage(self, boxes: np.ndarray) -> np.ndarray:
        """The largest overlap of each box ``(n, 4)`` with an anchor in the image."""
        where, inside = self._anchors(self.input[0])
        overlaps = ops.convert_to_numpy(box.iou(boxes, where[inside]))
        return overlaps.max(1, initial=0)

    def get_config(self) -> dict[str, Any]:
        names = (
            "size", "strides", "ratios", "scales", "positive", "negative", "sampled",
            "sigma", "seed",
        )  # fmt: skip
        return super().get_config() | {name: getattr(self, name) for name in names}
