import pathlib

import pytest
from matplotlib.figure import Figure

from kerazoo import training
from kerazoo.analysis import plots

from ..conftest import TINY


@pytest.fixture
def fit(tmp_path, digits, data_dir, monkeypatch):
    """Trains the tiny perceptron, without pictures; keywords go to ``training.fit``."""

    def blank(*args):
        return Figure(figsize=(1, 1))

    for name in ("image_grid", "filter_grid", "confusion", "class_accuracy", "curves"):
        monkeypatch.setattr(plots, name, blank)

    def run(*settings, network="mlp_50", data=digits, run=None, **options):
        recipe = TINY.override(*settings)
        place = pathlib.Path(run or tmp_path / "run")
        options = {"precision": "float32", "data_dir": data_dir} | options
        return training.fit(network, data, recipe, run=place, **options)

    return run
