"""What a training leaves behind, and what it refuses."""

import dataclasses
import json
import typing

import filelock
import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

import kerazoo
from kerazoo import Recipe, recipes, training
from kerazoo.run import Run

from ..conftest import RECIPE, TINY

FILES = {
    "config.json",
    "history.csv",
    "metrics.json",
    "curves.png",
    "confusion.png",
    "class_accuracy.png",
    "model.keras",
    "best.json",
}


def scalars(folder, tag):
    """The values of a scalar by step."""
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    return {e.step: float(make_ndarray(e.tensor_proto)) for e in events.Tensors(tag)}


def test_the_folder_is_complete_and_clean(trained):
    assert trained.best.epoch == len(trained.history), "the fixture's last is best"
    assert {p.name for p in trained.path.iterdir()} == {*FILES, "events"}
    assert not list(trained.path.rglob(".*"))
    assert trained.finished


def test_config_says_all_that_was_decided(trained):
    config = trained.config
    assert config.network == "lenet5"
    assert config.data == "digits"
    assert config.classes == tuple("0123456789")
    assert config.image_shape == (28, 28, 1)
    assert config.deterministic is False
    assert config.versions.keys() > {"python", "kerazoo", "keras", "tensorflow"}
    assert config.recipe == RECIPE
    assert trained.recipe == RECIPE


def test_history_is_what_keras_logged(trained):
    """The events have the same numbers."""
    history = trained.history
    assert [row["epoch"] for row in history] == [1, 2, 3]
    for part, prefix in (("train", ""), ("validation", "val_")):
        for name in ("loss", "accuracy", "top5"):
            logged = scalars(trained.events / part, f"epoch_{name}")
            ours = {row["epoch"]: row[prefix + name] for row in history}
            assert ours == pytest.approx(logged, rel=1e-6), (part, name)
    assert history[-1]["accuracy"] > history[0]["accuracy"]


def test_metrics_are_consistent(trained):
    metrics = trained.metrics
    confusion = np.array(metrics.confusion)
    assert metrics.images == confusion.sum() == 355
    assert metrics.accuracy == pytest.approx(confusion.trace() / 355)
    assert metrics.accuracy > 0.8
    assert metrics.accuracy <= metrics.top5 <= 1
    assert 0 <= metrics.calibration_error < 0.5
    for name, row in zip("0123456789", confusion, strict=True):
        right = row[int(name)] / row.sum()
        assert metrics.per_class[name] == pytest.approx(right)


def test_pictures_open(trained):
    for name in ("curves.png", "confusion.png"):
        with Image.open(trained.path / name) as picture:
            picture.load()
            assert min(picture.size) > 300
            assert picture.convert("L").getextrema()[0] < 100


def test_the_seed_decides(fit, tmp_path):
    def losses(name, *settings):
        return [row["loss"] for row in fit(*settings, run=tmp_path / name).history]

    one = losses("one")
    assert losses("two") == pytest.approx(one, rel=1e-4)
    assert losses("three", "seed=2") != pytest.approx(one, rel=1e-4)


def test_preparing_the_data_changes_nothing(fit, tmp_path):
    """The first run of all, which writes the data set, is no other than the next."""
    place = tmp_path / "sets"
    place.mkdir()
    losses = []
    for name in ("first", "next"):
        run = fit(data=None, data_dir=place, run=tmp_path / name)
        losses.append([row["loss"] for row in run.history])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_a_loaded_set_trains_like_its_name(trained, digits):
    assert digits.name == trained.config.data
    with pytest.raises(ValueError, match="Unknown data set"):
        training.fit("mlp_50", "digit", TINY, run=trained.path / "never")
    assert not (trained.path / "never").exists()


def test_no_epoch_leaves_an_untrained_network(fit):
    run = fit("epochs=0")
    assert run.history == []
    assert run.metrics.accuracy < 0.5
    assert run.best is None
    assert {p.name for p in run.path.iterdir()} >= FILES - {"best.json"}


def test_steps_in_place_of_epochs(fit):
    """Seven batches make an epoch, so that ten end within the second."""
    run = fit("steps=10", "schedule.name=cosine")
    assert [row["epoch"] for row in run.history] == [1, 2]
    rates = scalars(run.events / "train", "learning_rate")
    assert rates[1] == pytest.approx(0.005 * (1 + np.cos(np.pi * 7 / 10)), rel=1e-5)
    assert rates[2] == pytest.approx(0, abs=1e-9)


