"""Of boxes that overlap, the one of the highest score."""

from typing import Any

import keras
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.layers import boxes as box
from kerazoo.reader import Count, Share

# A score that no box has. Some runtimes make no number of an infinite one.
NONE = -1e38


@keras.saving.register_keras_serializable(package="kerazoo")
class NonMaxSuppression(keras.layers.Layer):
    """Greedy non-maximum suppression, class by class.

    The box of the highest score stays; boxes of its class that overlap it by more than
    the threshold go; so on with the next. Of equal scores the first box wins.

    The work has a fixed size on every backend: as many picks as there may be
    detections. TensorFlow has a kernel for it.

    Args:
        iou_threshold: Intersection over union; a box that reaches it just so stays.
        score_threshold: A score must be larger.
        max_detections: How many boxes an image gives, of all classes together.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        boxes: `(batch, n, 4)`, or `(batch, n, classes, 4)` for boxes of each class.
        scores: `(batch, n, classes)`.

    Returns:
        A dictionary of `boxes` `(batch, max_detections, 4)`, `scores` and `classes`
        `(batch, max_detections)`, by falling score; behind the last boxes of 0, scores
        of 0 and classes of -1.

    Reference:
        Girshick et al., "Rich feature hierarchies for accurate object detection and
        semantic segmentation", CVPR 2014, arXiv 1311.2524, Sec. 2.2.
    """

    # The kernel of TensorFlow has none for XLA.
    supports_jit = keras.backend.backend() != "tensorflow"
    # Whether to do without that kernel, which no other runtime has.
    portable = False

    @reader.checked
    def __init__(
        self,
        iou_threshold: Share = 0.5,
        score_threshold: float = 0.05,
        max_detections: Count = 100,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"dtype": "float32"} | kwargs)
        self.iou_threshold = iou_threshold
        self.score_threshold = score_threshold
        self.max_detections = max_detections

    def call(self, boxes: KerasTensor, scores: KerasTensor) -> dict[str, KerasTensor]:
        if len(boxes.shape) == 3:
            boxes = boxes[:, :, None]
        found = suppressed(
            boxes,
            scores,
            self.iou_threshold,
            self.score_threshold,
            self.max_detections,
            portable=self.portable,
        )
        return dict(zip(("boxes", "scores", "classes"), found, strict=True))

    def compute_output_shape(
        self, boxes_shape: tuple, scores_shape: tuple
    ) -> dict[str, tuple]:
        shape = (boxes_shape[0], self.max_detections)
        return {"boxes": (*shape, 4), "scores": shape, "classes": shape}

    def compute_output_spec(
        self, boxes: KerasTensor, scores: KerasTensor
    ) -> dict[str, KerasTensor]:
        shapes = self.compute_output_shape(boxes.shape, scores.shape)
        kinds = {"boxes": "float32", "scores": "float32", "classes": "int32"}
        return {name: KerasTensor(shapes[name], kinds[name]) for name in shapes}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "iou_threshold": self.iou_threshold,
            "score_threshold": self.score_threshold,
            "max_detections": self.max_detections,
        }


def suppressed(
    boxes: KerasTensor,
    scores: KerasTensor,
    iou_threshold: float,
    score_threshold: float,
    count: int,
    *,
    portable: bool = False,
) -> tuple[KerasTensor, KerasTensor, KerasTensor]:
    """What :class:`NonMaxSuppression` gives: boxes, scores and classes.

    Args:
        boxes: ``(batch, n, 1 or classes, 4)``.
        scores: ``(batch, n, classes)``.
        iou_threshold: As of the layer.
        score_threshold: As of the layer.
        count: How many boxes an image gives.
        portable: Whether to do without TensorFlow's kernel.
    """
    kernel = keras.backend.backend() == "tensorflow" and not portable
    suppress = _kernel if kernel else _pick
    return suppress(
        ops.stop_gradient(ops.cast(boxes, "float32")),
        ops.stop_gradient(ops.cast(scores, "float32")),
        iou_threshold,
        score_threshold,
        count,
    )


def _kernel(boxes, scores, iou_threshold, score_threshold, count):
    """TensorFlow's own; it takes y before x, which no overlap depends on."""
    import tensorflow as tf

    found = tf.image.combined_non_max_suppression(
        boxes,
        scores,
        count,
        count,
        iou_threshold,
        score_threshold,
        clip_boxes=False,
    )
    there = tf.range(count)[None] < found.valid_detections[:, None]
    classes = tf.where(there, tf.cast(found.nmsed_classes, tf.int32), -1)
    return found.nmsed_boxes, found.nmsed_scores, classes


def _pick(boxes, scores, iou_threshold, score_threshold, count):
    """The highest score, `count` times over."""
    number, classes = ops.shape(scores)[1:]
    boxes = ops.broadcast_to(boxes, (*ops.shape(scores), 4))
    # Class by class, so that of equal scores the first class and its first box wins.
    flat = ops.reshape(ops.transpose(boxes, (0, 2, 1, 3)), (-1, classes * number, 4))
    left = ops.reshape(ops.transpose(scores, (0, 2, 1)), (-1, classes * number))
    left = ops.where(left > score_threshold, left, NONE)
    ids = ops.repeat(ops.arange(classes, dtype="int32"), number)
    places = ops.arange(classes * number, dtype="int32")

    def pick(step, state):
        left, chosen, reached = state
        # Of equal scores the first. Keras' argmax looks at the bits of floats, which
        # few runtimes can.
        score, best = ops.top_k(left, 1)
        box_of_it = ops.take_along_axis(flat, best[..., None], axis=1)
        overlap = box.iou(box_of_it, flat)[:, 0] > iou_threshold
        gone = (overlap & (ops.take(ids, best) == ids)) | (places == best)
        here = ops.arange(count) == step
        return (
            ops.where(gone, NONE, left),
            ops.where(here, best, chosen),
            ops.where(here, score, reached),
        )

    nothing = ops.zeros_like(left[:, :1]) + ops.zeros((count,))
    state = left, ops.cast(nothing, "int32"), nothing
    _, chosen, reached = ops.fori_loop(0, count, pick, state)
    found = reached > NONE
    boxes = ops.take_along_axis(flat, chosen[..., None], axis=1)
    return (
        ops.where(found[..., None], boxes, 0.0),
        ops.where(found, reached, 0.0),
        ops.where(found, ops.take(ids, chosen), -1),
    )
