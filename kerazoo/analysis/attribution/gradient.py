"""The gradient of a score with respect to the pixels, plain, smoothed, integrated."""

import keras
import numpy as np
from keras import ops

from kerazoo import reader
from kerazoo.analysis.attribution.network import Explainable, Image, explainable
from kerazoo.analysis.attribution.record import Attribution
from kerazoo.analysis.gradients import value_and_gradient
from kerazoo.reader import Count, Positive, Whole

# Images whose gradients are taken together.
TOGETHER = 8
# How far what is integrated may be from what it should add up to, and the most steps.
TOLERANCE, MOST_STEPS = 0.01, 1024


@reader.checked
def gradient(
    network: keras.Model | Explainable,
    image: Image,
    class_name: str | int | None = None,
) -> Attribution:
    """The gradient of a class' score: which pixels would change it most.

    The map has the magnitude of each pixel's largest channel.

    Args:
        network: The network, as :class:`Explainable` takes it.
        image: Raw uint8 pixels, or the image of a network without a resizing.
        class_name: The class or its number; by default that of the highest score.

    Raises:
        ValueError: Where there is no such class.

    Reference:
        Simonyan et al., "Deep Inside Convolutional Networks", ICLR 2014 workshop, arXiv
        1312.6034, Sec. 3.
    """
    known = explainable(network)
    resized, place, score = _asked(known, image, class_name)
    slope = _gradients(known, resized, place)[0]
    return _magnitudes("gradient", known, resized, place, score, slope)


@reader.checked
def smooth_grad(
    network: keras.Model | Explainable,
    image: Image,
    class_name: str | int | None = None,
    *,
    samples: Count = 50,
    noise: Positive = 0.15,
    seed: Whole = 1,
) -> Attribution:
    """The mean of the gradients of many noisy copies of the image.

    Args:
        network: The network, as :class:`Explainable` takes it.
        image: Raw uint8 pixels, or the image of a network without a resizing.
        class_name: The class or its number; by default that of the highest score.
        samples: How many copies.
        noise: The deviation of the normal noise, as a share of the range of the image's
            values.
        seed: Of the noise.

    Raises:
        ValueError: Where there is no such class.

    Reference:
        Smilkov et al., "SmoothGrad: removing noise by adding noise", 2017, arXiv
        1706.03825, Sec. 2; samples and noise of its Sec. 3.
    """
    known = explainable(network)
    resized, place, score = _asked(known, image, class_name)
    deviation = noise * float(np.ptp(resized))
    random = np.random.default_rng(seed)

    def copies():
        for _ in range(samples):
            drawn = random.normal(0, deviation, resized.shape[1:])
            yield (resized[0] + drawn).astype("float32")

    total = _sum_of_gradients(known, copies(), place)
    return _magnitudes("smooth_grad", known, resized, place, score, total / samples)


@reader.checked
def integrated_gradients(
    network: keras.Model | Explainable,
    image: Image,
    class_name: str | int | None = None,
    *,
    steps: Count = 32,
) -> Attribution:
    """Integrated gradients from the black image to this one.

    ``(x - x') integral of dF(x' + a (x - x')) / dx da`` for ``a`` from 0 to 1, by the
    rule of the midpoints. They are complete: the map adds up to the score less that of
    the black image. Where it is further off than one percent, the steps are doubled, up
    to 1,024.

    Args:
        network: The network, as :class:`Explainable` takes it.
        image: Raw uint8 pixels, or the image of a network without a resizing.
        class_name: The class or its number; by default that of the highest score.
        steps: How many to begin with.

    Returns:
        The attribution with its ``baseline``; ``completeness`` says how near it came.

    Raises:
        ValueError: Where there is no such class.

    Reference:
        Sundararajan et al., "Axiomatic Attribution for Deep Networks", ICML 2017, arXiv
        1703.01365, Sec. 3, Eq. 1, and Sec. 5 on steps.
    """
    known = explainable(network)
    resized, place, score = _asked(known, image, class_name)
    black = ops.convert_to_numpy(known.scores_of(np.zeros_like(resized)))
    baseline = float(black[0, place])
    while True:
        shares = (np.arange(steps, dtype="float32") + 0.5) / steps
        path = (share * resized[0] for share in shares)
        pixels = resized[0] * _sum_of_gradients(known, path, place) / steps
        wanted, found = score - baseline, pixels.sum(dtype="float64")
        if abs(found - wanted) <= TOLERANCE * abs(wanted) or 2 * steps > MOST_STEPS:
            break
        steps *= 2
    return Attribution(
        method="integrated_gradients",
        image=resized[0],
        map=pixels.sum(-1),
        pixels=pixels,
        class_name=known.names[place],
        score=score,
        baseline=baseline,
    )


def _asked(known, image, class_name):
    """The image as the network takes it, the class that is meant, and its score."""
    resized = known.resized(image)
    scores = ops.convert_to_numpy(known.scores_of(resized))[0]
    place = known.target(class_name, scores)
    return resized, place, float(scores[place])


def _gradients(known, batch, place):
    """Of the score of a class, for each of some images."""
    _, slope = value_and_gradient(
        lambda images: ops.sum(known.scores_of(images)[:, place]), batch
    )
    return slope


def _sum_of_gradients(known, images, place):
    """Over images that come one by one."""
    total, some = 0, []
    for image in images:
        some.append(image)
        if len(some) == TOGETHER:
            total, some = total + _gradients(known, np.stack(some), place).sum(0), []
    if some:
        total = total + _gradients(known, np.stack(some), place).sum(0)
    return total


def _magnitudes(method, known, resized, place, score, pixels):
    return Attribution(
        method=method,
        image=resized[0],
        map=np.abs(pixels).max(-1),
        pixels=pixels,
        class_name=known.names[place],
        score=score,
    )
