"""Detection: boxes around the objects of an image, and their classes."""

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerazoo.analysis import plots
from kerazoo.analysis.average_precision import (
    average_precision,
    coco_average_precision,
    iou,
)
from kerazoo.detections import Detections, Objects
from kerazoo.display import percent
from kerazoo.layers import RegionProposalLoss, RestoreBoxes, YOLOLoss
from kerazoo.layers.yolo import SMALLEST
from kerazoo.recipe import Recipe
from kerazoo.run import Metrics
from kerazoo.tasks.region_svms import fit_regions
from kerazoo.tasks.task import Guess, predicted

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# Images that are looked at before a training.
LOOKED_AT = 256
# Scores above which pictures show a detection.
SHOWN = 0.3
# Test images among which the worst mistakes are looked for, and how many are shown.
GONE_THROUGH, MOST_WRONG = 512, 9


class Detection:
    """The task of networks that say what is where.

    In training a network takes the true boxes beside the images, and its own layers add
    the losses; it gives detections, as the served network does: a dictionary of
    ``boxes``, ``scores`` and ``classes``. See :class:`kerazoo.tasks.Task` for the
    methods.
    """

    served_activation: str | None = None
    score_name = "mAP50"
    draws = True

    def needs_one_hot(self, recipe: Recipe) -> bool:
        return False

    def truth(self) -> dict[str, Any]:
        boxes = keras.Input((None, 4), name="boxes")
        return {"truth": (boxes, keras.Input((None,), dtype="int32", name="classes"))}

    def targets(self, model: keras.Model, dataset: Any) -> Any:
        def inputs(images, objects):
            import tensorflow as tf

            classes = tf.where(objects.ignored, -1, objects.classes)
            return (self.inputs(model, images, objects._replace(classes=classes)),)

        return dataset.map(inputs)

    def inputs(self, model: keras.Model, images: Any, truth: Objects) -> Any:
        boxes, classes, _, proposals = truth
        if isinstance(model.input, dict):
            named = {"images": images, "boxes": boxes, "classes": classes}
            named["proposals"] = proposals
            return {name: named[name] for name in model.input}
        # Of a served network the part behind its resizing, whose inputs have no names.
        given = [images, proposals][: len(model.inputs)]
        if len(given) == 1:
            return images
        return dict(zip((one.name for one in model.inputs), given, strict=True))

    def blank(self, model: keras.Model, classes: int, one_hot: bool) -> None:
        return None

    def remark(self, model: keras.Model, batches: Any) -> str:
        """How many boxes the network's grid or anchors leave out, of some images."""
        _, objects = batches.take(LOOKED_AT)
        learnt = (objects.classes >= 0) & ~objects.ignored
        total = int(learnt.sum())
        seen = f"boxes      {total:,} of {len(learnt):,} images"
        if narrow := batches.too_narrow(LOOKED_AT):
            seen += f"; {narrow:,} are narrower than a pixel once resized and left out"
        for layer in model.layers:
            if isinstance(layer, YOLOLoss):
                tiny, shared = lost(objects.boxes, learnt, layer)
                text = f"{seen}; {shared:,} share a cell with another"
                if tiny:
                    text += f", {tiny:,} are less than a hundredth of the image's side"
                return f"{text} and are not learnt"
            if isinstance(layer, RegionProposalLoss):
                best = layer.coverage(objects.boxes[learnt])
                share = percent(float((best >= 0.5).mean()), 1) if total else "none"
                return f"{seen}; an anchor overlaps {share} of them by half"
        return seen if narrow else ""

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
                f"label_smoothing {recipe.label_smoothing:g}; a detector has losses of "
                "its own: leave both out."
            )
        if recipe.class_weight:
            raise ValueError(
                f"class_weight is {recipe.class_weight!r}, which the losses of a "
                "detector do not know; leave it out."
            )
        return {}

    def finish(self, model: keras.Model, batches: Any) -> None:
        fit_regions(model, functools.partial(self.inputs, model), batches.dataset)

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
        layer = RestoreBoxes(size, resize, native, name="restored")
        boxes = layer(raw, outputs["boxes"], outputs["classes"])
        return outputs | {"boxes": boxes}

    def measure(
        self, model: keras.Model, batches: Any, classes: Sequence[str]
    ) -> Metrics:
        found, truth = self._gathered(model, batches.dataset)
        return detection_metrics(found, truth, classes)

    def epoch_measures(
        self, model: keras.Model, dataset: Any, classes: Sequence[str]
    ) -> dict[str, float]:
        found, truth = self._gathered(model, dataset)
        each = average_precision(found, truth, len(classes))
        return {"val_map50": mean(one.average for one in each) or 0.0}

    def _gathered(self, model, dataset):
        """What a network finds on every image of a data set, and what is there."""
        found: list[Detections] = []
        truth: list[Objects] = []
        for images, objects in dataset:
            inputs = self.inputs(model, images, objects)
            found += Detections.of_batch(predicted(model, inputs, len(images)))
            truth += [objects.on(n) for n in range(len(images))]
        return found, truth

    def counts(self, model: keras.Model) -> np.ndarray | None:
        return None

    def figures(self, counts: Any, classes: Sequence[str]) -> Mapping[str, "Figure"]:
        return {}

    def run_figures(self, metrics: Metrics) -> Mapping[str, "Figure"]:
        known = {
            name: value
            for name, value in metrics.average_precision.items()
            if value is not None
        }
        curves = {name: metrics.precision_curves[name] for name in known}
        shares = np.array(list(known.values()))
        counts = np.array([metrics.objects[name] for name in known])
        return {
            "precision_recall": plots.precision_recall(curves, known),
            "class_precision": plots.class_bars(
                shares, counts, list(known), "average precision", "objects"
            ),
        }

    def drawn(self, model: keras.Model, dataset: Any, truth: Any) -> Any:
        return truth

    def picture(
        self,
        images: np.ndarray,
        targets: Any,
        outputs: Any,
        classes: Sequence[str],
    ) -> "Figure":
        found = [one.above(SHOWN) for one in Detections.of_batch(outputs, classes)]
        truth = [Objects(*targets).on(n) for n in range(len(images))]
        return plots.detections(images, truth, found, classes)

    def worst(
        self, model: keras.Model, batches: Any, classes: Sequence[str]
    ) -> "Figure | None":
        """What is missed and what is found where nothing is, on some images."""
        rows: list[tuple[int, np.ndarray, Objects, Detections]] = []
        first = batches.dataset.take(math.ceil(GONE_THROUGH / batches.batch_size))
        for images, objects in first:
            found, truth = self._gathered(model, [(images, objects)])
            for pixels, real, some in zip(
                np.asarray(images), truth, found, strict=True
            ):
                shown = some.above(SHOWN)
                if count := mistakes(shown, real):
                    rows.append((count, pixels, real, shown))
            # Of as many mistakes the first image counts.
            rows = sorted(rows, key=lambda row: -row[0])[:MOST_WRONG]
        if not rows:
            return None
        _, pixels, truth, found = zip(*rows, strict=True)
        return plots.detections(np.stack(pixels), truth, found, classes)

    def guesses(
        self, outputs: Any, classes: Sequence[str], top: int
    ) -> tuple[Guess, ...]:
        """The detections with the highest scores."""
        one = Detections.of_image(outputs, classes)
        return tuple(
            Guess(one.label(n), float(one.scores[n]), tuple(map(float, one.boxes[n])))
            for n in range(min(top, len(one)))
        )


