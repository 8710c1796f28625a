"""Cross-validation: against scikit-learn, against leaks, against deaths."""

import dataclasses
import json
import os
import signal
import time

import keras
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.model_selection import cross_validate as theirs

import kerazoo
from kerazoo import training, tuning
from kerazoo.data import Split
from kerazoo.data.draws import permutation
from kerazoo.data.splits import Arrays
from kerazoo.display import percent
from kerazoo.run import Run
from kerazoo.training.state import Diverged
from kerazoo.tuning import crossval

from .conftest import TINY, records

# Everything that is fitted: weights, statistics, the epoch at which to stop.
FITTED = TINY.override(
    "epochs=12",
    "early_stopping=1",
    "optimizer.learning_rate=0.05",
    "augment=translate:0.1",
    "initializer=lsuv",
    "validation=0.2",
)
RATES = (0.003, 0.03)


@pytest.fixture(scope="module")
def result(few, tmp_path_factory):
    """Three folds, and where they are."""
    folder = tmp_path_factory.mktemp("crossval") / "folds"
    return run(few, folder), folder


def run(images, folder, recipe=FITTED, **options):
    options = {"folds": 3, "precision": "float32", "keep_models": True} | options
    options = records(tuning.FoldPlan, options)
    return tuning.cross_validate("mlp_50", images, recipe, folder=folder, **options)


def fitted(place):
    """All that came out of a fold's training, to the bit."""
    found = Run(place)
    weights = [value.tobytes() for value in found.model().get_weights()]
    layer = found.model().get_layer("normalize_standardize")
    return weights, layer.get_config(), found.history


def changed(images, places, pixels=None, labels=None):
    """A set in which the images at some places of the source are others."""
    source = images.train.source
    mine = [source.images.copy(), source.labels.copy()]
    if pixels is not None:
        mine[0][places] = pixels
    if labels is not None:
        mine[1][places] = labels
    other = Arrays(lambda: tuple(mine), source.size, source.shape)
    old = images.train
    train = Split(other, name=old.name, classes=old.classes, indices=old.indices)
    return dataclasses.replace(images, train=train)


@pytest.fixture
def first_fold_only(monkeypatch, few):
    """The first of three folds, by the true labels whatever a set says."""
    true = crossval.stratified_folds(few.train, 3)
    part = crossval.stratified_folds

    def parting(split, count, **options):
        return true[:1] if count == 3 else part(split, count, **options)

    monkeypatch.setattr(crossval, "stratified_folds", parting)
    return few.train.indices[true[0][0]], few.train.indices[true[0][1]]


# What comes out -----------------------------------------------------------------------


def test_every_fold_is_a_run(result, few):
    found, folder = result
    assert [fold.number for fold in found.folds] == [1, 2, 3]
    assert sum(fold.images for fold in found.folds) == few.train.size
    for fold in found.folds:
        metrics = Run(folder / fold.run).metrics
        assert fold.score == metrics.accuracy
        assert fold.loss == metrics.loss
        assert fold.images == metrics.images
    assert found.mean == pytest.approx(sum(found.scores) / 3)
    spread = sum((score - found.mean) ** 2 for score in found.scores) / 3
    assert found.std == pytest.approx(spread**0.5)
    assert found.mean > 0.5
    written = json.loads((folder / "crossval.json").read_text())
    assert written == json.loads(json.dumps(found.to_dict()))
    assert written["recipe"] == json.loads(FITTED.to_json())
    # It stopped by a validation loss that no fold had a part in.
    epochs = [len(Run(folder / fold.run).history) for fold in found.folds]
    assert min(epochs) < 12


def test_a_finished_fold_is_not_repeated(result, few, capsys):
    found, folder = result
    second = folder / "fold_02"
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*.keras")}
    (second / "metrics.json").unlink()
    again = run(few, folder)
    assert again.folds == found.folds
    after = {p: p.stat().st_mtime_ns for p in folder.rglob("*.keras")}
    assert [p.parent for p in after if after[p] != before[p]] == [second]
    # But each is reported once, whoever tested it.
    lines = sorted(capsys.readouterr().out.splitlines())
    assert lines == [
        f"fold {fold.number} of 3: {percent(fold.score)} of {fold.images} images"
        for fold in found.folds
    ]


def test_another_plan_is_refused_before_images_are_loaded(result, few, monkeypatch):
    _, folder = result
    monkeypatch.setattr(crossval, "load", lambda *_: pytest.fail("loaded images"))
    with pytest.raises(ValueError, match=r"plan\.seed differ"):
        run(few, folder, seed=2)


