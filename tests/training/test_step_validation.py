"""The validation loss every so many steps, seven of which are an epoch here."""

import numpy as np
import pytest

from kerazoo import Recipe
from kerazoo.analysis import plots

from .test_fitting import scalars
from .test_snapshots import StopAt, Stopped, same

OPTIONS = {"events": False, "deterministic": True}


@pytest.fixture
def every_step(fit, tmp_path):
    return fit("validate_every=1", run=tmp_path / "every", **OPTIONS)


def test_it_changes_nothing(every_step, fit, tmp_path):
    without = fit(run=tmp_path / "without", **OPTIONS)
    assert without.step_history == []
    assert every_step.history == without.history
    assert same(every_step.model(), without.model())


def test_rows_by_step(every_step):
    rows, history = every_step.step_history, every_step.history
    assert [row["step"] for row in rows] == list(range(1, 15))
    assert [row["epoch"] for row in rows] == [step / 7 for step in range(1, 15)]
    for row, epoch in zip((rows[6], rows[13]), history, strict=True):
        assert row["val_loss"] == epoch["val_loss"]
        assert row["val_accuracy"] == epoch["val_accuracy"]
    images = every_step.config.images["train"]
    sizes = np.array([200] * 6 + [images - 1200])
    for number, epoch in enumerate(history):
        losses = [row["loss"] for row in rows[7 * number : 7 * number + 7]]
        mean = (sizes * losses).sum() / images
        assert mean == pytest.approx(epoch["loss"], rel=1e-5)


@pytest.mark.parametrize("average", ["None", "0.5"])
def test_a_look_is_that_of_a_training_which_ends_there(fit, tmp_path, average):
    words = f"optimizer.ema_momentum={average}"
    run = fit(words, "validate_every=5", run=tmp_path / "whole", **OPTIONS)
    assert [row["step"] for row in run.step_history] == [5, 10]
    for row in run.step_history:
        place = tmp_path / f"{row['step']:g}"
        short = fit(words, f"steps={row['step']:g}", run=place, **OPTIONS)
        last = short.history[-1]
        assert row["val_loss"] == pytest.approx(last["val_loss"], rel=1e-5)
        assert row["val_accuracy"] == last["val_accuracy"]


def test_a_training_that_goes_on_has_the_same_rows(fit, tmp_path):
    settings = "validate_every=3", "epochs=3"
    whole = fit(*settings, run=tmp_path / "whole", **OPTIONS)
    options = {"run": tmp_path / "stopped", "save_every": 5} | OPTIONS
    for stop in (6, 11):
        with pytest.raises(Stopped):
            fit(*settings, callbacks=[StopAt(stop)], **options)
    again = fit(*settings, **options)
    assert again.step_history == whole.step_history
    assert again.history == whole.history


def test_tensorboard_counts_steps(fit):
    run = fit("validate_every=4")
    rows = run.step_history
    for folder, key in (("steps", "loss"), ("steps_validation", "val_loss")):
        found = scalars(run.events / folder, "step_loss")
        assert found == pytest.approx({row["step"]: row[key] for row in rows})


def test_curves_have_the_looks():
    history = [{"epoch": n, "loss": 1 / n, "val_loss": 2 / n} for n in (1, 2)]
    looks = [{"epoch": n / 4, "loss": 1.0, "val_loss": n} for n in range(1, 9)]
    axes = plots.curves(history, looks).axes[0]
    lines = [(len(line.get_xdata()), line.get_color()) for line in axes.lines]
    assert [length for length, _ in lines] == [2, 8, 2, 8]
    assert lines[0][1] == lines[1][1] != lines[2][1] == lines[3][1]
    assert len(axes.get_legend().get_texts()) == 2
    assert axes.get_ylim()[1] > 8


def test_without_images_to_look_at_it_is_refused():
    with pytest.raises(ValueError, match="validate_every is 5, but validation is 0"):
        Recipe(validate_every=5, validation=0)
