import dataclasses

import numpy as np
import pytest

from kerazoo import data
from kerazoo.recipe import Optimizer, Recipe

# The smallest network there is, for what does not depend on the network.
TINY = Recipe(
    name="tiny",
    image_shape=(8, 8, 1),
    batch_size=40,
    epochs=3,
    optimizer=Optimizer(name="adam", learning_rate=1e-2),
)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """A data directory in which the digits are prepared once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def digits(data_dir):
    return data.load("digits", data_dir=data_dir, validation=0)


@pytest.fixture(scope="session")
def few(digits):
    """240 digits to learn from."""
    return dataclasses.replace(digits, train=digits.train.subset(np.arange(240)))
