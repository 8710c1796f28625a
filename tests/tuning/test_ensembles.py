"""Ensembles: the joined network against its members, and what does not belong."""

import dataclasses
import errno
import json
import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from kerazoo import data, reader, training, tuning
from kerazoo.layers import Maxout
from kerazoo.run import Run
from kerazoo.serving.predict import predict
from kerazoo.surgery import join
from kerazoo.surgery.graph import Graph
from kerazoo.tuning import ensembles

from .conftest import TINY

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 11, 9, 1), "uint8")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, digits, data_dir):
    """Three perceptrons of three seeds, the first with snapshots; one sees 12x12."""
    root = tmp_path_factory.mktemp("runs")
    shape = {2: "image_shape=12,12,1"}
    found = []
    for seed in (1, 2, 3):
        recipe = TINY.override(
            f"seed={seed}",
            "validation=0",
            "snapshots=1,2,3",
            *([shape[seed]] if seed in shape else []),
        )
        found.append(
            training.fit(
                "mlp_256",
                digits,
                recipe,
                run=root / str(seed),
                data_dir=data_dir,
                precision="float32",
                events=False,
            )
        )
    return found


@pytest.fixture(scope="module")
def whole(runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ensemble") / "whole"
    return tuning.ensemble([run.path for run in runs], folder=folder), folder


def served(name="net", size=8, seed=0, mean=100.0, last="softmax", maxout=False):
    """A small served network with a batch norm."""
    keras.utils.set_random_seed(seed)
    la = keras.layers
    x = raw = keras.Input((None, None, 1), dtype="uint8", name="raw")
    x = data.resizer((size, size), "bilinear", 1)(x)
    x = la.Rescaling(1.0, dtype="float32", name="resized")(x)
    x = la.Rescaling([0.05], [-0.05 * mean], name="normalize_standardize")(x)
    x = la.Conv2D(4, 3, name="conv1", kernel_initializer="he_normal")(x)
    x = la.BatchNormalization(name="bn1")(x)
    x = Maxout(2, name="act1")(x) if maxout else la.ReLU(name="act1")(x)
    x = la.Dropout(0.5, name="drop1")(x)
    x = la.GlobalAveragePooling2D(name="head_pool")(x)
    x = la.Dense(5, activation=last, name="predictions")(x)
    return keras.Model(raw, x, name=name)


def answers(model, images=IMAGES):
    return np.asarray(model(images, training=False), "float64")


def expected(models, rule, images=IMAGES):
    """What members say together, by hand."""
    each = np.stack([answers(model, images) for model in models])
    if rule == "votes":
        return np.eye(each.shape[-1])[each.argmax(-1)].mean(0)
    if rule == "probabilities":
        return each.mean(0)
    product = np.exp(np.log(each).mean(0))
    return product / product.sum(-1, keepdims=True)


def names(model):
    return [layer.name for layer in model.layers]


# The joined network -------------------------------------------------------------------


@pytest.mark.parametrize("rule", join.RULES)
def test_it_says_what_its_members_say(rule):
    models = [served(seed=1), served(seed=2), served(seed=3, size=9)]
    joined = join.joined(models, rule)
    got = answers(joined)
    np.testing.assert_allclose(got, expected(models, rule), atol=1e-6)
    np.testing.assert_allclose(got.sum(-1), 1, atol=1e-6)
    # The members are as they were, and do not share their weights.
    for weight in joined.weights:
        weight.assign(weight * 0)
    np.testing.assert_array_equal(answers(models[0]), answers(served(seed=1)))


def test_equal_preprocessing_is_computed_once():
    models = [served(seed=1), served(seed=2), served(seed=3)]
    found = names(join.joined(models))
    for name in ("raw", "resize", "resized", "normalize_standardize"):
        assert [one for one in found if one.endswith(name)] == [name]
    for number in (1, 2, 3):
        assert f"member{number}_conv1" in found
    assert len(set(found)) == len(found) == 4 + 3 * 6 + 1


def test_other_preprocessing_is_not_shared():
    other = names(join.joined([served(seed=1), served(seed=2, mean=90.0)]))
    assert [n for n in other if n.endswith("normalize_standardize")] == [
        "normalize_standardize",
        "member2_normalize_standardize",
    ]
    assert [n for n in other if n.endswith("resized")] == ["resized"]
    sizes = names(join.joined([served(seed=1), served(seed=2, size=9)]))
    assert {"resized", "member2_resized"} <= set(sizes)


def test_equal_trunks_are_computed_once():
    """As where heads were trained on one frozen trunk."""
    one, two = served(seed=1), served(seed=1)
    head = two.get_layer("predictions")
    head.set_weights([2 * value for value in head.get_weights()])
    joined = join.joined([one, two])
    assert sum(name.endswith("conv1") for name in names(joined)) == 1
    np.testing.assert_allclose(answers(joined), expected([one, two], "probabilities"))


def test_it_opens_in_plain_keras(tmp_path):
    """In a process that has no kerazoo, where its members do."""
    models = [served(seed=1), served(seed=2)]
    for rule in join.RULES:
        joined = join.joined(models, rule)
        joined.save(tmp_path / f"{rule}.keras")
        np.save(tmp_path / f"{rule}.npy", answers(joined))
    np.save(tmp_path / "images.npy", IMAGES)
    program = f"""
import sys
sys.modules["kerazoo"] = None
import keras, numpy as np
images = np.load("images.npy")
for rule in {join.RULES}:
    model = keras.models.load_model(f"{{rule}}.keras")
    got = np.asarray(model(images, training=False))
    np.testing.assert_array_equal(got, np.load(f"{{rule}}.npy").astype("float32"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_own_layers_and_flat_graph(tmp_path):
    joined = join.joined([served(seed=1, maxout=True), served(seed=2)])
    assert Graph(joined).flat
    assert isinstance(joined.get_layer("member1_act1"), Maxout)
    joined.save(tmp_path / "joined.keras")
    again = keras.models.load_model(tmp_path / "joined.keras")
    np.testing.assert_array_equal(answers(again), answers(joined))


def test_networks_that_cannot_be_joined():
    with pytest.raises(ValueError, match="does not end in a softmax"):
        join.joined([served(last="sigmoid"), served(seed=2)], "logits")
    colour = keras.Sequential(
        [keras.Input((None, None, 3), dtype="uint8"), keras.layers.Rescaling(1.0)]
    )
    with pytest.raises(ValueError, match="images of 1 and of 3 channels"):
        join.joined([served(), colour])


# Averaged weights ---------------------------------------------------------------------


def test_weights_are_averaged_and_batch_norms_measured_again(digits):
    models = [served(seed=seed) for seed in (1, 2, 3)]
    batches = data.Batches(digits.train, 103, image_shape=(8, 8, 1))
    # 14 whole batches, whose means are the mean.
    assert batches.size == 14 * 103
    whole = join.averaged(models, batches)
    for name in ("conv1", "predictions"):
        kernels = [model.get_layer(name).kernel.numpy() for model in models]
        np.testing.assert_allclose(
            whole.get_layer(name).kernel, np.mean(kernels, 0), atol=1e-7
        )
    norm = whole.get_layer("bn1")
    before = keras.Model(whole.input, whole.get_layer("conv1").output)
    values = before.predict(digits.train.source.images, verbose=0).astype("float64")
    parts = values.reshape(14, -1, 4)
    np.testing.assert_allclose(norm.moving_mean, values.mean((0, 1, 2)), atol=1e-3)
    np.testing.assert_allclose(norm.moving_variance, parts.var(1).mean(0), rtol=1e-3)
    assert norm.momentum == 0.99


def test_other_architectures_have_no_average():
    with pytest.raises(ValueError, match="other names or shapes"):
        join.averaged([served(), served(maxout=True)])


# Runs ---------------------------------------------------------------------------------


def test_members_and_whole_side_by_side(runs, whole):
    found, folder = whole
    for member, run in zip(found.members, runs, strict=True):
        assert member.name == str(run.path)
        assert member.network == "mlp_256"
        assert member.score == run.metrics.accuracy
        assert member.loss == pytest.approx(run.metrics.loss, rel=1e-5)
    assert found.metrics.images == 355
    curve = found.curve
    assert [point.members for point in curve] == [1, 2, 3]
    assert [point.subsets for point in curve] == [3, 3, 1]
    errors = [1 - member.score for member in found.members]
    assert curve[0].error == pytest.approx(np.mean(errors))
    assert curve[0].low == pytest.approx(min(errors))
    assert curve[0].high == pytest.approx(max(errors))
    assert curve[2].error == pytest.approx(1 - found.metrics.accuracy)
    written = json.loads((folder / "ensemble.json").read_text())
    assert written == json.loads(json.dumps(found.to_dict()))


def test_errors_correlate_as_numpy_says(runs, whole, digits):
    found, _ = whole
    batches = data.Batches(digits.test, 71, image_shape=(8, 8, 1))
    images = digits.test.source.images
    wrong = np.stack(
        [
            answers(run.model(), images).argmax(-1) != digits.test.labels
            for run in (runs[0], runs[2])
        ]
    )
    assert batches.size == len(images)
    value = np.corrcoef(wrong)[0, 1]
    assert found.correlation[0][2] == pytest.approx(value, abs=1e-9)
    assert found.correlation[2][0] == found.correlation[0][2]
    assert found.correlation[1][1] == pytest.approx(1)
    pairs = [found.correlation[i][j] for i, j in ((0, 1), (0, 2), (1, 2))]
    assert found.mean_correlation == pytest.approx(np.mean(pairs))


def test_a_member_without_errors_correlates_with_none():
    wrong = np.array([[False, False, False], [True, False, False]])
    assert ensembles._correlation(wrong)[0] == [None, None]


@pytest.mark.parametrize("rule", join.RULES)
def test_the_whole_by_hand(rule):
    draw = np.random.default_rng(3)
    logits = draw.normal(size=(7, 50, 4))
    powers = np.exp(logits)
    scores = powers / powers.sum(-1, keepdims=True)
    truth = draw.integers(0, 4, 50)
    given = logits if rule == "logits" else scores
    if rule == "logits":
        product = np.exp(np.log(scores).mean(0))
        by_hand = product / product.sum(-1, keepdims=True)
    elif rule == "votes":
        by_hand = np.eye(4)[scores.argmax(-1)].mean(0)
    else:
        by_hand = scores.mean(0)
    np.testing.assert_allclose(ensembles.combine(given, rule), by_hand)
    curve = ensembles.error_curve(given, truth, rule)
    assert [point.subsets for point in curve] == [7, 21, 35, 35, 21, 7, 1]
    assert curve[-1].error == pytest.approx((by_hand.argmax(-1) != truth).mean())
    alone = (scores.argmax(-1) != truth).mean(1)
    assert curve[0].error == pytest.approx(alone.mean())
    assert curve[0].low == pytest.approx(alone.min())


def test_of_many_subsets_some_are_drawn():
    scores = np.random.default_rng(3).normal(size=(12, 5, 3))
    curve = ensembles.error_curve(scores, np.zeros(5, int), "probabilities")
    assert [point.subsets for point in curve[:4]] == [12, 66, 100, 100]


def test_the_folder_is_a_run(whole, tmp_path):
    found, folder = whole
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "ensemble.json",
        "ensemble.png",
        "metrics.json",
        "model.keras",
    }
    run = Run(folder)
    assert run.metrics == found.metrics
    with Image.open(folder / "ensemble.png") as picture:
        assert min(picture.size) > 300
    np.testing.assert_array_equal(answers(run.model()), answers(found.model))
    Image.fromarray(IMAGES[0, ..., 0]).save(tmp_path / "digit.png")
    guess = predict(folder, [tmp_path / "digit.png"], top=1)[0].top[0]
    best = answers(found.model, IMAGES[:1])[0]
    assert guess.probability == pytest.approx(best.max(), rel=1e-5)
    with pytest.raises(ValueError, match="does not resize all images to one size"):
        training.evaluate(folder)


def test_equal_members_make_a_run_that_evaluates(runs, tmp_path):
    paths = [runs[0].path, runs[2].path]
    for rule in join.RULES:
        found = tuning.ensemble(paths, rule=rule, folder=tmp_path / rule)
        again = training.evaluate(tmp_path / rule)
        assert again.confusion == found.metrics.confusion, rule
        assert again.loss == pytest.approx(found.metrics.loss, rel=1e-4)


def test_snapshots_of_one_run(runs, tmp_path):
    found = tuning.ensemble([runs[0].path], snapshots=True)
    assert [member.name for member in found.members] == [
        f"{runs[0].path}@{epoch}" for epoch in (1, 2, 3)
    ]
    assert found.members[2].score == runs[0].metrics.accuracy
    kernels = [
        Run(runs[0].path).model().get_layer("hidden1").kernel.numpy(),
        found.model.get_layer("member3_hidden1").kernel.numpy(),
    ]
    np.testing.assert_array_equal(*kernels)
    averaged = tuning.ensemble(
        [runs[0].path], snapshots=True, rule="weights", folder=tmp_path / "mean"
    )
    assert averaged.curve == ()
    assert names(averaged.model) == names(runs[0].model())
    again = training.evaluate(tmp_path / "mean")
    assert again.accuracy == averaged.metrics.accuracy > 0.7


def test_the_best_of_a_cross_validation(tmp_path, few, data_dir):
    folder = tmp_path / "folds"
    result = tuning.cross_validate(
        "mlp_50",
        few,
        TINY.override("epochs=1"),
        folder=folder,
        plan=tuning.FoldPlan(folds=3),
        execution=tuning.Execution(precision="float32"),
        keep_models=True,
    )
    best = sorted(result.folds, key=lambda fold: -fold.score)[:2]
    found = tuning.ensemble([folder], top=2, data_dir=data_dir)
    assert [member.name for member in found.members] == [
        str(folder / fold.run) for fold in best
    ]
    for split in ("train", "validation"):
        with pytest.raises(ValueError, match="have split digits differently"):
            tuning.ensemble([folder], split=split, data_dir=data_dir)
    (folder / best[0].run / "model.keras").unlink()
    with pytest.raises(ValueError, match="was not kept; cross-validate with --keep-mo"):
        tuning.ensemble([folder], top=2, data_dir=data_dir)


def edited(run, folder, **fields):
    """A copy of a run that says something else of itself."""
    shutil.copytree(run.path, folder)
    config = dataclasses.replace(run.config, **fields)
    (folder / "config.json").write_text(reader.dump(config))
    return folder


def test_runs_that_do_not_belong_together(runs, tmp_path, data_dir):
    first = runs[0].path
    unfinished = edited(runs[1], tmp_path / "unfinished")
    (unfinished / "metrics.json").unlink()
    animals = edited(runs[1], tmp_path / "animals", classes=["cat", "dog"])
    letters = edited(runs[1], tmp_path / "letters", data="emnist")
    bare = edited(runs[1], tmp_path / "bare")
    shutil.rmtree(bare / "snapshots")
    kept = edited(runs[1], tmp_path / "kept")
    (kept / "model.keras").unlink()
    for given, options, words in (
        ([first], {}, f"{first} is the only one; give more runs"),
        ([], {}, "two members or more; give the folders of runs"),
        ([first, first], {}, f"{first} is named twice"),
        ([first, unfinished], {}, f"{unfinished} has not ended; finish it"),
        ([first, animals], {}, "on classes 0, 1, 2, 3 ... and"),
        ([first, letters], {}, "on data digits and"),
        ([first, tmp_path / "none"], {}, "There is no run folder"),
        ([first, tmp_path], {}, "holds no search"),
        ([bare], {"snapshots": True}, "has kept no snapshots; name their epochs"),
        ([first, runs[1].path], {"rule": "vote"}, "Unknown rule 'vote'; did you mean"),
        ([first, runs[1].path], {"split": "tests"}, "Unknown split 'tests'"),
        ([first, runs[1].path], {"split": "train"}, "split digits differently"),
        ([first, runs[1].path], {"top": 0}, "top is 0; it must be a whole number"),
        ([first, runs[1].path], {"rule": "weights"}, "cannot be averaged"),
        ([first, kept], {}, "was not kept"),
        ([first, runs[1].path], {"data": f"folder:{tmp_path}"}, "cannot be used"),
    ):
        with pytest.raises(ValueError) as caught:
            tuning.ensemble(given, folder=tmp_path / "out", **options)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "out").exists()


def test_what_stands_in_the_folder_is_kept(runs, whole, tmp_path):
    _, folder = whole
    paths = [run.path for run in runs]
    before = {p: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(ValueError, match="holds an ensemble; give another folder"):
        tuning.ensemble(paths, folder=folder)
    (tmp_path / "thesis.txt").write_text("years of work")
    for place in (tmp_path, tmp_path / "thesis.txt", runs[0].path):
        with pytest.raises(ValueError, match=r"holds something else|is a file"):
            tuning.ensemble(paths, folder=place, overwrite=True)
    assert {p: p.read_bytes() for p in folder.iterdir()} == before
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert runs[0].finished


def test_a_full_disk_keeps_the_ensemble_that_was_to_be_replaced(
    runs, whole, monkeypatch
):
    _, folder = whole
    before = {p: p.read_bytes() for p in folder.iterdir()}

    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(ensembles, "write_atomic", full)
    with pytest.raises(OSError, match="No space left"):
        tuning.ensemble([run.path for run in runs], folder=folder, overwrite=True)
    assert {p: p.read_bytes() for p in folder.iterdir()} == before
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


# The command --------------------------------------------------------------------------

CROSSVAL = ("crossval", "mlp_50", "--data=digits")


def test_the_command_prints_the_table(command, runs):
    paths = [runs[0].path, runs[2].path]
    status, out, errors = command("ensemble", *paths, "--rule=votes", "--folder=both")
    assert status == 0, errors
    found = json.loads((Run("both").path / "ensemble.json").read_text())
    rows = [line.split() for line in out.splitlines()]
    for row in found["members"]:
        shown = [row["name"], f"{row['score']:.2%}", f"{row['loss']:.4f}"]
        assert shown in rows
    whole = f"{found['metrics']['accuracy']:.2%}"
    assert ["together", "(votes)", whole, f"{found['metrics']['loss']:.4f}"] in rows
    assert f"  2 members: error {found['curve'][1]['error']:.2%}" in out
    status, out, _ = command("ensemble", *paths, "--rule=votes", "--json")
    assert status == 0
    assert json.loads(out) == found


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["ensemble", "{run}"], "is the only one; give more runs"),
        (["ensemble", "{run}", "none"], "There is no run folder none"),
        (["crossval", "mlp_5"], "Unknown network 'mlp_5'; did you mean mlp_50"),
        ([*CROSSVAL, "--folds=1"], "folds is 1; it must be"),
        ([*CROSSVAL, "--space=epochs=1,2"], "add --nested 4, or set"),
        ([*CROSSVAL, "--nested=2", "--repeats=3"], "leave out repeats"),
        (
            [*CROSSVAL, "--nested=2", "--space=rate=1,2"],
            "Unknown dimension of mlp_50 'rate'",
        ),
        ([*CROSSVAL, "--nested=1"], "folds is 1; it must be"),
    ],
)
def test_bad_words(command, runs, data_dir, monkeypatch, tmp_path, words, sentence):
    monkeypatch.setenv("KERAZOO_DATA_DIR", str(data_dir))
    status, out, errors = command(*(w.format(run=runs[0].path) for w in words))
    said = [line for line in errors.splitlines() if line.startswith("kerazoo: ")]
    assert (status, out, len(said)) == (2, "", 1), errors
    assert sentence in said[0]
    assert not list(tmp_path.iterdir())
