"""Searches on the digits: what they record, refuse, resume and leave."""

import csv
import dataclasses
import errno
import json
import os
import pathlib
import shutil
import signal

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from kerazoo import data, training, tuning
from kerazoo.data.splits import Arrays
from kerazoo.run import Run
from kerazoo.training.state import Interrupted, TrainState
from kerazoo.tuning.results import SearchConfig
from kerazoo.tuning.trials import Trials

from ..conftest import TINY
from .conftest import run_search

RECIPE = TINY.override("batch_size=100")
# A rate at which the loss is no number, and a batch larger than the data.
SPACE = {"learning_rate": [0.01, 0.001, 1e38], "batch_size": [100, 5000]}


@pytest.fixture(scope="module")
def images(data_dir):
    """The digits without a test part: a search that looks at it fails."""
    images = data.load("digits", data_dir=data_dir, validation=0.1, seed=1)
    return dataclasses.replace(images, test=None)


@pytest.fixture(scope="module")
def options(images, data_dir):
    return {
        "network": "mlp_50",
        "data": images,
        "recipe": RECIPE,
        "space": SPACE,
        "data_dir": data_dir,
        "precision": "float32",
        "verbose": False,
    }


@pytest.fixture(scope="module")
def found(options, tmp_path_factory):
    """A finished grid that many tests look at and none changes."""
    folder = tmp_path_factory.mktemp("searches") / "grid"
    options = options | {"strategy": "grid", "keep": 1, "folder": folder}
    with pytest.raises(ValueError, match="The grid has 6 points, more than 2"):
        run_search(**options, trials=2)
    return run_search(**options)


def test_the_trial_that_gave_the_rate_is_not_repeated(found):
    trials = sorted(found.trials, key=lambda trial: trial.number)
    assert [trial.starts for trial in trials] == [1] * 6
    points = [list(trial.values.values()) for trial in trials]
    assert points == [[r, b] for r in SPACE["learning_rate"] for b in (100, 5000)]


def test_trials_are_sorted_and_failures_have_reasons(found):
    trials = found.trials
    states = [trial.status for trial in trials]
    assert states == ["completed"] * 2 + ["failed"] * 4
    assert sorted(trial.number for trial in trials) == list(range(6))
    assert trials[0].score >= trials[1].score > 0.1
    for trial in trials[:2]:
        assert trial.macs == 64 * 50 + 50 * 10
        assert (trial.epochs, trial.network) == (2, "mlp_50")
        assert trial.score == Run(trial.run).metrics.accuracy
    for trial in trials[2:]:
        text = "is not a number" if trial.values["batch_size"] == 100 else "a batch"
        assert text in trial.reason
        assert trial.score is None


def test_only_the_best_keep_their_networks(found):
    kept = [one.number for one in found.trials if one.run in _with_models(found)]
    assert kept == [found.best.number]
    assert [str(run.path) for run in found.runs()] == [found.best.run]


def _with_models(found):
    return {str(path.parent) for path in found.path.rglob("model.keras")}


def test_trials_are_scored_on_the_validation_part(found, images):
    run = Run(found.best.run)
    assert run.metrics.images == images.validation.size
    assert run.config.parts.startswith("custom")
    assert not run.events.exists()


