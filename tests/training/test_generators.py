"""A training leaves the caller's random numbers alone."""

import random

import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from kerazoo.training.generators import generators_kept
from kerazoo.tuning import HyperZoo

from ..conftest import TINY


def draws():
    return random.random(), float(np.random.random()), float(tf.random.uniform(()))


@pytest.fixture
def expected():
    """The numbers that come first, with all generators set back before them."""

    def seeded():
        random.seed(5)
        np.random.seed(6)
        tf.random.set_seed(7)

    seeded()
    numbers = draws()
    seeded()
    return numbers


def test_a_training_takes_none_of_the_callers_numbers(expected, fit):
    fit("epochs=1")
    assert draws() == pytest.approx(expected, abs=0)


def test_nor_does_one_that_fails(expected, fit):
    with pytest.raises(ValueError, match="Unknown augmentation"):
        fit("augment=flp")
    assert draws() == pytest.approx(expected, abs=0)


def test_nor_does_a_network_for_another_tuner(expected, digits):
    zoo = HyperZoo("mlp_50", ["learning_rate=0.1,0.2"], TINY, digits)
    zoo.build(keras_tuner.HyperParameters())
    assert draws() == pytest.approx(expected, abs=0)


def test_what_had_no_seed_is_not_left_with_a_known_one():
    numbers = set()
    for _ in range(2):
        tf.random.set_seed(None)
        with generators_kept():
            tf.random.set_seed(1)
        numbers.add(float(tf.random.uniform(())))
    assert len(numbers) == 2
