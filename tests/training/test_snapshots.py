"""Weights kept on the way."""

import re

import keras
import numpy as np
import pytest

from kerazoo.recipe import Recipe
from kerazoo.training.snapshots import (
    kernels_along,
    list_snapshots,
    list_step_snapshots,
    model_at,
)


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
        (["snapshot_steps=[-1]"], "snapshot_steps"),
        (["snapshot_steps=[3,3]"], "name every step once"),
        (["schedule.cycles=2"], "which a cosine without warmup"),
        (["schedule.cycles=0"], "schedule.cycles is 0; it must be a whole number"),
    ],
)
def test_snapshots_that_cannot_be(settings, words):
    with pytest.raises(ValueError) as caught:
        Recipe().override(*settings)
    assert words in str(caught.value)


class Stopped(RuntimeError):
    """What ends a training here."""


class StopAt(keras.callbacks.Callback):
    """Ends it after so many calls."""

    def __init__(self, count):
        super().__init__()
        self.count = count

    def on_train_batch_end(self, batch, logs=None):
        self.count -= 1
        if not self.count:
            raise Stopped


def same(one, other):
    return all(
        np.array_equal(a, b)
        for a, b in zip(one.get_weights(), other.get_weights(), strict=True)
    )


STEPS = "snapshot_steps=[0,3,7,8]"


@pytest.fixture
def by_steps(fit):
    """Seven steps an epoch."""
    options = {"events": False, "deterministic": True}
    return fit("epochs=2", STEPS, "snapshots=1", **options)


def test_steps_are_counted_over_all_epochs(by_steps, fit, tmp_path):
    run = by_steps
    assert list_step_snapshots(run) == [0, 3, 7, 8] and list_snapshots(run) == [1]
    assert same(model_at(run, step=7), model_at(run, 1))
    networks = [model_at(run, step=one) for one in (0, 3, 7, 8)]
    for one, other in zip(networks, [*networks[1:], run.model()], strict=True):
        assert not same(one, other)
    # A training of no epochs ends with the initial weights; one of 8 steps with those.
    options = {"events": False, "deterministic": True}
    new = fit("epochs=0", run=tmp_path / "new", **options)
    assert same(networks[0], new.model())
    short = fit("steps=8", run=tmp_path / "short", **options)
    assert same(networks[3], short.model())


def test_a_training_that_goes_on_keeps_the_same(by_steps, fit, tmp_path):
    options = {"events": False, "deterministic": True, "run": tmp_path / "stopped"}
    settings = "epochs=2", STEPS, "snapshots=1"
    with pytest.raises(Stopped):
        fit(*settings, save_every=5, callbacks=[StopAt(6)], **options)
    again = fit(*settings, save_every=5, **options)
    assert list_step_snapshots(again) == [0, 3, 7, 8]
    for step in (0, 3, 7, 8):
        assert same(model_at(by_steps, step=step), model_at(again, step=step))


def test_a_step_beyond_the_training_is_refused_before_it(fit, tmp_path):
    with pytest.raises(
        ValueError, match="names step 15, but the training has 14 steps"
    ):
        fit("epochs=2", "snapshot_steps=[0,15]", events=False)
    assert not (tmp_path / "run").exists()


def test_filters_along_a_training(fit, tmp_path, command):
    settings = "epochs=1", "snapshot_steps=[0,2,7]", "image_shape=[28,28,1]"
    run = fit(*settings, network="lenet5", events=False)
    found = kernels_along(run)
    assert found.layer == "conv1" and found.steps == (0, 2, 7)
    for step, kernel in zip(found.steps, found.kernels, strict=True):
        expected = model_at(run, step=step).get_layer("conv1").kernel
        np.testing.assert_array_equal(kernel, expected)
    assert kernels_along(run, "conv3").kernels[0].shape == (5, 5, 6, 16)
    with pytest.raises(ValueError, match="Unknown convolution of lenet5 'conv33'"):
        kernels_along(run, "conv33")
    status, _, errors = command("snapshots", run.path, "filters.jpg")
    assert status == 2 and "neither a PNG nor an SVG file" in errors
    status, out, errors = command("snapshots", run.path, "filters.png")
    assert status == 0, errors
    assert "conv1 after steps 0, 2, 7" in out
    assert (tmp_path / "filters.png").stat().st_size > 5000
    # A damaged one is said to be.
    path = run.path / "snapshots" / "step-000000002.npz"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=re.escape(f"{path} cannot be read: it")):
        kernels_along(run)


def test_who_has_no_filters_to_show(by_steps):
    with pytest.raises(ValueError, match="mlp_50 has no convolution"):
        kernels_along(by_steps)
    with pytest.raises(ValueError, match="one of them"):
        model_at(by_steps, 1, step=3)


def test_a_run_without_snapshots(results):
    with pytest.raises(ValueError, match="has kept no weights by step; name the steps"):
        kernels_along(results / "run")