def mistakes(found: Detections, truth: Objects) -> int:
    """How many objects of an image are missed, and detections are of none.

    By falling score a detection takes the object of its class that it overlaps most, by
    half at least; what is ignored is neither.
    """
    free, wrong = np.ones(len(truth.classes), bool), 0
    overlaps = iou(found.boxes, truth.boxes)
    for row, kind in zip(overlaps, found.classes, strict=True):
        there = np.where((truth.classes == kind) & (row >= 0.5), row, 0.0)
        best = int(there.argmax()) if there.size else -1
        if best < 0 or not there[best]:
            wrong += 1
        elif not truth.ignored[best]:
            wrong += not free[best]
            free[best] = False
    return wrong + int((free & ~np.asarray(truth.ignored, bool)).sum())


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of the values that there are; None of none."""
    there = [one for one in values if one is not None]
    return float(np.mean(there)) if there else None


def lost(boxes: np.ndarray, learnt: np.ndarray, layer: YOLOLoss) -> tuple[int, int]:
    """The boxes that are too small for YOLO, and the others whose cell has one already.

    Args:
        boxes: ``(images, n, 4)`` in pixels.
        learnt: ``(images, n)``: which are learnt at all.
        layer: The loss, whose grid it is.
    """
    rows, columns = layer.input[0].shape[1:3]
    height, width = layer.size
    sides = (boxes[..., 2:] - boxes[..., :2]) / [width, height]
    large = learnt & (sides >= SMALLEST).all(-1)
    x = (boxes[..., 0] + boxes[..., 2]) / 2 / width * columns
    y = (boxes[..., 1] + boxes[..., 3]) / 2 / height * rows
    cells = np.floor(y).clip(0, rows - 1) * columns + np.floor(x).clip(0, columns - 1)
    taken = [len(np.unique(c[there])) for c, there in zip(cells, large, strict=True)]
    return int((learnt & ~large).sum()), int(large.sum()) - sum(taken)


def detection_metrics(
    found: Sequence[Detections], truth: Sequence[Objects], classes: Sequence[str]
) -> Metrics:
    """Measures detections.

    Args:
        found: Of every image.
        truth: The objects of the same images, without padding.
        classes: Class names.
    """
    each = dict(
        zip(classes, average_precision(found, truth, len(classes)), strict=True)
    )

    return Metrics(
        images=len(truth),
        map50=mean(one.average for one in each.values()),
        map50_voc07=mean(one.eleven_points for one in each.values()),
        map=coco_average_precision(found, truth, len(classes)),
        average_precision={name: one.average for name, one in each.items()},
        objects={name: one.objects for name, one in each.items()},
        precision_curves={name: one.curve for name, one in each.items() if one.objects},
    )
