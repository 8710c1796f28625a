"""Segmentation: one of several classes for every pixel."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerazoo.analysis import plots
from kerazoo.data.resizing import nearest
from kerazoo.layers.fast_paths import FusedCrossentropy
from kerazoo.recipe import Recipe
from kerazoo.run import Metrics
from kerazoo.tasks.accuracy import Accuracy, confusion
from kerazoo.tasks.task import Guess

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The label of pixels that no class is asked of.
VOID = -1


class Segmentation:
    """The task of networks that give every pixel a class.

    Targets are class ids ``(batch, height, width)`` of the size of the network's
    output, :data:`VOID` where a pixel counts for nothing. The served network gives
    probabilities ``(batch, height, width, classes)``. See :class:`kerazoo.tasks.Task`
    for the methods.
    """

    served_activation: str | None = "softmax"
    score_name = "mean IoU"
    draws = True

    def needs_one_hot(self, recipe: Recipe) -> bool:
        return False

    def truth(self) -> dict[str, Any]:
        return {}

    def targets(self, model: keras.Model, dataset: Any) -> Any:
        size = model.output.shape[1:3]
        shape = dataset.element_spec[1].shape[1:3]
        if tuple(size) == tuple(shape):
            return dataset

        def smaller(images, *maps):
            return images, *(nearest(one, size) for one in maps)

        return dataset.map(smaller)

    def inputs(self, model: keras.Model, images: Any, truth: Any) -> Any:
        return images

    def blank(self, model: keras.Model, classes: int, one_hot: bool) -> tuple[Any, Any]:
        shape = (1, *model.output.shape[1:3])
        return np.zeros(shape, "int32"), np.zeros((*shape, classes), "float32")

    def remark(self, model: keras.Model, batches: Any) -> str:
        return ""

    def objective(
        self,
        model: keras.Model,
        recipe: Recipe,
        optimizer: keras.optimizers.Optimizer,
        *,
        classes: int,
        one_hot: bool,
    ) -> dict[str, Any]:
        if recipe.loss != "crossentropy" or recipe.label_smoothing:
            raise ValueError(
                f"The recipe {recipe.name} has the loss {recipe.loss} and "
                f"label_smoothing {recipe.label_smoothing:g}; a class for every pixel "
                "is learnt by loss=crossentropy label_smoothing=0."
            )
        return {
            "loss": FusedCrossentropy(ignore_class=VOID),
            "metrics": [
                Accuracy(classes, void=VOID),
                keras.metrics.MeanIoU(
                    classes, name="mean_iou", ignore_class=VOID, sparse_y_pred=False
                ),
            ],
        }

    def finish(self, model: keras.Model, batches: Any) -> None:
        pass

    def served(self, outputs: Any) -> Any:
        return outputs

    def restored(
        self,
        outputs: Any,
        raw: Any,
        size: tuple[int, int],
        resize: str,
        native: tuple[int, int] | None,
    ) -> Any:
        return outputs

    def measure(
        self, model: keras.Model, batches: Any, classes: Sequence[str]
    ) -> Metrics:
        count = len(classes)
        matrix = np.zeros((count, count), "int64")
        images, loss = 0, 0.0
        # Of 15 bins of confidence, what the right guesses fall short of it.
        gaps = np.zeros(15)
        for pixels, masks in self.targets(model, batches.dataset):
            scores = np.asarray(model.predict_on_batch(pixels.numpy()), "float64")
            truth = masks.numpy()
            images += len(truth)
            seen = truth != VOID
            truth, scores = truth[seen], scores[seen]
            guess, confidence = scores.argmax(-1), scores.max(-1)
            pairs = np.bincount(truth * count + guess, minlength=count**2)
            matrix += pairs.reshape(count, count)
            right = scores[np.arange(len(truth)), truth]
            loss -= np.log(np.maximum(right, 1e-12)).sum()
            bins = np.minimum((confidence * 15).astype(int), 14)
            gaps += np.bincount(bins, confidence - (guess == truth), minlength=15)
        pixels_seen = max(1, matrix.sum())
        counts, overlaps = matrix.sum(1), iou(matrix)
        there = counts > 0
        if not there.any():
            warnings.warn(
                f"no pixel of {batches.split.name} has a class, so that nothing is "
                "measured; look its masks over",
                stacklevel=2,
            )
        return Metrics(
            images=images,
            loss=float(loss / pixels_seen),
            accuracy=float(matrix.trace() / pixels_seen),
            balanced_accuracy=float(
                np.mean(matrix.diagonal()[there] / counts[there]) if there.any() else 0
            ),
            mean_iou=float(np.nanmean(overlaps)) if there.any() else None,
            iou={
                name: None if np.isnan(value) else float(value)
                for name, value in zip(classes, overlaps, strict=True)
            },
            calibration_error=float(np.abs(gaps).sum() / pixels_seen),
            per_class={
                name: float(matrix[i, i] / counts[i]) if counts[i] else None
                for i, name in enumerate(classes)
            },
            confusion=tuple(map(tuple, matrix.tolist())),
        )

    def epoch_measures(
        self, model: keras.Model, dataset: Any, classes: Sequence[str]
    ) -> dict[str, float]:
        return {}

    def counts(self, model: keras.Model) -> np.ndarray | None:
        return confusion(model)

    def figures(
        self, counts: np.ndarray, classes: Sequence[str]
    ) -> Mapping[str, "Figure"]:
        matrix = counts.astype(int)
        return {
            "confusion": plots.confusion(matrix, classes, counted="pixels"),
            "class_iou": plots.class_bars(
                iou(matrix), matrix.sum(1), classes, "IoU", "pixels"
            ),
        }

    def run_figures(self, metrics: Metrics) -> Mapping[str, "Figure"]:
        return self.figures(np.array(metrics.confusion), list(metrics.per_class))

    def drawn(self, model: keras.Model, dataset: Any, truth: Any) -> Any:
        return next(iter(self.targets(model, dataset)))[1]

    def picture(
        self,
        images: np.ndarray,
        targets: Any,
        outputs: np.ndarray,
        classes: Sequence[str],
    ) -> "Figure":
        return plots.segmentations(images, targets, outputs.argmax(-1), classes)

    def worst(self, model: keras.Model, batches: Any, classes: Sequence[str]) -> None:
        return None

    def guesses(
        self, outputs: np.ndarray, classes: Sequence[str], top: int
    ) -> tuple[Guess, ...]:
        """The classes with the largest shares of the pixels."""
        pixels = outputs.argmax(-1)
        shares = np.bincount(pixels.ravel(), minlength=len(classes)) / pixels.size
        best = [i for i in np.argsort(-shares)[:top] if shares[i]]
        return tuple(Guess(classes[i], float(shares[i])) for i in best)


def iou(counts: np.ndarray) -> np.ndarray:
    """Intersection over union of every class, from counts (truth, guess).

    A class that is neither in the truth nor guessed has none: it is not a number.
    """
    both = counts.diagonal().astype("float64")
    union = counts.sum(0) + counts.sum(1) - both
    return np.divide(both, union, where=union > 0, out=np.full(len(counts), np.nan))
