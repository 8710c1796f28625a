"""The last stages of R-CNN and SPP-net: linear functions of features, by scikit-learn.

Girshick et al. 2014, arXiv 1311.2524, sec. 2.3 and appendices B and C; the constants
are those of the authors' code.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np

from kerazoo.analysis.average_precision import iou
from kerazoo.detections import Objects, fitted
from kerazoo.layers import RegionRegression, RegionSVM
from kerazoo.layers.boxes import encode
from kerazoo.tasks.task import predicted

# The mean norm of features that the penalties are made for, and where it is measured.
NORM, NORM_IMAGES, NORM_REGIONS = 20.0, 200, 200
# Overlap with every box of a class below which a region is an example against it.
NEGATIVE = 0.3
# The margin from which an example against a class is hard, and below which it goes; how
# many are added before the machine is fitted anew.
HARD, EASY, RETRAIN = -1.0001, -1.2, 2000
# Features that are kept rather than computed a second time, in bytes.
KEPT = 2**30
# Added to the variances of the moves before they are brought to 1.
RIDGE_VARIANCE = 1e-3


@dataclasses.dataclass(frozen=True)
class Described:
    """The regions of an image: its true boxes first, then the proposals.

    Attributes:
        features: float32 (n, units), of the last hidden layer.
        pooled: float32 (n, units), on the map.
        regions: float32 (n, 4).
        truth: The objects of the image, without padding and what is ignored.
    """

    features: np.ndarray
    pooled: np.ndarray
    regions: np.ndarray
    truth: Objects


def find_layers(model: keras.Model) -> tuple[RegionSVM, RegionRegression] | None:
    """The layers of a network that are fitted here; None where it has none."""
    kinds = {type(layer): layer for layer in model.layers}
    if RegionSVM not in kinds:
        return None
    return kinds[RegionSVM], kinds[RegionRegression]


def fit_regions(
    model: keras.Model,
    inputs: Callable[[Any, Objects], Any],
    dataset: Iterable[tuple[Any, Objects]],
) -> None:
    """Fits the support vector machines and the regressions of a network.

    Args:
        model: The network in training; its weights are those of its features.
        inputs: From images and their objects to what it takes.
        dataset: The training images as they are, without augmentation; it can be gone
            through again and again.
    """
    found = find_layers(model)
    if found is None:
        return
    svm, regression = found
    (features, _, regions), (pooled, _) = svm.input, regression.input
    look = keras.Model(model.input, [features, pooled, regions])
    count = model.input["proposals"].shape[1]

    def described() -> Iterator[Described]:
        for images, objects in dataset:
            yield from _describe(look, inputs, images, objects, count)

    examples = _Again(described)
    _fit_machines(svm, examples)
    _fit_boxes(regression, examples)


class _Again:
    """What is made once and kept where it is small enough, or made anew each time."""

    def __init__(self, make: Callable[[], Iterator[Described]]) -> None:
        self._make = make
        self._kept: list[Described] | None = None

    def __iter__(self) -> Iterator[Described]:
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[Described] | None = []
        size = 0
        for one in self._make():
            size += one.features.nbytes + one.pooled.nbytes
            if size > KEPT:
                kept = None
            if kept is not None:
                kept.append(one)
            yield one
        self._kept = kept


def _describe(look, inputs, images, objects, count):
    """The regions of the images of a batch."""
    truths = [objects.on(n) for n in range(len(images))]
    learnt = [
        Objects(one.boxes[~one.ignored], one.classes[~one.ignored], one.ignored)
        for one in truths
    ]
    regions = np.stack(
        [
            fitted(np.concatenate([own.boxes, one.proposals]), count)
            for own, one in zip(learnt, truths, strict=True)
        ]
    )
    given = inputs(images, objects._replace(proposals=regions))
    rows = predicted(look, given, len(images))
    for features, pooled, boxes, own in zip(*rows, learnt, strict=True):
        there = boxes[:, 2] > boxes[:, 0]
        yield Described(features[there], pooled[there], boxes[there], own)


def _scale(rows):
    """What brings the mean norm of some features to 20."""
    norms = [np.linalg.norm(one[:NORM_REGIONS], axis=1) for one in rows]
    mean = float(np.concatenate(norms).mean()) if norms else 0.0
    return NORM / mean if mean else 1.0


def _first(examples, field):
    """A field of the first images."""
    for number, one in enumerate(examples):
        if number == NORM_IMAGES:
            return
        yield getattr(one, field)


def _fit_machines(layer, examples):
    """A machine for every class, by one pass over its hard examples."""
    scale = _scale(list(_first(examples, "features")))
    units, classes = layer.kernel.shape
    own: list[list[np.ndarray]] = [[] for _ in range(classes)]
    for one in examples:
        rows = one.features[: len(one.truth.classes)] * scale
        for row, kind in zip(rows, one.truth.classes, strict=False):
            own[kind].append(row)
    machines = [_Machine(np.array(rows), units) for rows in own]
    for one in examples:
        features = one.features * scale
        there = one.truth.classes
        overlaps = iou(one.regions, one.truth.boxes)
        for kind, machine in enumerate(machines):
            nearest = overlaps[:, there == kind].max(1, initial=0)
            machine.add(features[nearest < NEGATIVE])
    for machine in machines:
        machine.fit()
    layer.kernel.assign(np.stack([one.kernel for one in machines], 1) * scale)
    layer.bias.assign(np.array([one.bias for one in machines]))


class _Machine:
    """A linear machine that tells the examples of a class from hard ones against it."""

    def __init__(self, positives: np.ndarray, units: int) -> None:
        self.positives = positives
        self.negatives = np.zeros((0, units), "float32")
        self.kernel, self.bias, self._added = np.zeros(units), 0.0, 0
        if not len(positives):
            # A class that nobody has shown is nowhere.
            self.bias = 2 * EASY * NORM

    def add(self, features: np.ndarray) -> None:
        """Keeps what is hard among examples against the class."""
        if not len(self.positives):
            return
        hard = features[features @ self.kernel + self.bias > HARD]
        self.negatives = np.concatenate([self.negatives, hard])
        self._added += len(hard)
        if self._added > RETRAIN:
            self.fit()
            margins = self.negatives @ self.kernel + self.bias
            self.negatives = self.negatives[margins >= EASY]
            self._added = 0

    def fit(self) -> None:
        """Fits the machine to what it has."""
        from sklearn.svm import LinearSVC

        if not len(self.positives) or not len(self.negatives):
            return
        machine = LinearSVC(
            C=1e-3,
            loss="hinge",
            class_weight={1: 2},
            intercept_scaling=10,
            random_state=0,
            max_iter=20_000,
        )
        labels = np.repeat([1, 0], [len(self.positives), len(self.negatives)])
        machine.fit(np.concatenate([self.positives, self.negatives]), labels)
        self.kernel, self.bias = machine.coef_[0], float(machine.intercept_[0])


def _fit_boxes(layer, examples):
    """A ridge regression for every class, from regions near a true box."""
    scale = _scale(list(_first(examples, "pooled")))
    rows: list[list[np.ndarray]] = [[] for _ in range(layer.classes)]
    moves: list[list[np.ndarray]] = [[] for _ in range(layer.classes)]
    for one in examples:
        count = len(one.truth.classes)
        regions = one.regions[count:]
        overlaps = iou(regions, one.truth.boxes)
        if not overlaps.size:
            continue
        best = overlaps.argmax(1)
        near = overlaps.max(1) > layer.overlap
        wanted = np.asarray(encode(one.truth.boxes[best[near]], regions[near]))
        for row, move, kind in zip(
            one.pooled[count:][near], wanted, one.truth.classes[best[near]], strict=True
        ):
            rows[kind].append(row * scale)
            moves[kind].append(move)
    kernel, bias = (keras.ops.convert_to_numpy(w).copy() for w in layer.weights)
    for kind, some in enumerate(rows):
        if some:
            own = slice(4 * kind, 4 * kind + 4)
            kernel[:, own], bias[own] = _ridge(
                np.array(some), np.array(moves[kind]), layer.penalty
            )
    layer.kernel.assign(kernel * scale)
    layer.bias.assign(bias)


def _ridge(features, moves, penalty):
    """Weights and bias; the moves are centred and whitened while they are fitted."""
    from sklearn.linear_model import Ridge

    mean = moves.mean(0)
    centred = moves - mean
    variances, axes = np.linalg.eigh(centred.T @ centred / len(moves))
    deviations = np.sqrt(variances + RIDGE_VARIANCE)
    whiten, color = (axes * s @ axes.T for s in (1 / deviations, deviations))
    # The bias is penalised too.
    rows = np.concatenate([features, np.ones((len(features), 1))], 1)
    ridge = Ridge(alpha=penalty, fit_intercept=False).fit(rows, centred @ whiten)
    weights = ridge.coef_.T @ color
    return weights[:-1], weights[-1] + mean