def test_the_table(found):
    with open(found.path / "results.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    numbers = [trial.number for trial in found.trials]
    assert [int(row["trial"]) for row in rows] == numbers
    assert float(rows[0]["learning_rate"]) == found.best.values["learning_rate"]
    assert float(rows[0]["score"]) == found.best.score
    assert rows[-1]["score"] == ""
    assert rows[-1]["reason"]
    with Image.open(found.path / "results.png") as image:
        assert min(image.size) > 300


def test_hparams_show_every_trial(found):
    """Each as a row of its own, beside those of other searches too."""
    rows = set()
    for trial in found.trials:
        place = found.path / "events" / f"trial_{trial.number:04d}"
        events = EventAccumulator(str(place), size_guidance={"tensors": 0})
        events.Reload()
        content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data
        parsed = plugin_data_pb2.HParamsPluginData.FromString(content.content)
        values = parsed.session_start_info.hparams
        rows.add(parsed.session_start_info.group_name)
        assert values["network"].string_value == trial.network
        assert values["batch_size"].number_value == trial.values["batch_size"]
        assert ("score" in events.Tags()["tensors"]) == (trial.score is not None)
    search, above = found.path.name, found.path.parent
    trials = range(len(found.trials))
    assert rows == {f"{search}/trial_{number:04d} in {above}" for number in trials}


def test_the_same_call_repeats_nothing(found, options, monkeypatch):
    monkeypatch.setattr(training, "fit", None)
    again = run_search(**options, strategy="grid", keep=1, folder=found.path)
    assert again.trials == found.trials


def test_another_search_in_the_same_folder_is_refused(found, options, monkeypatch):
    with pytest.raises(ValueError, match=r"another search \(plan.strategy differ"):
        run_search(**options, strategy="random", folder=found.path)
    other = options | {"recipe": RECIPE.override("epochs=3")}
    # Before any image is loaded.
    monkeypatch.setattr(SearchConfig, "load_data", None)
    with pytest.raises(ValueError, match=r"\(recipe.epochs differ"):
        run_search(**other, strategy="grid", folder=found.path)


def test_the_recipe_of_the_best(found):
    recipe = found.recipe()
    values = found.best.values
    assert recipe.optimizer.learning_rate == values["learning_rate"]
    assert dataclasses.replace(recipe, optimizer=RECIPE.optimizer) == RECIPE
    assert found.network == "mlp_50"


def test_the_winner_is_a_run_like_every_other(found, tmp_path, data_dir):
    run = found.winner(tmp_path / "winner")
    assert run.config.parts is None
    assert run.finished
    assert run.metrics.images == 355
    assert (run.path / "curves.png").is_file()
    validation = training.evaluate(run, split="validation")
    assert validation.accuracy == pytest.approx(found.best.score)
    with pytest.raises(ValueError, match="holds a run; give another folder"):
        found.winner(tmp_path / "winner")


def test_a_winner_is_retrained_on_all_but_the_test(found, tmp_path, data_dir, images):
    run = found.winner(tmp_path / "winner", retrain=True)
    counts = run.config.images
    assert counts["train"] == images.train.size + images.validation.size
    assert "validation" not in counts and counts["test"] == run.metrics.images == 355
    # Split as by name: it can be evaluated, and trained again, by the set's name.
    assert run.config.parts is None
    expected = dataclasses.replace(found.recipe(), validation=0.0)
    assert run.recipe == expected
    again = training.fit(
        "mlp_50", "digits", expected, run=tmp_path / "again", data_dir=data_dir,
        precision="float32", verbose=0,
    )  # fmt: skip
    assert again.history == run.history


def test_a_winner_that_stopped_early_is_retrained_for_its_best_epochs(
    found, tmp_path, monkeypatch
):
    asked = []
    monkeypatch.setattr(training, "fit", lambda *args, **options: asked.append(args))
    copy = tmp_path / "search"
    shutil.copytree(found.path, copy)
    record = json.loads((copy / "search.json").read_text())
    record["recipe"] |= {"early_stopping": 2, "validate_every": 5}
    (copy / "search.json").write_text(json.dumps(record))
    rows = "epoch,val_loss\n1,0.5\n2,0.25\n3,0.75\n4,0.25\n"
    place = copy / pathlib.Path(found.best.run).name
    (place / "history.csv").write_text(rows)
    tuning.Search(copy).winner(tmp_path / "winner", retrain=True)
    ((_, images, recipe),) = asked
    assert (recipe.epochs, recipe.early_stopping) == (2, None)
    assert (recipe.validation, recipe.validate_every) == (0, None)
    assert images.validation is None
    record["plan"] |= {"folds": 3}
    (copy / "search.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match="retrain has no number of epochs"):
        tuning.Search(copy).winner(tmp_path / "winner", retrain=True)


def test_a_winner_deletes_nothing_that_is_no_run(found, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "thesis.txt").write_text("mine")
    for place in (photos, found.path):
        with pytest.raises(ValueError, match="is not a run folder"):
            found.winner(place, overwrite=True)
    assert (photos / "thesis.txt").read_text() == "mine"
    assert (found.path / "search.json").is_file()


def test_a_winner_whose_network_is_gone_is_trained_anew(
    found, tmp_path, data_dir, monkeypatch
):
    asked = []
    monkeypatch.setattr(training, "fit", lambda *args, **options: asked.append(args))
    copy = tmp_path / "search"
    shutil.copytree(found.path, copy)
    for path in copy.rglob("model.keras"):
        path.unlink()
    tuning.Search(copy).winner(tmp_path / "winner")
    assert asked == [("mlp_50", "digits", found.recipe())]


def test_a_search_where_all_failed_says_why(options, tmp_path):
    options = options | {"space": {"batch_size": [5000, 6000]}}
    failed = run_search(**options, strategy="grid", folder=tmp_path / "search")
    with pytest.raises(ValueError, match=r"No trial .* because: .*less than a batch"):
        failed.recipe()
    assert (failed.path / "results.csv").is_file()
    assert not (failed.path / "results.png").exists()


@pytest.mark.parametrize("error", [MemoryError("12 GB"), None])
def test_a_trial_without_memory_is_recorded(options, tmp_path, monkeypatch, error):
    import tensorflow as tf

    error = error or tf.errors.ResourceExhaustedError(None, None, "12 GB")

    def fit(*args, **options):
        raise error

    monkeypatch.setattr(training, "fit", fit)
    options = options | {"space": {"learning_rate": [0.01, 0.001]}}
    search = run_search(**options, strategy="grid", folder=tmp_path / "search")
    assert [trial.reason for trial in search.trials] == ["out of memory: 12 GB"] * 2


def test_a_full_disk_is_no_failure_of_the_trial(options, tmp_path, monkeypatch):
    options = options | {"space": {"learning_rate": [0.01, 0.02]}, "trials": 1}

    def full(*args, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(training, "fit", full)
        with pytest.raises(OSError, match="No space left"):
            run_search(**options, folder=tmp_path / "search")
    best = run_search(**options, folder=tmp_path / "search").best
    assert (best.number, best.starts) == (0, 1)


def test_a_killed_search_goes_on_in_the_midst_of_a_trial(
    options, tmp_path, monkeypatch
):
    """SIGTERM in the second trial's second epoch; the results are those of no stop."""
    options = options | {"space": {"learning_rate": [0.01, 0.02]}, "strategy": "grid"}
    whole = run_search(**options, folder=tmp_path / "whole")
    step, began = TrainState.on_train_batch_end, []

    def stop(self, batch, logs=None):
        step(self, batch, logs)
        if began.count(0) == 2 and self.epoch == 1 and not began.count(1):
            os.kill(os.getpid(), signal.SIGTERM)

    restore = TrainState.restore

    def watch(self, *given):
        restore(self, *given)
        began.append(self.epoch)

    monkeypatch.setattr(TrainState, "restore", watch)
    monkeypatch.setattr(TrainState, "on_train_batch_end", stop)
    folder = tmp_path / "killed"
    with pytest.raises(Interrupted):
        run_search(**options, folder=folder)
    assert [trial.status for trial in tuning.Search(folder).trials] == [
        "completed",
        "running",
    ]
    killed = run_search(**options, folder=folder)
    assert began == [0, 0, 1]
    for one, other in zip(killed.trials, whole.trials, strict=True):
        assert one.values == other.values
        assert one.score == other.score


def test_a_trial_whose_process_dies_again_and_again_fails(options, tmp_path):
    """The record of a trial that was begun three times and never ended."""
    folder = tmp_path / "search"
    options = options | {"space": {"learning_rate": [0.01, 0.02]}}
    search = run_search(**options, trials=1, folder=folder)
    shutil.rmtree(search.trials[0].run)
    path = folder / "trial_0000.json"
    record = json.loads(path.read_text()) | {"state": ""}
    record |= {"status": "running", "starts": 3, "score": None}
    path.write_text(json.dumps(record))
    trials = Trials(search, options["data"], verbose=False)
    trial = trials.run(0, {"learning_rate": 0.01})
    assert trial.status == "failed"
    assert "its process ended 3 times" in trial.reason


def test_data_are_decoded_once(options, tmp_path, data_dir, monkeypatch):
    read, count = Arrays.tensors.func, []

    def counted(self):
        count.append(self)
        return read(self)

    monkeypatch.setattr(Arrays.tensors, "func", counted)
    images = data.load("digits", data_dir=data_dir, validation=0.1, seed=1)
    options = options | {"data": images, "space": {"learning_rate": [0.01, 0.02]}}
    run_search(**options, trials=2, folder=tmp_path / "search")
    assert len(count) == 1


def test_folds_give_mean_and_standard_deviation(options, tmp_path):
    options = options | {"space": {"learning_rate": [0.01, 0.02]}}
    search = run_search(**options, trials=2, folds=2, folder=tmp_path / "search")
    for trial in search.trials:
        path = pathlib.Path(trial.run, "crossval.json")
        record = json.loads(path.read_text())
        assert trial.score == np.mean(record["scores"])
        assert trial.std == np.std(record["scores"])
    assert not _with_models(search)


def test_hyperband_continues_trials_from_their_states(options, tmp_path):
    options = options | {
        "recipe": RECIPE.override("epochs=3"),
        "space": {"learning_rate": [0.001, 0.003, 0.01, 0.03]},
    }
    folder = tmp_path / "search"
    search = run_search(**options, strategy="hyperband", folder=folder)
    state = json.loads((folder / "oracle.json").read_text())["trials"]
    values = {
        int(trial["trial_id"]): trial["hyperparameters"]["values"] for trial in state
    }
    continued = {
        number: int(one["tuner/trial_id"])
        for number, one in values.items()
        if "tuner/trial_id" in one
    }
    assert continued
    runs = {trial.number: Run(trial.run) for trial in search.trials}
    for number, before in continued.items():
        assert len(runs[before].history) == 1
        assert len(runs[number].history) == 3
        assert runs[number].history[0] == runs[before].history[0]
    number = max(continued)
    whole = training.fit(
        "mlp_50",
        dataclasses.replace(
            options["data"], test=options["data"].validation, validation=None
        ),
        runs[number].recipe,
        run=tmp_path / "whole",
        precision="float32",
        events=False,
    )
    assert runs[number].history == whole.history
    assert runs[number].metrics == whole.metrics


def test_what_stops_a_training_is_not_what_scores_it(options, images, tmp_path):
    options = options | {
        "recipe": RECIPE.override("early_stopping=1"),
        "space": {"learning_rate": [0.01, 0.02]},
    }
    search = run_search(**options, trials=1, folder=tmp_path / "search")
    run = Run(search.best.run)
    assert "val_loss" in run.history[0]
    assert run.metrics.images == images.validation.size
    trials = Trials(search, images, verbose=False)
    split = trials._data(RECIPE.override("early_stopping=1"))
    numbers = [set(part.indices) for part in (split.train, split.validation)]
    assert not numbers[0] & numbers[1]
    assert not set(split.test.indices) & (numbers[0] | numbers[1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"trials": 0}, "trials is 0; it must be a whole number from 1"),
        ({"folds": 1}, "folds is 1; it must be a whole number from 2"),
        ({"keep": True}, "keep is True; it must"),
        ({"workers": 2}, "so data must be a name"),
        ({"seed": 0}, "seed is 0; it must be a whole number from 1"),
        ({"strategy": "rand"}, "Unknown strategy 'rand'; did you mean random"),
        ({"strategy": "hyperband", "folds": 3}, "hyperband stops trials early"),
        ({"space": {"batch_size": [16]}}, "no free dimension"),
        ({"space": {"batch": [16, 32]}}, "did you mean batch_norm or batch_size"),
        ({"network": "mlp_5"}, "Unknown network 'mlp_5'"),
    ],
)
def test_bad_arguments_write_nothing(options, tmp_path, change, words):
    with pytest.raises(ValueError) as caught:
        run_search(**options | change, folder=tmp_path / "search")
    assert words in str(caught.value)
    assert not (tmp_path / "search").exists()


def test_data_without_a_validation_part_is_refused(options, images, tmp_path):
    bare = dataclasses.replace(images, validation=None)
    with pytest.raises(ValueError, match=r"holds out no images .* or folds"):
        run_search(**options | {"data": bare}, folder=tmp_path / "search")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_grid_too_large_says_how_long_it_takes(options, tmp_path, workers):
    options = options | {
        "data": "digits",
        "space": ["learning_rate=log:1e-4:0.1:50", "weight_decay=log:1e-5:1e-2:20"],
        "workers": workers,
    }
    folder = tmp_path / "search"
    with pytest.raises(ValueError) as caught:
        run_search(**options, strategy="grid", folder=folder)
    best = tuning.Search(folder).best
    words = str(caught.value)
    assert "The grid has 1,000 points, more than 100" in words
    minutes = float(words.partition("takes about ")[2].split()[0])
    unit = 3600 if "hours" in words else 60
    seconds = 1000 * best.seconds / workers
    assert minutes * unit == pytest.approx(seconds, rel=0.02)
    assert "trials=1000" in words


def test_a_folder_of_something_else_is_left_alone(options, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds something else than a search"):
        run_search(**options, folder=tmp_path, overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    with pytest.raises(ValueError, match="is a file; give a folder"):
        run_search(**options, folder=tmp_path / "notes.txt")


def test_a_full_disk_is_no_death_of_a_trial(options, tmp_path, monkeypatch):
    whole = training.fit

    def full(*args, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    options = options | {"folder": tmp_path / "search", "strategy": "random"}
    options |= {"space": {"learning_rate": [0.01, 0.001]}}
    monkeypatch.setattr(training, "fit", full)
    for _ in range(5):
        with pytest.raises(OSError, match="No space left"):
            run_search(**options, trials=1)
    monkeypatch.setattr(training, "fit", whole)
    (trial,) = run_search(**options, trials=1).trials
    assert (trial.status, trial.starts) == ("completed", 1)
