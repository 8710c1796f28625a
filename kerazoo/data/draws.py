"""Random numbers that are a pure function of their key.

A draw depends on (seed, epoch, example, place) and on nothing else: not on the order in
which threads ask, nor on what was drawn before, nor on the version of a library. The
mixing function is SplitMix64's (Steele, Lea and Flood, "Fast Splittable Pseudorandom
Number Generators", OOPSLA 2014, Fig. 16), written with operators that NumPy arrays and
TensorFlow tensors share.
"""

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

GOLDEN = 0x9E3779B97F4A7C15


def mix(z: Any) -> Any:
    """Scrambles unsigned 64-bit integers (array or tensor), one to one."""
    # Floor division is the right shift that both libraries spell alike.
    z = (z ^ (z // 2**30)) * 0xBF58476D1CE4E5B9
    z = (z ^ (z // 2**27)) * 0x94D049BB133111EB
    return z ^ (z // 2**31)


def key(state: Any, number: Any) -> Any:
    """The key of child `number` of `state`; both unsigned 64-bit, broadcast."""
    return mix((state ^ mix(number + GOLDEN)) + GOLDEN)


def state(*numbers: int) -> int:
    """The key of a row of integers, each the child of those before it."""
    current = np.zeros(1, "uint64")
    for number in numbers:
        current = key(current, np.array([number]).astype("uint64"))
    return int(current[0])


def share(text: str) -> float:
    """A number in [0, 1) that a text decides, the same on every machine."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def permutation(size: int, seed: int, epoch: int) -> np.ndarray:
    """The order of `size` examples in an epoch: a sort by random keys.

    Args:
        size: Number of examples.
        seed: Any integer.
        epoch: Number of the epoch, from 0.

    Returns:
        An int64 array with each of 0 ... size-1 once.
    """
    start = np.array([state(seed, epoch)], "uint64")
    return np.argsort(key(start, np.arange(size, dtype="uint64")), kind="stable")


def uniform(
    seed: int, epoch: "tf.Tensor", index: "tf.Tensor", place: int, count: int
) -> "tf.Tensor":
    """Uniform numbers in [0, 1) for each example of a batch, as a tensor.

    Args:
        seed: Any Python integer.
        epoch: Scalar int64 tensor.
        index: int64 tensor of n example numbers.
        place: Python integer that keeps the users of randomness apart.
        count: Draws per example.

    Returns:
        A float32 tensor of shape (n, count), multiples of 2**-24.
    """
    import tensorflow as tf

    keys = tf.zeros([1, 1], tf.uint64)
    for number in (seed, epoch, index[:, None], place, tf.range(count)[None]):
        keys = key(keys, tf.cast(number, tf.uint64))
    return tf.cast(keys // 2**40, tf.float32) * 2.0**-24
