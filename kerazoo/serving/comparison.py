"""Whether an exported network says what the network in Keras says."""

import dataclasses
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from kerazoo.serving.formats import Engine, Inputs
from kerazoo.surgery.for_inference import image_entry, in_float32, own_size
from kerazoo.surgery.join import logits_of

# Largest differences, as shares of the largest logit. Where images are resized, one
# pixel in some thousands is rounded the other way by another engine.
AT_OWN_SIZE, RESIZED = 1e-3, 1e-2
# Odd sizes, and how many images have them.
OTHERS = (((41, 60), 1), ((33, 97), 3))
# Of detections, how far the sides of two boxes are apart that are the same one, as a
# share of the image's.
SAME_BOX = 1e-2
# The share of detections that must be found again. Which of two boxes of nearly one
# score goes first, the last bit decides.
FOUND_AGAIN = 0.95


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How far the answers of an exported network are from Keras'.

    Attributes:
        images: How many were compared.
        largest_difference: As a share of the largest logit (of probabilities or scores
            where there are no logits) over the images of a batch; the largest.
        agreement: The share of images, pixels or detections with the same class.
        found: How many images, pixels or detections these are.
    """

    images: int
    largest_difference: float
    agreement: float
    found: int


def probes(model: keras.Model) -> Iterator[tuple[str, Inputs, bool]]:
    """Random and smooth images, by ones and threes, of the network's size and others.

    Yields:
        What they are in words, the inputs by name, and whether they are resized.
    """
    rng, entry, own = np.random.default_rng(0), image_entry(model), own_size(model)
    fixed = entry.shape[1:3] == own
    sizes = [(own, 1), (own, 3), *(() if fixed else OTHERS)]
    for (height, width), count in sizes:
        shape = (count, height, width, entry.shape[-1])
        for kind, draw in (("random", _random), ("smooth", _smooth)):
            images = draw(rng, shape).astype(entry.dtype)
            inputs = {entry.name: images} | {
                one.name: _regions(rng, shape, one.shape[1])
                for one in keras.tree.flatten(model.input)
                if one is not entry
            }
            words = f"{count} {kind} image{'s' * (count > 1)} of {height}x{width}"
            yield words, inputs, (height, width) != own


def _random(rng, shape):
    return rng.integers(0, 256, shape)


def _smooth(rng, shape):
    """Slow waves of every channel."""
    count, height, width, channels = shape
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    turns, phase = rng.uniform(0, 9, (2, count, 1, 1, channels)), rng.uniform(0, 6)
    wave = np.sin(turns[0] * x[..., None] + turns[1] * y[..., None] + phase)
    return np.round(127.5 * (1 + wave))


def _regions(rng, shape, count):
    """Boxes of some pixels on the images."""
    _, height, width, _ = shape
    ends = np.array([width, height])
    start = rng.uniform(0, 0.6, (shape[0], count, 2)) * ends
    end = np.minimum(start + 2 + rng.uniform(0.1, 0.6, start.shape) * ends, ends)
    return np.concatenate([start, end], -1).astype("float32")


def reference(model: keras.Model) -> Callable[[Inputs], dict[str, Any]]:
    """What Keras says in float32, under the names of an exported network's outputs.

    Args:
        model: The network before it was made ready for export.
    """
    model = in_float32(model)
    outputs = model.output
    if isinstance(outputs, dict) and "predictions" in outputs:
        model = keras.Model(model.input, outputs["predictions"], name=model.name)
    name = "logits"
    try:
        asked = model if isinstance(model.output, dict) else logits_of(model)
    except ValueError:
        asked, name = model, "scores"

    def run(inputs):
        given = inputs
        if not isinstance(asked.input, dict):
            (given,) = inputs.values()
        outputs = asked(given, training=False)
        if not isinstance(outputs, dict):
            outputs = {name: keras.tree.flatten(outputs)[0]}
        return {key: np.asarray(one, "float64") for key, one in outputs.items()}

    return run


def compare(
    expected: Callable[[Inputs], dict[str, Any]],
    engine: Engine,
    model: keras.Model,
    *,
    rounded: bool = False,
) -> Comparison:
    """Shows the same images to Keras and to the engine of a file.

    Args:
        expected: Of :func:`reference`.
        engine: What runs the file.
        model: The network that was exported.
        rounded: Whether the file holds integers, which may differ by any number.

    Raises:
        RuntimeError: Where they differ by more than they may; it says by how much and
            where.
    """
    images, furthest, agreed, total = 0, 0.0, 0, 0
    for words, inputs, resized in probes(model):
        known, given = expected(inputs), _in_double(engine(inputs))
        count = len(next(iter(inputs.values())))
        if set(known) == {"boxes", "scores", "classes"}:
            apart, same, every = _detections_apart(known, given, inputs)
        else:
            apart, same, every = _scores_apart(known, given)
        limit = RESIZED if resized else AT_OWN_SIZE
        limit = sys.float_info.max if rounded else limit
        if not apart <= limit:
            raise RuntimeError(
                f"The exported network does not say what the network says: on {words} "
                f"the {_what(known)} differ by {apart:.2g} of the largest, where "
                f"{limit:g} is allowed; nothing was written."
            )
        images, furthest = images + count, max(furthest, apart)
        agreed, total = agreed + same, total + every
    agreement = agreed / total if total else 1.0
    if agreement < FOUND_AGAIN and not rounded:
        raise RuntimeError(
            "The exported network does not find what the network finds, but "
            f"{agreement:.1%} of it, where {FOUND_AGAIN:.0%} is needed; nothing was "
            "written."
        )
    return Comparison(images, furthest, agreement, total)


def _in_double(outputs):
    return {name: np.asarray(one, "float64") for name, one in outputs.items()}


def _what(known):
    return "logits" if "logits" in known else "scores"


def _scores_apart(known, given):
    """The largest difference of class scores, how many say the same, of how many."""
    (name, scores), *_ = known.items()
    if name == "logits":
        other = given["logits"]
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        pairs = [(scores, other), (shares, given["probabilities"])]
    else:
        (other,) = given.values()
        pairs = [(scores, other)]
    apart = max(largest_difference(*pair) for pair in pairs)
    if scores.shape != other.shape:
        return apart, 0, scores[..., 0].size
    same = scores.argmax(-1) == other.argmax(-1)
    return apart, int(same.sum()), same.size


def largest_difference(one: np.ndarray, other: np.ndarray) -> float:
    """As a share of the first's largest; infinite for other shapes or no numbers."""
    if one.shape != other.shape or not np.isfinite(other).all():
        return float("inf")
    return float(np.abs(one - other).max() / max(np.abs(one).max(), 1e-12))


def _detections_apart(known, given, inputs):
    """The same of detections: of every box and the one that is nearest to it."""
    if any(not np.isfinite(one).all() for one in given.values()):
        return float("inf"), 0, 1
    height, width = next(x.shape[1:3] for x in inputs.values() if x.ndim == 4)
    apart, found, total = 0.0, 0, 0
    for n in range(len(known["scores"])):
        one, other = (
            {key: side[key][n][side["classes"][n] >= 0] for key in side}
            for side in (known, given)
        )
        total += max(len(one["scores"]), len(other["scores"]))
        if not len(one["scores"]) or not len(other["scores"]):
            continue
        moves = np.abs(one["boxes"][:, None] - other["boxes"][None]).max(-1)
        moves = moves / max(height, width)
        kinds = one["classes"][:, None] == other["classes"][None]
        moves = np.where(kinds, moves, np.inf)
        nearest, same = moves.argmin(1), moves.min(1) <= SAME_BOX
        found += int(same.sum())
        if same.any():
            scores = np.abs(one["scores"] - other["scores"][nearest])[same]
            largest = max(np.abs(one["scores"]).max(), 1e-12)
            apart = max(apart, moves.min(1)[same].max(), scores.max() / largest)
    return float(apart), found, total
