"""States that cannot be written, or not be used; what they remember."""

import errno
import json
import os
import signal

import keras
import numpy as np
import pytest

from kerazoo import files
from kerazoo.run import Run
from kerazoo.tasks import Classification
from kerazoo.training import loop, state
from kerazoo.training.state import Diverged, Interrupted, TrainState


def states(folder):
    return sorted((folder / "state").glob("step-*.npz"))


@pytest.fixture
def small(tmp_path):
    """A compiled network and its state."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((3,))
    x = keras.layers.Dropout(0.5, seed=1)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(x))
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((4, 3)), np.ones((4, 2)))
    kept = TrainState(tmp_path, str, steps_per_epoch=100)
    kept.set_model(model)
    return model, kept


def values(model):
    parts = (*model.variables, *model.optimizer.variables)
    return [keras.ops.convert_to_numpy(v).copy() for v in parts]


def assert_equal(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_state_brings_everything_back(small, tmp_path):
    model, kept = small
    kept.epoch, kept.step, kept.history = 3, 7, [{"epoch": 1, "loss": 0.1 + 0.2}]
    before = values(model)
    kept.save()
    for _ in range(3):
        model.train_on_batch(np.ones((4, 3)), np.zeros((4, 2)))
    assert any((a != b).any() for a, b in zip(before, values(model), strict=True))
    again = TrainState(tmp_path, str, steps_per_epoch=100)
    assert again.restore(model)
    assert_equal(values(model), before)
    assert (again.epoch, again.step, again.history) == (3, 7, kept.history)


def test_two_states_are_kept(small, tmp_path):
    _, kept = small
    for kept.step in range(1, 6):
        kept.save()
    assert [p.name[:14] for p in states(tmp_path)] == [
        "step-000000004",
        "step-000000005",
    ]


def test_no_state_is_no_state(tmp_path, small):
    model, _ = small
    assert not TrainState(tmp_path / "none", str, steps_per_epoch=1).restore(model)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text"])
def test_a_damaged_state_is_passed_over(small, tmp_path, capsys, damage):
    model, kept = small
    kept.step = 1
    kept.save()
    kept.step = 2
    kept.save()
    newest = states(tmp_path)[-1]
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(
        {
            "cut": content[: len(content) // 2],
            "flip": content,
            "empty": b"",
            "text": b"not a state",
        }[damage]
    )
    again = TrainState(tmp_path, str, steps_per_epoch=100)
    assert again.restore(model)
    assert again.step == 1
    assert f"{newest} is damaged" in capsys.readouterr().err
    # Set aside: were both damaged, new states of earlier steps would come after them.
    assert newest not in states(tmp_path)
    assert newest.with_name(f"damaged-{newest.name}").exists()


def test_a_state_of_another_network_is_refused(small, tmp_path):
    _, kept = small
    kept.save()
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(5)])
    other.compile("adam", "mse")
    other.optimizer.build(other.trainable_variables)
    with pytest.raises(ValueError, match="is the state of another network"):
        TrainState(tmp_path, str, steps_per_epoch=1).restore(other)


def full_disk(path, content):
    """Half of it fits."""
    with files.replacing(path) as temporary:
        temporary.write_bytes(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def read_only(path, content):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


@pytest.mark.parametrize("broken", [full_disk, read_only])
def test_a_state_that_cannot_be_written_leaves_the_old_ones(
    small, tmp_path, monkeypatch, broken
):
    model, kept = small
    for kept.step in (1, 2):
        kept.save()
    before = {p: p.read_bytes() for p in (tmp_path / "state").iterdir()}
    kept.step = 3
    with monkeypatch.context() as patch:
        patch.setattr(state, "write_atomic", broken)
        with pytest.raises(OSError):
            kept.save()
    assert {p: p.read_bytes() for p in (tmp_path / "state").iterdir()} == before
    again = TrainState(tmp_path, str, steps_per_epoch=100)
    assert again.restore(model)
    assert again.step == 2


def test_a_file_size_limit_leaves_the_old_states(small, tmp_path):
    """The same from the system: no file may grow beyond a hundred bytes."""
    resource = pytest.importorskip("resource")
    _, kept = small
    kept.step = 1
    kept.save()
    before = {p: p.read_bytes() for p in (tmp_path / "state").iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    kept.step = 2
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        with pytest.raises(OSError, match="large"):
            kept.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert {p: p.read_bytes() for p in (tmp_path / "state").iterdir()} == before


def test_a_weight_that_is_no_number_is_not_saved(small, tmp_path):
    model, kept = small
    kept.step = 1
    kept.save()
    model.trainable_variables[0].assign(np.full((3, 2), np.nan))
    kept.step = 2
    with pytest.raises(Diverged, match=r"weight dense.* is not a number .*last good"):
        kept.save()
    assert len(states(tmp_path)) == 1


def test_a_full_disk_in_a_training_costs_no_state(fit, tmp_path, monkeypatch):
    """The command that is given again goes on and ends as if nothing had been."""
    calls = []

    def sometimes(path, content):
        calls.append(path)
        (full_disk if len(calls) == 3 else files.write_atomic)(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(state, "write_atomic", sometimes)
        with pytest.raises(OSError, match="No space left"):
            fit("epochs=3", save_every=3)
    assert len(states(tmp_path / "run")) == 2
    resumed = fit("epochs=3", save_every=3)
    whole = fit("epochs=3", run=tmp_path / "whole")
    assert_close(resumed, whole)


def assert_close(one, other):
    """Two runs that took the same steps, to the order of sums in threads."""
    assert len(one.history) == len(other.history)
    for row, expected in zip(one.history, other.history, strict=True):
        assert row == pytest.approx(expected, rel=1e-3, abs=1e-5)
    weights = zip(one.model().get_weights(), other.model().get_weights(), strict=True)
    for mine, theirs in weights:
        np.testing.assert_allclose(mine, theirs, atol=1e-4)


@pytest.mark.parametrize(
    "settings",
    [
        ["optimizer.ema_momentum=0.8"],
        ["early_stopping=1", "epochs=30", "optimizer.learning_rate=0.3"],
        ["steps=10"],
    ],
    ids=["average", "early stopping", "steps"],
)
def test_death_between_training_and_results(fit, tmp_path, monkeypatch, settings):
    """What ``fit`` does at its end is done by the run that finishes the work."""

    class Killed(BaseException):
        pass

    def killed(*args):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Classification, "measure", killed)
        with pytest.raises(Killed):
            fit(*settings)
    assert not Run(tmp_path / "run").finished
    assert_close(fit(*settings), fit(*settings, run=tmp_path / "whole"))


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_signals_finish_the_step_and_save(fit, tmp_path, monkeypatch, number, code):
    rates = loop.writers.Throughput
    before = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)}

    class Stopped(rates):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            os.kill(os.getpid(), number)

    with monkeypatch.context() as patch:
        patch.setattr(loop.writers, "Throughput", Stopped)
        with pytest.raises(
            Interrupted, match=f"by {number.name} in epoch 1 after step"
        ):
            fit("batch_size=100", "image_shape=[28, 28, 1]", network="mlp_256")
    (path,) = states(tmp_path / "run")
    with np.load(path) as saved:
        notes = json.loads(bytes(saved["notes"]))
    assert notes["epoch"] == 0
    assert notes["step"] >= 1
    assert {n: signal.getsignal(n) for n in before} == before
    error = Interrupted(number, 0, 1)
    assert error.code == code


def test_an_epoch_that_is_begun_anew_has_sums_of_its_own(fit, tmp_path, monkeypatch):
    """The state of an epoch's end holds the metrics of its validation."""

    class Killed(BaseException):
        pass

    class Late(loop.writers.Throughput):
        def on_epoch_begin(self, epoch, logs=None):
            super().on_epoch_begin(epoch, logs)
            if epoch == 1:
                raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(loop.writers, "Throughput", Late)
        with pytest.raises(Killed):
            fit(save_every=100)
    assert len(states(tmp_path / "run")) == 1
    assert_close(fit(save_every=100), fit(run=tmp_path / "whole"))
