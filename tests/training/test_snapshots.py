"""Weights kept on the way."""

import numpy as np
import pytest

from kerazoo.recipe import Recipe
from kerazoo.training.snapshots import list_snapshots, model_at


@pytest.fixture
def run(fit):
    return fit("epochs=3", "snapshots=1,3", events=False)


def test_the_epochs_that_were_named_are_kept(run, fit, tmp_path):
    assert list_snapshots(run) == [1, 3]
    assert not list(run.path.rglob(".*"))
    last = model_at(run, 3)
    for one, other in zip(last.get_weights(), run.model().get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    # The first epoch of three is that of a training that ends there.
    short = fit("epochs=1", run=tmp_path / "short", events=False).model()
    first = model_at(run, 1)
    for one, other in zip(first.get_weights(), short.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    moved = np.abs(first.get_layer("hidden1").kernel - last.get_layer("hidden1").kernel)
    assert moved.max() > 1e-2
    with pytest.raises(ValueError, match=r"no weights of epoch 2; .*\[1, 3\]"):
        model_at(run, 2)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["snapshots=[11]"], "snapshots names epoch 11; it must be from 1 to the rec"),
        (["snapshots=[0]"], "snapshots names epoch 0"),
        (["snapshots=[1]", "optimizer.ema_momentum=0.9"], "raw weights"),
        (["schedule.cycles=2"], "which a cosine without warmup"),
        (["schedule.cycles=0"], "schedule.cycles is 0; it must be a whole number"),
    ],
)
def test_snapshots_that_cannot_be(settings, words):
    with pytest.raises(ValueError) as caught:
        Recipe().override(*settings)
    assert words in str(caught.value)
