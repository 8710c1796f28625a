"""The caller's generators of random numbers, which a training must not change."""

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import tensorflow as tf


@contextlib.contextmanager
def generators_kept() -> Iterator[None]:
    """Gives the generators that ``keras.utils.set_random_seed`` seeds back.

    Those of Python and NumPy go on where they stood. TensorFlow's seed is set again, so
    that its unseeded operations begin that seed's sequence anew; where there was none,
    it gets one that nobody knows.
    """
    python, numpy = random.getstate(), np.random.get_state()
    # 87654321 stands for no seed.
    seed, _ = tf.compat.v1.get_seed(1)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        unknown = random.SystemRandom().randrange(2**31)
        tf.random.set_seed(unknown if seed == 87654321 else seed)
