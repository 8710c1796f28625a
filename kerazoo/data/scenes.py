"""Generated scenes: scikit-learn's digits, colored, on gradients and noise.

A scene is a pure function of (seed, epoch, index): training has fresh scenes in every
epoch, validation and test have the same ones for ever, and no part draws a digit of
another.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Annotated

import numpy as np
import tensorflow as tf

from kerazoo import reader
from kerazoo.data import draws
from kerazoo.data.boxes import boxes_around
from kerazoo.data.digits import every_fifth
from kerazoo.data.images import ImageData
from kerazoo.data.splits import Split
from kerazoo.detections import Objects
from kerazoo.reader import Range

DIGITS = tuple(map(str, range(10)))
CLASSES = ("background", *DIGITS)
# Scenes of an epoch.
SIZES = {"train": 2000, "validation": 200, "test": 500}
MOST = 4
# The side of a digit as a share of the scene's.
SMALLEST, LARGEST = 0.22, 0.48
# Places that are tried for a digit before it is left out.
TRIES = 20
# Fainter ink is background.
EDGE = 0.35
# Uniform numbers of a digit: which one, its side, its color, and places to try.
DRAWS = 5 + 2 * TRIES
# Scenes that are drawn together.
TOGETHER = 32


@dataclasses.dataclass(frozen=True)
class Scenes:
    """Images of one to four digits, and where they are.

    Attributes:
        images: uint8 tensor (n, size, size, 3).
        masks: int32 tensor (n, size, size): positions in :data:`CLASSES`.
        boxes: int32 tensor (n, 4, 4): x1, y1, x2, y2 in pixels around the ink of each
            digit, half-open; rows of -1 where a scene has fewer.
        digits: int32 tensor (n, 4): which digit is in each box; -1 for none.
    """

    images: tf.Tensor
    masks: tf.Tensor
    boxes: tf.Tensor
    digits: tf.Tensor


@functools.cache
def glyphs(part: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The digits that a part draws from.

    The test's are those of the set ``digits``; of the others every tenth is the
    validation's.

    Args:
        part: A key of :data:`SIZES`.
        seed: Which tenth.

    Returns:
        Ink in 0..1, float32 (n, 8, 8), and int32 labels.
    """
    from sklearn.datasets import load_digits

    ink, labels = load_digits(return_X_y=True)
    test = every_fifth(labels)
    tenth = draws.permutation(len(labels), seed, -1) % 10 == 0
    held = {"train": ~test & ~tenth, "validation": ~test & tenth, "test": test}[part]
    ink = (ink[held] / 16).reshape(-1, 8, 8)
    return ink.astype("float32"), labels[held].astype("int32")


def draw(
    part: str, seed: int, epoch: tf.Tensor, numbers: tf.Tensor, size: int = 112
) -> Scenes:
    """Draws scenes.

    Args:
        part: ``train``, ``validation`` or ``test``: which digits are drawn from.
        seed: Integer.
        epoch: Number of the epoch, from 0.
        numbers: int64 tensor (n,): which scenes of the part.
        size: Height and width in pixels.
    """
    place = list(SIZES).index(part)
    u = draws.uniform(seed, epoch, numbers, place, 8 + MOST * DRAWS)
    inks, labels = (tf.constant(one) for one in glyphs(part, seed))
    v = tf.reshape(u[:, 8:], [-1, MOST, DRAWS])
    chosen = tf.cast(v[..., 0] * inks.shape[0], tf.int32)
    sides = tf.floor(size * (SMALLEST + (LARGEST - SMALLEST) * v[..., 1]))
    squares, fit = _places(v[..., 5:], sides, size)
    fit &= tf.range(MOST) < 1 + tf.cast(u[:, 7:8] * MOST, tf.int32)
    ink = _enlarged(tf.gather(inks, chosen), squares, sides, size)
    ink *= tf.cast(fit, tf.float32)[..., None, None]
    colors = 0.5 + 0.5 * v[..., 2:5] / tf.reduce_max(v[..., 2:5], -1, keepdims=True)
    # Digits lie beside each other, so that what they cover adds up.
    canvas = _gradients(u[:, :7], size) + _noise(part, seed, epoch, numbers, size)
    canvas *= 1 - tf.reduce_sum(ink, 1)[..., None]
    canvas += 255 * tf.einsum("nkyx,nkc->nyxc", ink, colors)
    digits = tf.where(fit, tf.gather(labels, chosen), -1)
    shapes = tf.cast(ink > EDGE, tf.int32)
    return Scenes(
        tf.cast(tf.round(canvas), tf.uint8),
        tf.einsum("nkyx,nk->nyx", shapes, digits + 1),
        boxes_around(shapes),
        digits,
    )