def test_no_validation(fit):
    words = ("validation=0", "schedule.name=plateau", "schedule.patience=1")
    run = fit(*words, data=None)
    assert not [key for row in run.history for key in row if key.startswith("val_")]
    assert [place.name for place in run.events.iterdir()] == ["train"]


@pytest.mark.parametrize("loss", typing.get_args(Recipe.__annotations__["loss"]))
def test_every_loss_learns(fit, loss):
    run = fit(f"loss={loss}", "epochs=4")
    losses = [row["loss"] for row in run.history]
    assert losses[-1] < losses[0]
    assert run.metrics.accuracy > 0.5


def test_smoothed_and_mixed_labels_learn(fit, tmp_path):
    for number, setting in enumerate(("label_smoothing=0.1", "augment=mixup:0.2")):
        run = fit(setting, "epochs=4", run=tmp_path / str(number))
        assert run.metrics.accuracy > 0.5


def test_plateau_lowers_the_rate(fit):
    """Nothing improves on a frozen network, so that every epoch is one too many."""
    run = fit(
        "epochs=4",
        "schedule.name=plateau",
        "schedule.factor=0.5",
        "schedule.patience=1",
        "optimizer.name=sgd",
        "optimizer.learning_rate=1e-12",
    )
    rates = [row["learning_rate"] for row in run.history]
    assert rates == pytest.approx([1e-12, 1e-12, 5e-13, 2.5e-13])


def test_early_stopping_brings_back_the_best(fit):
    run = fit("epochs=30", "early_stopping=1", "optimizer.learning_rate=0.3")
    losses = [row["val_loss"] for row in run.history]
    assert 2 <= len(losses) < 30
    assert losses[-1] > min(losses)
    best = training.evaluate(run, split="validation")
    assert best.loss == pytest.approx(min(losses), rel=1e-3)


def test_averaged_weights_are_those_that_are_served(fit):
    run = fit("optimizer.ema_momentum=0.9", "epochs=3")
    served = training.evaluate(run, split="validation")
    # Keras evaluates the average after every epoch, and the run keeps it.
    assert served.loss == pytest.approx(run.history[-1]["val_loss"], rel=1e-3)


def test_weights_of_average_differ_from_raw_ones(fit, tmp_path):
    averaged = fit("optimizer.ema_momentum=0.9", run=tmp_path / "averaged")
    raw = fit(run=tmp_path / "raw")
    one, two = (run.model().get_layer("hidden1").kernel for run in (averaged, raw))
    assert np.abs(np.array(one) - np.array(two)).max() > 1e-3


def test_accumulated_gradients_keep_the_schedule(fit):
    settings = ("optimizer.gradient_accumulation_steps=2", "schedule.name=cosine")
    run = fit(*settings, "epochs=2")
    rates = scalars(run.events / "train", "learning_rate")
    assert rates == pytest.approx({1: 0.005, 2: 0.0}, abs=1e-9)


def test_a_finished_run_is_not_touched(trained):
    before = {p: p.stat().st_mtime_ns for p in trained.path.rglob("*")}
    with pytest.raises(ValueError, match="holds a finished run; give another folder"):
        training.fit(
            "lenet5",
            recipe=RECIPE,
            run=trained.path,
            data_dir=trained.config.data_dir,
            precision="float32",
        )
    assert {p: p.stat().st_mtime_ns for p in trained.path.rglob("*")} == before


def test_a_finished_run_is_overwritten_when_asked(fit):
    first = fit()
    second = fit("epochs=1", overwrite=True)
    assert second.path == first.path
    assert len(second.history) == 1
    assert second.config.recipe.epochs == 1


def test_an_unfinished_run_goes_on_with_its_own_configuration_only(fit):
    run = fit()
    (run.path / "metrics.json").unlink()
    with pytest.raises(ValueError) as caught:
        fit("epochs=5", "optimizer.learning_rate=0.5", "data=mnist")
    for field in ("recipe.epochs", "recipe.optimizer.learning_rate", "recipe.data"):
        assert field in str(caught.value)
    assert "batch_size" not in str(caught.value)
    with pytest.raises(ValueError, match=r"network.* differ"):
        fit(network="mlp_256")
    assert fit().finished


def test_a_run_from_before_a_field_goes_on_where_it_has_its_default(fit):
    run = fit()
    (run.path / "metrics.json").unlink()
    config = json.loads((run.path / "config.json").read_text())
    del config["recipe"]["dropout_scale"]
    (run.path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"\(recipe\.dropout_scale differ\)"):
        fit("dropout_scale=0.5")
    assert fit().finished


