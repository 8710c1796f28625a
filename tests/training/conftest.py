import pathlib

import pytest

from kerazoo import training

from ..conftest import TINY, without_pictures


@pytest.fixture
def fit(tmp_path, digits, data_dir):
    """Trains the tiny perceptron, without pictures; keywords go to ``training.fit``."""

    def run(*settings, network="mlp_50", data=digits, run=None, **options):
        recipe = TINY.override(*settings)
        place = pathlib.Path(run or tmp_path / "run")
        options = {"precision": "float32", "data_dir": data_dir} | options
        return training.fit(network, data, recipe, run=place, **options)

    with without_pictures():
        yield run