def _gradients(u, size):
    """From one dark colour to another, in any direction."""
    first, last = 120 * u[:, None, None, :3], 120 * u[:, None, None, 3:6]
    angle = 2 * np.pi * u[:, 6, None, None]
    line = tf.linspace(-0.5, 0.5, size)[None]
    along = tf.cos(angle) * line[:, None] + tf.sin(angle) * line[..., None]
    return first + (along / np.sqrt(2) + 0.5)[..., None] * (last - first)


def _noise(part, seed, epoch, numbers, size):
    """Noise of 0 to 31 in every channel."""
    start = draws.state(seed, list(SIZES).index(part)) % 2**31
    words = -(-size * size * 3 // 4)

    def one(number):
        return tf.random.stateless_uniform(
            [words],
            tf.stack([start + epoch, number]),
            minval=None,
            maxval=None,
            dtype=tf.int32,
            alg="philox",
        )

    bits = tf.map_fn(one, numbers, fn_output_signature=tf.int32)
    values = tf.reshape(tf.bitcast(bits, tf.uint8), [-1, 4 * words])
    values = tf.reshape(values[:, : size * size * 3], [-1, size, size, 3])
    return tf.cast(values // 8, tf.float32)


def _places(u, sides, size):
    """Squares (n, k, 4) of y1, x1, y2, x2 that lie beside each other.

    Returns:
        The squares, and whether room was found for each.
    """
    corners = tf.reshape(u, [-1, MOST, TRIES, 2]) * (size - sides + 1)[..., None, None]
    corners = tf.floor(corners)
    tried = tf.concat([corners, corners + sides[..., None, None]], -1)
    squares: list[tf.Tensor] = []
    fit: list[tf.Tensor] = []
    for digit in range(MOST):
        some = tried[:, digit]
        free = tf.ones(tf.shape(some)[:2], tf.bool)
        for other, there in zip(squares, fit, strict=True):
            apart = some[..., :2] >= other[:, None, 2:]
            apart |= some[..., 2:] <= other[:, None, :2]
            free &= tf.reduce_any(apart, -1) | ~there[:, None]
        squares.append(tf.gather(some, tf.argmax(free, 1), batch_dims=1))
        fit.append(tf.reduce_any(free, 1))
    return tf.stack(squares, 1), tf.stack(fit, 1)


def _enlarged(ink, squares, sides, size):
    """Digits of 8x8 at their places in scenes, bilinear: (n, k, size, size)."""
    line = tf.range(size, dtype=tf.float32)

    def weights(start):
        place = (line - start[..., None] + 0.5) / sides[..., None]
        inside = (place > 0) & (place < 1)
        near = tf.clip_by_value(place * 8 - 0.5, 0, 7)[..., None]
        weight = tf.nn.relu(1 - tf.abs(near - tf.range(8, dtype=tf.float32)))
        return tf.where(inside[..., None], weight, 0.0)

    across = weights(squares[..., 1])
    return weights(squares[..., 0]) @ tf.matmul(ink, across, transpose_b=True)


class SceneImages:
    """Scenes with their masks or boxes, drawn when their turn comes.

    See :class:`kerazoo.data.splits.Stream` for the attributes and methods.

    Args:
        part: A key of :data:`SIZES`.
        seed: Of the scenes.
        size: Height and width in pixels.
        boxed: Whether the digits have boxes, and not a class for every pixel.
        scenes: How many of training, the same in every epoch; None for fresh ones.
    """

    def __init__(
        self,
        part: str,
        seed: int,
        size: int,
        *,
        boxed: bool,
        scenes: int | None = None,
    ) -> None:
        self._part, self._seed = part, seed
        self.boxed, self.masked = boxed, not boxed
        self.fresh = part == "train" and scenes is None
        self.size = scenes if part == "train" and scenes else SIZES[part]
        self.shape = (size, size, 3)
        self.labels = np.zeros(self.size, "int64")

    def shuffled(self, wanted: np.ndarray) -> int:
        return len(wanted)

    def part(self, wanted: np.ndarray, index: int, workers: int) -> np.ndarray:
        return wanted[index::workers]

    def stream(
        self,
        wanted: np.ndarray,
        order: tf.Tensor,
        epoch: tf.Tensor,
        rank: Callable | None = None,
    ) -> tf.data.Dataset:
        def scenes(numbers):
            one = draw(
                self._part,
                self._seed,
                epoch if self.fresh else tf.zeros_like(epoch),
                numbers,
                self.shape[0],
            )
            if self.boxed:
                boxes = tf.cast(one.boxes, tf.float32)
                return numbers, (one.images, (boxes, one.digits))
            masks = tf.cast(one.masks[..., None] + 1, tf.uint8)
            none = tf.zeros_like(numbers)
            return numbers, (tf.concat([one.images, masks], -1), none)

        numbers = tf.data.Dataset.from_tensor_slices(tf.gather(wanted, order))
        drawn = numbers.batch(TOGETHER).map(scenes, tf.data.AUTOTUNE)
        return drawn.prefetch(2).unbatch()

    def fetch(self, drawn: tuple) -> tuple[tf.Tensor, tf.Tensor | Objects]:
        image, truth = drawn
        if not self.boxed:
            return image, truth
        boxes, digits = truth
        return image, Objects(boxes, digits, tf.zeros_like(digits, tf.bool))


def load_scenes(
    name: str, options: dict[str, str], *, validation: float, seed: int
) -> ImageData:
    """Loads ``digit_scenes/masks`` or ``/boxes``; see :func:`kerazoo.data.load`.

    Args:
        name: What it was asked for by.
        options: ``size``, the height and width in pixels; ``scenes``, how many there
            are to train on, the same in every epoch.
        validation: 0 for no validation scenes; there are as many of them otherwise,
            drawn from digits that training never sees.
        seed: Of the training and validation scenes; the test's are always the same.

    Raises:
        ValueError: For another variant or option.
    """
    variant = name.partition("?")[0].partition("/")[2]
    if variant not in ("masks", "boxes"):
        raise ValueError(
            f"{name!r} names no variant of digit_scenes; write digit_scenes/masks, "
            "whose scenes have a class for every pixel, or digit_scenes/boxes, which "
            "have a box and a class for every digit"
        )
    boxed = variant == "boxes"
    if not options.keys() <= {"size", "scenes"}:
        raise ValueError(
            f"{name!r} cannot be read; its options are size and scenes, as in "
            "'digit_scenes/masks?size=160' or 'digit_scenes/boxes?scenes=400'"
        )
    size = reader.parse(
        Annotated[int, Range(32, 1025)], options.get("size", "112"), "size"
    )
    scenes = None
    if "scenes" in options:
        scenes = reader.parse(
            Annotated[int, Range(1, 10**6)], options["scenes"], "scenes"
        )
    seeds = {"train": seed, "validation": seed, "test": 0}
    parts = {
        part: Split(
            SceneImages(part, seeds[part], size, boxed=boxed, scenes=scenes),
            name=f"{name} {part}",
            classes=DIGITS if boxed else CLASSES,
        )
        for part in SIZES
    }
    return ImageData.parted(
        name,
        parts["train"],
        parts["test"],
        validation=validation,
        seed=seed,
        held_out=parts["validation"],
        task="detection" if boxed else "segmentation",
    )
