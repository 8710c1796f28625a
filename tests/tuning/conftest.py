import dataclasses

import numpy as np
import pytest

from kerazoo import data

from ..conftest import TINY

TINY = TINY.override("batch_size=40", "epochs=3")


@pytest.fixture(scope="session")
def digits(data_dir):
    return data.load("digits", data_dir=data_dir, validation=0)


@pytest.fixture(scope="session")
def few(digits):
    """240 digits to learn from."""
    return dataclasses.replace(digits, train=digits.train.subset(np.arange(240)))
