"""Training and measuring on images that no name finds."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

import kerazoo
from kerazoo import data, tuning
from kerazoo.run import Run, default_folder

from ..conftest import TINY

INK, LABELS = load_digits(return_X_y=True)
X = np.rint(INK.reshape(-1, 8, 8) * 255 / 16).astype("uint8")
LEARNT, UNSEEN = (X[:1200], LABELS[:1200]), (X[1200:], LABELS[1200:])


def test_arrays_train_and_are_measured_again(fit):
    run = fit(data=LEARNT)
    config = run.config
    assert config.data == "arrays" and config.parts is None
    assert config.images == data.load(LEARNT, seed=TINY.seed).fingerprint
    assert run.metrics.accuracy > 0.7
    again = kerazoo.evaluate(run, data=LEARNT)
    assert again.confusion == run.metrics.confusion
    order = np.random.default_rng(0).permutation(1200)
    # The same images in another order, or as a dataset, are those it was trained on.
    for same in (
        (LEARNT[0][order], LEARNT[1][order]),
        tf.data.Dataset.from_tensor_slices(LEARNT).batch(50),
    ):
        assert kerazoo.evaluate(run, data=same).confusion == run.metrics.confusion
    held = kerazoo.evaluate(run, data=LEARNT, split="validation")
    assert held.images == config.images["validation"]
    new = kerazoo.evaluate(run, data=UNSEEN)
    assert new.images == 597 and new.accuracy > 0.7
    few = kerazoo.evaluate(run, data=(X[1200:1203], LABELS[1200:1203]))
    assert few.images == 3
    with pytest.raises(ValueError, match="arrays are images that were given in mem"):
        kerazoo.evaluate(run)
    with pytest.raises(ValueError, match="labels out of range"):
        kerazoo.evaluate(run, data=(UNSEEN[0], UNSEEN[1] + 5))


def test_a_run_goes_on_with_its_own_arrays_only(fit):
    run = fit(data=LEARNT)
    (run.path / "metrics.json").unlink()
    with pytest.raises(ValueError, match=r"images\.digest"):
        fit(data=(255 - LEARNT[0], LEARNT[1]))
    assert fit(data=(LEARNT[0][::-1], LEARNT[1][::-1])).finished


def test_a_set_with_groups_is_given_again_as_it_was(fit):
    images = data.from_arrays(*LEARNT, groups=np.arange(1200) // 20, name="scenes")
    run = fit(data=images)
    assert run.config.data == "arrays:scenes" and run.config.parts
    assert kerazoo.evaluate(run, data=images).confusion == run.metrics.confusion
    with pytest.raises(ValueError, match="give what kerazoo"):
        kerazoo.evaluate(run, data=LEARNT)
    (run.path / "metrics.json").unlink()
    with pytest.raises(ValueError, match="parts"):
        fit(data=data.from_arrays(*LEARNT, name="scenes"))


def test_a_pair_has_its_own_test_part(fit):
    run = fit(data=(LEARNT, UNSEEN))
    assert run.metrics.images == 597
    for given in ((LEARNT, UNSEEN), UNSEEN):
        assert kerazoo.evaluate(run, data=given).confusion == run.metrics.confusion


def test_datasets_train(fit):
    dataset = tf.data.Dataset.from_tensor_slices(LEARNT).shuffle(1200).batch(100)
    run = fit(data=dataset)
    assert run.config.data == "dataset"
    assert run.metrics.accuracy > 0.7
    assert kerazoo.evaluate(run, data=dataset).confusion == run.metrics.confusion


def test_ensembles_of_arrays(fit, tmp_path):
    runs = [
        fit(f"options.units=[{n}]", data=(LEARNT, UNSEEN), run=tmp_path / str(n))
        for n in (40, 50)
    ]
    paths = [run.path for run in runs]
    assert tuning.ensemble(paths, data=UNSEEN).metrics.images == 597
    with pytest.raises(ValueError, match="given in memory"):
        tuning.ensemble(paths)


def test_folds_and_searches_of_arrays(tmp_path):
    folder = tmp_path / "folds"
    options = {
        "folder": folder,
        "plan": tuning.FoldPlan(folds=2),
        "execution": tuning.Execution(precision="float32", verbose=False),
    }
    groups = np.arange(1200) // 12
    images = data.from_arrays(*LEARNT, groups=groups)
    found = tuning.cross_validate("mlp_50", images, TINY, **options)
    assert found.data == "arrays" and found.mean > 0.4
    with pytest.raises(ValueError, match="labels"):
        other = data.from_arrays(255 - LEARNT[0], LEARNT[1], groups=groups)
        tuning.cross_validate("mlp_50", other, TINY, **options)
    many = tuning.Execution(workers=2)
    for call in (tuning.cross_validate, tuning.search):
        with pytest.raises(ValueError, match="workers"):
            call("mlp_50", LEARNT, TINY, folder=tmp_path / "no", execution=many)
    plan = tuning.SearchPlan(space={"learning_rate": [0.01, 0.001]}, trials=1)
    search = tuning.search(
        "mlp_50",
        LEARNT,
        TINY,
        folder=tmp_path / "search",
        plan=plan,
        execution=options["execution"],
    )
    assert search.config.data == "arrays"
    best = search.winner(tmp_path / "best", data=LEARNT)
    assert best.config.parts is None
    assert kerazoo.evaluate(best, data=LEARNT).confusion == best.metrics.confusion


def test_names_of_run_folders():
    for name, folder in (
        ("arrays", "lenet5-arrays"),
        ("arrays:my photos", "lenet5-arrays-my-photos"),
        ("folder:/data/photos", "lenet5-photos"),
        ("folder:/data/photos?layout=parts", "lenet5-photos-layout-parts"),
        ("masks:/data/streets?void=0", "lenet5-streets-void-0"),
        (r"folder:photos?groups=(\d+)/", "lenet5-photos-groups-d+-"),
    ):
        assert default_folder("lenet5", name).name == folder


def test_predicting_needs_no_arrays(fit, tmp_path):
    from PIL import Image

    run = Run(fit(data=LEARNT).path)
    Image.fromarray(X[1300]).save(tmp_path / "digit.png")
    (guess,) = kerazoo.predict(run, tmp_path / "digit.png")
    assert guess.top[0].label in run.config.classes
