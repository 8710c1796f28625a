"""What a classifier gets wrong, and whether it knows: from classes and probabilities.

Every function takes the true class ids of some images and the probabilities that a
network gives for them. What it returns names images by their place among these.
"""

import dataclasses
from typing import Annotated

import numpy as np

from kerazoo import reader
from kerazoo.reader import Count, Whole, axes

Truth = Annotated[np.ndarray, axes("images")]
Scores = Annotated[np.ndarray, axes("images", "classes")]
# What a probability is taken for at least, in a loss.
LEAST = 1e-12


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mistake:
    """An image that is taken for what it is not.

    Attributes:
        image: Its place, from 0.
        truth: The id of its class.
        guess: That of the likeliest class.
        probability: Of the guess.
        truth_probability: Of the true class.
        loss: Its cross-entropy, minus the natural logarithm of that.
    """

    image: Whole
    truth: Whole
    guess: Whole
    probability: float
    truth_probability: float
    loss: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConfusionPair:
    """A class that is taken for another.

    Attributes:
        truth: The id of the class.
        guess: That of the other.
        count: Images of the class that are taken for the other.
        of: Images of the class.
        images: The places of the first, the one with the largest loss first.
    """

    truth: Whole
    guess: Whole
    count: Count
    of: Count
    images: tuple[Whole, ...]

    @property
    def share(self) -> float:
        """The part of the class that is taken for the other."""
        return self.count / self.of


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reliability:
    """How often a network is right where it is so and so sure.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, arXiv 1706.04599,
    section 2: images are parted by the probability of their guess into bins of equal
    width.

    Attributes:
        edges: Of the bins, ``(bins + 1,)`` from 0 to 1; the lower one belongs to a bin.
        counts: Images of every bin.
        confidence: The mean probability of their guesses, not a number in an empty bin.
        accuracy: The share of them that are right, likewise.
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def gaps(self) -> np.ndarray:
        """Confidence less accuracy: above 0 where it is too sure; 0 in empty bins."""
        return np.nan_to_num(self.confidence - self.accuracy)

    @property
    def error(self) -> float:
        """The expected calibration error: the gaps, weighed by the images in them."""
        return float(np.abs(self.gaps) @ self.counts / self.counts.sum())

    @property
    def largest_gap(self) -> float:
        """The maximum calibration error."""
        return float(np.abs(self.gaps).max())


@reader.checked
def losses(truth: Truth, scores: Scores) -> np.ndarray:
    """The cross-entropy of every image, ``(images,)``.

    Args:
        truth: Class ids.
        scores: Probabilities.

    Raises:
        ValueError: Where there are no images, or ids and probabilities do not fit.
    """
    _check(truth, scores)
    return -np.log(np.clip(scores[np.arange(len(truth)), truth], LEAST, 1))


@reader.checked
def worst_mistakes(
    truth: Truth, scores: Scores, count: Count | None = None
) -> tuple[Mistake, ...]:
    """The wrong guesses, the one with the largest loss first.

    Args:
        truth: Class ids.
        scores: Probabilities.
        count: How many at most; by default all.

    Raises:
        ValueError: Where there are no images, or ids and probabilities do not fit.
    """
    loss, guess = losses(truth, scores), scores.argmax(-1)
    wrong = np.flatnonzero(guess != truth)
    return tuple(
        Mistake(
            image=int(n),
            truth=int(truth[n]),
            guess=int(guess[n]),
            probability=float(scores[n, guess[n]]),
            truth_probability=float(scores[n, truth[n]]),
            loss=float(loss[n]),
        )
        for n in wrong[np.argsort(-loss[wrong], kind="stable")][:count]
    )


@reader.checked
def confusion_pairs(
    truth: Truth, scores: Scores, count: Count | None = None, *, examples: Whole = 8
) -> tuple[ConfusionPair, ...]:
    """Classes and what they are taken for, the most frequent confusion first.

    Args:
        truth: Class ids.
        scores: Probabilities.
        count: How many pairs at most; by default all.
        examples: Images of each.

    Raises:
        ValueError: Where there are no images, or ids and probabilities do not fit.
    """
    found: dict[tuple[int, int], list[int]] = {}
    for one in worst_mistakes(truth, scores):
        found.setdefault((one.truth, one.guess), []).append(one.image)
    of = np.bincount(truth)
    pairs = [
        ConfusionPair(
            truth=right,
            guess=wrong,
            count=len(images),
            of=int(of[right]),
            images=tuple(images[:examples]),
        )
        for (right, wrong), images in found.items()
    ]
    # Of pairs with as many, the one of the rarer class says more.
    return tuple(sorted(pairs, key=lambda p: (-p.count, p.of, p.truth, p.guess)))[
        :count
    ]


@reader.checked
def reliability(truth: Truth, scores: Scores, bins: Count = 15) -> Reliability:
    """How often the guesses are right, by how sure they are.

    Args:
        truth: Class ids.
        scores: Probabilities.
        bins: Of equal width; 15 as in the paper.

    Raises:
        ValueError: Where there are no images, or ids and probabilities do not fit.
    """
    _check(truth, scores)
    confidence, right = scores.max(-1), scores.argmax(-1) == truth
    place = np.clip((confidence * bins).astype(int), 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    empty = np.full(bins, np.nan)
    return Reliability(
        edges=np.linspace(0, 1, bins + 1),
        counts=counts,
        **{
            name: np.divide(
                np.bincount(place, values, bins),
                counts,
                out=empty.copy(),
                where=counts > 0,
            )
            for name, values in (("confidence", confidence), ("accuracy", right))
        },
    )


def _check(truth, scores):
    if not len(truth) or len(truth) != len(scores):
        raise ValueError(
            f"truth has {len(truth)} images and scores {len(scores)}; give the class "
            "and the probabilities of every one of the same images, at least one."
        )
    classes = scores.shape[1]
    if truth.dtype.kind not in "iu" or truth.min() < 0 or truth.max() >= classes:
        raise ValueError(
            f"truth must be whole numbers from 0 to {classes - 1}, the ids of the "
            f"{classes} classes that scores has probabilities of."
        )
