"""How a training ends: its best epoch, its states, and how it is taken up again."""

import hashlib
import io
import json

import numpy as np
import pytest
from PIL import Image

import kerazoo
from kerazoo import training
from kerazoo.run import Run, list_states, newest_state
from kerazoo.training import loop
from kerazoo.training.state import Interrupted

from .test_fitting import scalars

# The last epoch is not the best one, for the rate rises.
WILD = ("epochs=5", "schedule.name=exponential", "schedule.factor=5")


class Killed(BaseException):
    """A death that no handler of errors sees."""


def weights(model):
    return [np.asarray(one) for one in model.get_weights()]


def assert_same(one, other):
    for mine, theirs in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.fixture
def dying(monkeypatch, fit):
    """Trains as ``fit`` does, and dies as an epoch begins, or after a batch of it."""

    def run(epoch, *settings, batch=None, error=Killed, **options):
        class Late(loop.writers.Throughput):
            def on_epoch_begin(self, number, logs=None):
                super().on_epoch_begin(number, logs)
                self.now = number
                if number == epoch and batch is None:
                    raise error

            def on_train_batch_end(self, number, logs=None):
                super().on_train_batch_end(number, logs)
                if self.now == epoch and number == batch:
                    raise error

        with monkeypatch.context() as patch:
            patch.setattr(loop.writers, "Throughput", Late)
            with pytest.raises(error):
                fit(*settings, **options)

    return run


def lowest(run):
    losses = [row["val_loss"] for row in run.history]
    return losses.index(min(losses)) + 1


# The best epoch ----------------------------------------------------------------------


@pytest.mark.parametrize("average", ["None", "0.5"])
def test_the_best_epoch_stands_beside_the_last(fit, average):
    run = fit(*WILD, f"optimizer.ema_momentum={average}")
    losses = [row["val_loss"] for row in run.history]
    assert run.best.epoch == lowest(run) < len(losses)
    assert run.best.val_loss == min(losses)
    assert run.best.model == "best.keras"
    for best, row in (
        (True, run.history[run.best.epoch - 1]),
        (False, run.history[-1]),
    ):
        found = training.evaluate(run, split="validation", best=best)
        assert found.accuracy == pytest.approx(row["val_accuracy"])
    assert run.history[run.best.epoch - 1]["val_accuracy"] > row["val_accuracy"]


def test_a_last_epoch_that_is_best_is_written_once(fit):
    run = fit()
    assert run.best.epoch == lowest(run) == len(run.history)
    assert run.best.model == "model.keras"
    assert not (run.path / "best.keras").exists()
    assert_same(run.model(best=True), run.model())


def test_early_stopping_ends_with_the_best(fit):
    run = fit("epochs=30", "early_stopping=1", "optimizer.learning_rate=0.3")
    assert run.best.epoch == lowest(run) < len(run.history)
    assert run.best.model == "model.keras"


def test_without_validation_no_epoch_is_best(fit):
    run = fit("validation=0", "epochs=1", data=None)
    assert run.best is None
    with pytest.raises(ValueError, match="no best epoch: it had no validation images"):
        run.model(best=True)


def test_the_best_epoch_survives_a_death(fit, dying, tmp_path):
    whole = fit(*WILD, run=tmp_path / "whole", deterministic=True)
    dying(lowest(whole), *WILD, save_every=100, deterministic=True)
    resumed = fit(*WILD, deterministic=True)
    assert resumed.best == whole.best
    assert resumed.best.epoch < len(resumed.history)
    assert_same(resumed.model(best=True), whole.model(best=True))


def test_the_command_uses_the_best_network(command, fit, data_dir, tmp_path):
    run = fit(*WILD)
    file = tmp_path / "image.png"
    Image.fromarray(np.eye(8, dtype="uint8") * 255).save(file)
    for words in (["evaluate", run.path], ["predict", run.path, file]):
        outputs = [command(*words, *more) for more in ([], ["--best"])]
        assert [status for status, _, _ in outputs] == [0, 0]
        assert outputs[0][1] != outputs[1][1]


# A run that has not ended ------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [("epochs=4",), ("epochs=4", "optimizer.ema_momentum=0.5")],
    ids=["plain", "average"],
)
def test_an_unfinished_run_has_a_network(fit, dying, tmp_path, settings):
    dying(2, *settings, save_every=100)
    run = Run(tmp_path / "run")
    assert not run.finished
    with pytest.warns(UserWarning, match="has not ended; this is its .* after epoch 2"):
        found = training.evaluate(run, split="validation")
    history = newest_state(run.path).notes["history"]
    assert found.loss == pytest.approx(history[-1]["val_loss"], rel=1e-3)
    with pytest.warns(UserWarning, match="the best of its first 2 epochs"):
        found = training.evaluate(run, split="validation", best=True)
    expected = min(row["val_loss"] for row in history)
    assert found.loss == pytest.approx(expected, rel=1e-3)
    # Neither has changed the run.
    assert not run.finished
    finished = fit(*settings)
    whole = fit(*settings, run=tmp_path / "whole")
    assert finished.history == [pytest.approx(row, rel=1e-3) for row in whole.history]