def test_another_plan_is_refused(result, few, tmp_path):
    _, folder = result
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    for options, words in (
        ({"seed": 2}, "plan.seed differ"),
        ({"folds": 4, "repeats": 2}, "plan.folds, plan.repeats differ"),
        ({"recipe": FITTED.override("epochs=1")}, "recipe.epochs differ"),
    ):
        with pytest.raises(ValueError, match=words):
            run(few, folder, **options)
    fewer = dataclasses.replace(few, train=few.train.subset(np.arange(200)))
    with pytest.raises(ValueError, match="images, labels differ"):
        run(fewer, folder)
    (tmp_path / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(ValueError, match="holds something else than a cross-val"):
            run(few, tmp_path, overwrite=overwrite)
    with pytest.raises(ValueError, match="is a file; give a folder"):
        run(few, tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"folds": 1}, "folds is 1; it must be"),
        ({"folds": 30}, "30 folds need 30 images of every class"),
        ({"workers": 0}, "workers is 0; it must be a whole number from 1"),
        ({"workers": 2}, "cannot share a set that only this process has loaded"),
        ({"recipe": TINY.override("options.unit=3")}, "option of mlp_50 'unit'"),
    ],
)
def test_bad_arguments_write_nothing(few, tmp_path, options, words):
    with pytest.raises(ValueError) as caught:
        run(few, tmp_path / "folder", **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "folder").exists()


def test_weights_that_have_seen_the_folds_are_refused(result, few, tmp_path):
    _, folder = result
    recipe = FITTED.override(f"start_from={folder / 'fold_01'}")
    with pytest.raises(ValueError, match="have seen the images of digits"):
        run(few, tmp_path / "folder", recipe)


def test_a_fold_that_diverges_says_so_and_keeps_the_others(few, tmp_path, monkeypatch):
    fit, begun = training.fit, []

    def once(*arguments, **options):
        begun.append(options["run"].name)
        if len(begun) == 2:
            raise Diverged("The loss", 0, 1, 0.1)
        return fit(*arguments, **options)

    monkeypatch.setattr(training, "fit", once)
    recipe = TINY.override("epochs=1")
    options = {"folds": 2, "keep_models": False}
    with pytest.raises(Diverged):
        run(few, tmp_path / "folder", recipe, **options)
    assert not (tmp_path / "folder" / "crossval.json").exists()
    found = run(few, tmp_path / "folder", recipe, **options)
    assert begun == ["fold_01", "fold_02", "fold_02"]
    assert len(found.scores) == 2
    names = {path.name for path in (tmp_path / "folder" / "fold_02").iterdir()}
    assert names == {"config.json", "history.csv", "metrics.json"}


# Leaks --------------------------------------------------------------------------------


def test_nothing_that_is_fitted_sees_the_fold(result, few, tmp_path, first_fold_only):
    _, folder = result
    clean = fitted(folder / "fold_01")
    _, fold = first_fold_only
    labels = (few.train.source.labels[fold] + 1) % 10
    poisoned = changed(few, fold, 255 - few.train.source.images[fold], labels)
    tested = run(poisoned, tmp_path / "poisoned")
    assert fitted(tmp_path / "poisoned" / "fold_01") == clean
    # The poison was there.
    assert tested.scores[0] < result[0].scores[0] - 0.3


def test_the_poison_would_be_seen(result, few, tmp_path, first_fold_only):
    """One image of those that are learnt from changes all that is fitted."""
    _, folder = result
    rest, _ = first_fold_only
    run(changed(few, rest[:1], 255), tmp_path / "poisoned")
    for one, other in zip(
        fitted(tmp_path / "poisoned" / "fold_01"),
        fitted(folder / "fold_01"),
        strict=True,
    ):
        assert one != other


# Ground truth -------------------------------------------------------------------------


class ByHand(ClassifierMixin, BaseEstimator):
    """What TINY makes of ``mlp_50``, in plain Keras."""

    def __init__(self, rate=0.01):
        self.rate = rate

    def fit(self, images, labels):
        """Trains on uint8 images."""
        self.classes_ = np.arange(10)
        keras.utils.set_random_seed(TINY.seed)
        inputs = keras.Input((8, 8, 1))
        spread = images.var(dtype="float64")
        scaled = keras.layers.Normalization(
            mean=[images.mean(dtype="float64")], variance=[spread]
        )(inputs)
        self.model_ = kerazoo.create(
            "mlp_50", input_tensor=scaled, classes=10, classifier_activation=None
        )
        self.model_.compile(
            keras.optimizers.Adam(self.rate),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            # Compiling takes longer than these trainings.
            jit_compile=False,
        )
        for epoch in range(TINY.epochs):
            order = permutation(len(labels), TINY.seed, epoch)
            for start in range(0, len(order), TINY.batch_size):
                batch = order[start : start + TINY.batch_size]
                self.model_.train_on_batch(
                    images[batch].astype("float32"), labels[batch]
                )
        return self

    def predict(self, images):
        """The likeliest classes."""
        scores = self.model_.predict_on_batch(images.astype("float32"))
        return np.asarray(scores).argmax(-1)


