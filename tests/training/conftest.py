import pathlib

import pytest
from matplotlib.figure import Figure

from kerazoo import data, training
from kerazoo.analysis import plots
from kerazoo.recipe import Optimizer, Recipe, Schedule

from ..conftest import TINY

RECIPE = Recipe(
    name="quick",
    augment=("translate:0.06",),
    batch_size=64,
    epochs=3,
    optimizer=Optimizer(name="adam", learning_rate=4e-3),
    schedule=Schedule(name="one_cycle", warmup=1, start=0.1),
    weight_decay=1e-4,
)


@pytest.fixture(scope="session")
def digits(data_dir):
    return data.load("digits", data_dir=data_dir, seed=RECIPE.seed)


@pytest.fixture(scope="session")
def trained(tmp_path_factory, data_dir):
    """A finished run of LeNet-5 that many tests look at and none changes."""
    place = tmp_path_factory.mktemp("runs") / "lenet5"
    return training.fit(
        "lenet5",
        recipe=RECIPE,
        run=place,
        data_dir=data_dir,
        precision="float32",
        # A training of seconds writes no state of its own accord.
        save_every=20,
    )


@pytest.fixture
def fit(tmp_path, digits, data_dir, monkeypatch):
    """Trains the tiny perceptron, without pictures; keywords go to ``training.fit``."""

    def blank(*args):
        return Figure(figsize=(1, 1))

    for name in ("image_grid", "filter_grid", "confusion", "curves"):
        monkeypatch.setattr(plots, name, blank)

    def run(*settings, network="mlp_50", data=digits, run=None, **options):
        recipe = TINY.override(*settings)
        place = pathlib.Path(run or tmp_path / "run")
        options = {"precision": "float32", "data_dir": data_dir} | options
        return training.fit(network, data, recipe, run=place, **options)

    return run