def test_an_unfinished_network_has_all_its_layers(dying, tmp_path):
    """Whitening, dropout, batch norms: what a state holds beside kernels."""
    settings = ("normalization=zca", "batch_size=100", "image_shape=[8, 8, 1]")
    options = {"network": "mlp_deep5", "run": tmp_path / "run"}
    dying(1, *settings, "options.units=[32, 32]", save_every=100, **options)
    with pytest.warns(UserWarning, match="has not ended"):
        model = Run(tmp_path / "run").model()
    state = newest_state(tmp_path / "run")
    places = state.notes["served"]["last"]
    named = {layer.name: layer for layer in model.layers if layer.weights}
    assert len(named) > 3
    for name, layer in named.items():
        for place, value in zip(places[name], layer.get_weights(), strict=True):
            np.testing.assert_array_equal(state.arrays[place], value)


def test_a_run_without_a_state_has_no_network_yet(dying, tmp_path):
    dying(0)
    with pytest.raises(ValueError, match="no network yet: the run has not ended"):
        Run(tmp_path / "run").model()


def test_a_command_says_that_a_run_has_not_ended(begin, dying, tmp_path):
    dying(1, "epochs=3", save_every=100)
    ended = begin("evaluate", tmp_path / "run")
    output, errors = ended.communicate()
    assert ended.returncode == 0, errors
    assert "accuracy" in output
    (line,) = [one for one in errors.splitlines() if "has not ended" in one]
    assert line.startswith("kerazoo: ") and line.endswith("its network after epoch 1")


def test_nothing_begins_with_an_unfinished_run(fit, dying, tmp_path):
    dying(1, "epochs=3", save_every=100)
    with pytest.raises(ValueError, match="which has not ended; finish it"):
        fit(f"start_from={tmp_path / 'run'}", run=tmp_path / "other")


# States ------------------------------------------------------------------------------


def test_a_finished_run_drops_its_state(fit, tmp_path):
    assert not (fit(save_every=3).path / "state").exists()
    kept = fit(save_every=3, keep_state=True, run=tmp_path / "kept")
    assert len(list_states(kept.path)) == 1


def test_until_ends_for_now(fit, tmp_path):
    first = fit("epochs=4", until=1, deterministic=True)
    assert first.finished and len(first.history) == 1
    with pytest.raises(ValueError, match="holds a finished run"):
        fit("epochs=4", until=1, deterministic=True)
    assert len(fit("epochs=4", until=3, deterministic=True).history) == 3
    done = fit("epochs=4", deterministic=True)
    whole = fit("epochs=4", deterministic=True, run=tmp_path / "whole")
    assert done.history == whole.history
    assert not (done.path / "state").exists()


def rewritten(path, change):
    """A state with other content, under the name that its content has."""
    with np.load(path) as state:
        arrays = dict(state)
    notes = json.loads(bytes(arrays["notes"]))
    change(notes, arrays)
    arrays["notes"] = np.frombuffer(json.dumps(notes).encode(), np.uint8)
    file = io.BytesIO()
    np.savez(file, **arrays)
    content = file.getvalue()
    path.unlink()
    digest = hashlib.sha256(content).hexdigest()[:16]
    path.with_name(f"{path.stem[:-16]}{digest}.npz").write_bytes(content)


def as_before(notes, arrays):
    """Makes a state what the first version wrote: two sums for a metric, no more."""
    notes["metrics"] = [[], []] * 3
    for name in [one for one in arrays if one.startswith("metrics/")]:
        del arrays[name]
    arrays |= {f"metrics/{n}": np.zeros(()) for n in range(6)}
    for name in ("total", "steps", "served"):
        del notes[name]
    notes["callbacks"] = []


def test_a_state_of_an_earlier_version(fit, dying, tmp_path):
    """At an epoch's end all of it that is needed is there, within one it is not."""
    dying(2, "epochs=4", save_every=100)
    for path in list_states(tmp_path / "run"):
        rewritten(path, as_before)
    with pytest.raises(ValueError, match="its state comes from an earlier version"):
        Run(tmp_path / "run").model()
    run = fit("epochs=4")
    whole = fit("epochs=4", run=tmp_path / "whole")
    assert run.history == [pytest.approx(row, rel=1e-3) for row in whole.history]
    # The best of all epochs may be one whose weights it did not hold.
    assert run.best is None or run.best.epoch == lowest(run)


def test_a_state_of_other_metrics_within_an_epoch(fit, dying, tmp_path):
    dying(0, "batch_size=100", save_every=5, batch=5)
    (state,) = list_states(tmp_path / "run")
    rewritten(state, as_before)
    (left,) = list_states(tmp_path / "run")
    before = left.read_bytes()
    with pytest.raises(ValueError, match="saved within an epoch by another version"):
        fit("batch_size=100")
    assert left.read_bytes() == before