def test_a_run_has_one_process(fit, tmp_path):
    run = fit()
    metrics = (run.path / "metrics.json").read_bytes()
    with filelock.FileLock(run.path / ".lock"):
        for overwrite in (False, True):
            with pytest.raises(ValueError, match="is being trained by another process"):
                fit(overwrite=overwrite)
    assert (run.path / "metrics.json").read_bytes() == metrics
    assert fit(overwrite=True).finished


def test_overwriting_needs_a_run(fit, tmp_path):
    folder = tmp_path / "precious"
    folder.mkdir()
    for name, text in (("notes.txt", "mine"), ("config.json", '{"other": "tool"}')):
        (folder / name).write_text(text)
        with pytest.raises(ValueError, match="is not a run folder"):
            fit(run=folder, overwrite=True)
        assert (folder / name).read_text() == text


def test_a_file_is_no_folder(fit, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="is a file; give a folder"):
        fit(run=tmp_path / "file", overwrite=True)
    with pytest.raises(ValueError, match="cannot be made, for"):
        fit(run=tmp_path / "file" / "run")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["optimizer.name=adm"], "Unknown optimizer.name 'adm'; did you mean"),
        (["optimizer.rho=0.9"], "optimiser adam does not take these arguments"),
        (["normalization=minmx"], "Unknown normalization 'minmx'"),
        (["augment=flp"], "Unknown augmentation 'flp'"),
        (["options.unit=3"], "option of mlp_50 'unit'"),
        (["options.classes=3"], "classes"),
        (["batch_size=5000"], "less than a batch of 5000"),
        (["image_shape=[8, 8, 2]"], "channels"),
        (["validation=0.0001"], "share of 0.0001"),
    ],
)
def test_bad_recipes_write_nothing(fit, tmp_path, data_dir, settings, words):
    recipe = TINY.override(*settings)
    with pytest.raises(ValueError) as caught:
        training.fit("mlp_50", recipe=recipe, run=tmp_path / "run", data_dir=data_dir)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_lean_run_has_neither_events_nor_figures(fit, tmp_path):
    lean, whole = fit(events=False), fit(run=tmp_path / "whole")
    names = {p.name for p in lean.path.iterdir()}
    drawn = {"curves.png", "confusion.png", "class_accuracy.png"}
    assert names - {"best.keras"} == FILES - drawn
    assert lean.history == whole.history
    assert lean.config == whole.config


def test_parts_of_ones_own_are_told_from_those_by_name(fit, digits, tmp_path):
    assert fit("epochs=0", run=tmp_path / "by_name").config.parts is None
    parts = dataclasses.replace(digits, test=digits.validation, validation=None)
    run = fit("epochs=0", data=parts, run=tmp_path / "own")
    assert run.config.parts.startswith("custom ")
    assert run.metrics.images == digits.validation.size
    for split in ("train", "validation"):
        with pytest.raises(ValueError, match=f"its {split} split cannot be found"):
            training.evaluate(run, split=split)
    assert training.evaluate(run).images == digits.test.size


def test_python_and_the_command_train_the_same_network(command, data_dir, tmp_path):
    status, _, errors = command(
        "train", "lenet5", "--data=digits", "--epochs=1", "--precision=float32",
        f"--data-dir={data_dir}", "--deterministic",
    )  # fmt: skip
    assert status == 0, errors
    first = Run("runs/lenet5-digits").model().get_weights()
    recipe = recipes.for_network("lenet5").override("epochs=1")
    second = kerazoo.fit(
        "lenet5",
        "digits",
        recipe,
        run="again",
        precision="float32",
        data_dir=data_dir,
        deterministic=True,
    )
    for one, other in zip(first, second.model().get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert Run("runs/lenet5-digits").recipe == recipe.override("data=digits")


def test_a_recipe_by_name_or_kind():
    for given, name in (
        (None, recipes.for_network("alexnet", "laptop").name),
        ("paper", "alexnet_2012"),
        ("cifar_one_cycle", "cifar_one_cycle"),
    ):
        assert recipes.choose(given, "alexnet").name == name
    with pytest.raises(ValueError, match="Unknown recipe 'labtop'"):
        recipes.choose("labtop", "lenet5")
    with pytest.raises(ValueError, match="recipe is 3; it must be a mapping"):
        recipes.choose(3, "lenet5")
    with pytest.raises(ValueError, match="Unknown network 'lenet6'"):
        recipes.for_network("lenet6")