@pytest.fixture(scope="module")
def searched(few, tmp_path_factory):
    """The first fold of a nested cross-validation over a grid of two rates."""
    folder = tmp_path_factory.mktemp("nested") / "nested"
    with pytest.MonkeyPatch.context() as patch:
        part = crossval.stratified_folds
        patch.setattr(
            crossval,
            "stratified_folds",
            lambda split, count, **options: part(split, count, **options)[
                : 1 if count == 3 else None
            ],
        )
        return nested(few, folder), folder


def nested(images, folder):
    rates = ",".join(map(str, RATES))
    return tuning.nested(
        "mlp_50",
        images,
        TINY,
        folder=folder,
        search=tuning.SearchPlan(
            space=(f"learning_rate={rates}",), strategy="grid", trials=2, folds=2
        ),
        plan=tuning.FoldPlan(folds=3),
        execution=tuning.Execution(precision="float32"),
        keep_models=True,
    )


def test_the_same_as_scikit_learn(searched, few):
    """GridSearchCV within cross_validate: the same model, folds and mean scores."""
    found, folder = searched
    outer = StratifiedKFold(3, shuffle=True, random_state=1)
    inner = StratifiedKFold(2, shuffle=True, random_state=1)
    images = few.train.source.images[few.train.indices]
    labels = few.train.labels
    expected = theirs(
        GridSearchCV(ByHand(), {"rate": list(RATES)}, cv=inner),
        images,
        labels,
        cv=list(outer.split(labels, labels))[:1],
        return_estimator=True,
        return_indices=True,
    )
    assert found.scores == pytest.approx(expected["test_score"], abs=1e-9)
    grid = expected["estimator"][0]
    winner = found.folds[0].winner
    assert winner.values == {"learning_rate": grid.best_params_["rate"]}
    assert winner.inner_score == pytest.approx(grid.best_score_, abs=1e-9)
    trials = tuning.Search(folder / "fold_01" / "search").trials
    table = grid.cv_results_
    for trial in trials:
        place = list(RATES).index(trial.values["learning_rate"])
        assert trial.score == pytest.approx(table["mean_test_score"][place])
        assert trial.std == pytest.approx(table["std_test_score"][place])
    scores = [trial.score for trial in trials]
    assert min(scores) < max(scores)


def test_nested_says_what_won_where(searched):
    found, folder = searched
    fold = found.folds[0]
    assert found.winners == [{"values": fold.winner.values, "folds": [1]}]
    written = json.loads((folder / "nested.json").read_text())
    assert written == json.loads(json.dumps(found.to_dict()))
    config = Run(folder / fold.run).config
    rate = config.recipe.optimizer.learning_rate
    assert {"learning_rate": rate} == fold.winner.values


def test_no_choice_sees_the_outer_fold(searched, few, tmp_path, first_fold_only):
    clean, folder = searched
    _, fold = first_fold_only
    labels = (few.train.source.labels[fold] + 1) % 10
    poisoned = changed(few, fold, 255 - few.train.source.images[fold], labels)
    found = nested(poisoned, tmp_path / "poisoned")
    assert found.folds[0].winner == clean.folds[0].winner
    places = [place / "fold_01" for place in (tmp_path / "poisoned", folder)]
    trials = [tuning.Search(place / "search").trials for place in places]
    for mine, its in zip(*trials, strict=True):
        assert (mine.values, mine.score, mine.std) == (its.values, its.score, its.std)
    assert fitted(places[0] / "run") == fitted(places[1] / "run")
    assert found.scores[0] < clean.scores[0] - 0.3


# Processes ----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_killed_command_goes_on_with_another_worker(begin, tmp_path, data_dir):
    folder = tmp_path / "folds"
    words = ["crossval", "mlp_50", "--data=digits", "--folds=4", f"--folder={folder}"]
    words += ["--set=image_shape=8,8,1", "--epochs=30", "--precision=float32"]
    words += [f"--data-dir={data_dir}"]
    process = begin(*words)
    try:
        while not (folder / "fold_02" / "config.json").exists():
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.01)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    first = folder / "fold_01" / "metrics.json"
    before = first.stat().st_mtime_ns
    assert not (folder / "fold_02" / "metrics.json").exists()
    done = begin(*words, "--workers=2", "--json")
    output, errors = done.communicate()
    assert done.returncode == 0, errors
    assert first.stat().st_mtime_ns == before
    found = json.loads(output)
    assert [fold["number"] for fold in found["folds"]] == [1, 2, 3, 4]
    assert found["mean"] == pytest.approx(np.mean(found["scores"]))
    assert found["recipe"]["epochs"] == 30
    assert not list(folder.rglob("model.keras"))
    assert os.path.exists(folder / "crossval.json")