# A longer training -------------------------------------------------------------------

PLATEAU = (
    "schedule.name=plateau",
    "schedule.factor=0.5",
    "schedule.patience=0",
    "optimizer.learning_rate=0.1",
    "dropout_scale=1.0",
    "augment=translate:0.1",
)


@pytest.mark.parametrize(
    ("settings", "before", "after"),
    [
        (PLATEAU, "epochs=2", "epochs=5"),
        (("optimizer.ema_momentum=0.8",), "epochs=2", "epochs=3"),
        (("early_stopping=3", "optimizer.learning_rate=0.3"), "epochs=2", "epochs=9"),
        # Seven batches make an epoch.
        ((), "steps=10", "steps=24"),
        ((), "steps=14", "steps=17"),
    ],
    ids=["plateau", "average", "early stopping", "within an epoch", "at its end"],
)
def test_an_extended_run_is_one_that_was_longer(fit, tmp_path, settings, before, after):
    options = {"deterministic": True, "keep_state": True}
    short = fit(*settings, before, **options)
    length = before.partition("=")[2]
    assert short.finished
    extended = fit(*settings, after, **options)
    whole = fit(*settings, after, run=tmp_path / "whole", deterministic=True)
    assert extended.history == whole.history
    assert extended.metrics == whole.metrics
    assert extended.best == whole.best
    assert_same(extended.model(), whole.model())
    assert_same(extended.model(best=True), whole.model(best=True))
    assert extended.config.extended_from == (int(length),)
    assert extended.recipe == whole.recipe


def test_an_extension_that_dies_goes_on(fit, dying, tmp_path):
    fit("epochs=2", keep_state=True, deterministic=True)
    dying(2, "epochs=4", deterministic=True)
    run = Run(tmp_path / "run")
    assert not run.finished
    with pytest.warns(UserWarning, match="its network after epoch 2"):
        run.model()
    dying(3, "epochs=4", save_every=100, deterministic=True)
    with pytest.warns(UserWarning, match="its network after epoch 3"):
        run.model()
    done = fit("epochs=4", deterministic=True)
    whole = fit("epochs=4", run=tmp_path / "whole", deterministic=True)
    assert done.history == whole.history
    assert_same(done.model(), whole.model())
    assert done.config.extended_from == (2,)


def test_what_cannot_be_extended_stays_as_it_is(fit):
    run = fit(keep_state=True)
    files = {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()}
    for words in (("epochs=1",), ("epochs=4", "seed=2"), ()):
        with pytest.raises(ValueError, match="holds a finished run; give another"):
            fit(*words, keep_state=True)
    assert {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()} == files


def test_an_extension_needs_the_state(fit):
    run = fit()
    with pytest.raises(ValueError, match=r"epochs cannot be raised; .*--keep-state"):
        fit("epochs=3")
    assert run.finished


def test_an_unfinished_run_can_be_given_more_epochs(fit, dying, tmp_path):
    dying(1, "epochs=2", save_every=100, deterministic=True)
    done = fit("epochs=3", deterministic=True)
    whole = fit("epochs=3", run=tmp_path / "whole", deterministic=True)
    assert done.history == whole.history


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (["schedule.name=constant"], False),
        (["schedule.name=cosine"], True),
        (["schedule.name=step", "schedule.boundaries=1"], False),
        (
            ["schedule.name=step", "schedule.boundaries=0.5", "schedule.unit=share"],
            True,
        ),
    ],
    ids=["constant", "cosine", "step", "share"],
)
def test_a_schedule_that_spans_the_training_is_said(fit, capsys, schedule, said):
    fit(*schedule, keep_state=True)
    capsys.readouterr()
    run = fit(*schedule, "epochs=4", verbose=2)
    printed = capsys.readouterr().out
    assert "goes on    after epoch 2; extended from 2 to 4 epochs" in printed
    assert ("spans the training: from here on" in printed) == said
    # The rate is that of the longer training.
    if schedule == ["schedule.name=cosine"]:
        rates = list(scalars(run.events / "train", "learning_rate").values())
        expected = 0.005 * (1 + np.cos(np.pi * np.array([3, 4]) / 4))
        assert rates[2:] == pytest.approx(expected, abs=1e-9)


def test_python_says_it_too(fit, dying, tmp_path):
    dying(1, "epochs=3", save_every=100)
    file = tmp_path / "image.png"
    Image.fromarray(np.eye(8, dtype="uint8") * 255).save(file)
    with pytest.warns(UserWarning, match="has not ended"):
        assert kerazoo.predict(tmp_path / "run", file)[0].top


def test_a_stop_by_signal_leaves_a_network(dying, tmp_path):
    """The state that a signal saves is enough."""

    class Stop(Interrupted):
        def __init__(self):
            super().__init__(15, 0, 0)

    dying(1, "epochs=3", save_every=100, error=Stop)
    with pytest.warns(UserWarning, match="after epoch 1"):
        Run(tmp_path / "run").model()
