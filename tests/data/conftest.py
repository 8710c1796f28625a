import os

import pytest

from kerazoo import data


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """A data directory in which the digits are prepared once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def digits(data_dir):
    return data.load("digits", data_dir=data_dir)


@pytest.fixture(scope="session")
def streamed(data_dir):
    """The digits again, read from the files in each epoch."""
    return data.load("digits", data_dir=data_dir, memory_limit=0)


@pytest.fixture
def real_data():
    place = os.environ.get("KERAZOO_DATA_DIR")
    if not place:
        pytest.skip("KERAZOO_DATA_DIR names no TFDS directory with MNIST and CIFAR-10")
    return place
