"""Classes and boxes of regions by linear functions that no gradient has found."""

from typing import Any

import keras
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.layers import boxes as box
from kerazoo.reader import Count, NonNegative, Pair, Share


@keras.saving.register_keras_serializable(package="kerazoo")
class RegionSVM(keras.layers.Layer):
    """Scores of regions by a linear support vector machine for every class.

    The score is the logistic function of the margin: 0.5 on the plane between a class
    and the rest. The order is that of the margins. Until somebody has fitted the
    machines all their weights are 0, and the network's own probabilities stand.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        features: `(batch, n, units)`.
        scores: The network's logits `(batch, n, 1 + classes)`, background first.
        regions: `(batch, n, 4)`; empty ones score 0.

    Output shape: `(batch, n, classes)`.

    Reference:
        Girshick et al., "Rich feature hierarchies for accurate object detection and
        semantic segmentation", CVPR 2014, arXiv 1311.2524, Sec. 2.3.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", "trainable": False} | kwargs)

    def build(
        self, features_shape: tuple, scores_shape: tuple, regions_shape: tuple
    ) -> None:
        classes = scores_shape[-1] - 1
        self.kernel = self.add_weight(
            shape=(features_shape[-1], classes), initializer="zeros", name="kernel"
        )
        self.bias = self.add_weight(shape=(classes,), initializer="zeros", name="bias")

    def call(
        self, features: KerasTensor, scores: KerasTensor, regions: KerasTensor
    ) -> KerasTensor:
        margins = ops.matmul(features, self.kernel) + self.bias
        own = ops.softmax(scores)[..., 1:]
        found = ops.where(ops.any(self.kernel != 0), ops.sigmoid(margins), own)
        return ops.where(box.areas(regions)[..., None] > 0, found, 0.0)

    def compute_output_spec(
        self, features: KerasTensor, scores: KerasTensor, regions: KerasTensor
    ) -> KerasTensor:
        return KerasTensor((*scores.shape[:2], scores.shape[2] - 1), "float32")


@keras.saving.register_keras_serializable(package="kerazoo")
class RegionRegression(keras.layers.Layer):
    """Moves the boxes of regions by a linear regression for every class.

    Until somebody has fitted it all its weights are 0, and the regions stay where they
    are.

    Args:
        classes: Number of classes.
        size: Height and width of the image in pixels.
        overlap: Intersection over union with a true box above which a region is fitted
            to.
        penalty: Of the squares of the weights.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        features: `(batch, n, units)`.
        regions: `(batch, n, 4)`.

    Output shape: `(batch, n, classes, 4)`.

    Reference:
        Girshick et al., "Rich feature hierarchies for accurate object detection and
        semantic segmentation", CVPR 2014, arXiv 1311.2524, Appendix C.
    """

    @reader.checked
    def __init__(
        self,
        classes: Count,
        size: Pair,
        overlap: Share = 0.6,
        penalty: NonNegative = 1000.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"dtype": "float32", "trainable": False} | kwargs)
        self.classes, self.size = classes, tuple(size)
        self.overlap, self.penalty = overlap, penalty

    def build(self, features_shape: tuple, regions_shape: tuple) -> None:
        units = 4 * self.classes
        self.kernel = self.add_weight(
            shape=(features_shape[-1], units), initializer="zeros", name="kernel"
        )
        self.bias = self.add_weight(shape=(units,), initializer="zeros", name="bias")

    def call(self, features: KerasTensor, regions: KerasTensor) -> KerasTensor:
        moves = ops.matmul(features, self.kernel) + self.bias
        moves = ops.reshape(moves, (-1, regions.shape[1], self.classes, 4))
        regions = ops.cast(regions, "float32")[:, :, None]
        return box.clip(box.decode(moves, regions), self.size)

    def compute_output_spec(
        self, features: KerasTensor, regions: KerasTensor
    ) -> KerasTensor:
        shape = (*regions.shape[:2], self.classes, 4)
        return KerasTensor(shape, "float32")

    def get_config(self) -> dict[str, Any]:
        names = ("classes", "size", "overlap", "penalty")
        return super().get_config() | {name: getattr(self, name) for name in names}
