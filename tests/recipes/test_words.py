"""Words that papers' recipes need: what they do to a training."""

import json
import re
import types

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

import kerazoo
from kerazoo import Recipe, recipes, training
from kerazoo.cli import app
from kerazoo.recipe import Optimizer
from kerazoo.tasks import Classification
from kerazoo.training import compilation
from kerazoo.training.compatibility import check_compatible
from kerazoo.training.initial_weights import set_initial_weights

from ..conftest import TINY

IMAGES = np.random.default_rng(0).normal(size=(16, 4, 4, 2)).astype("float32")
LABELS = np.arange(16) % 2


def two_heads():
    keras.utils.set_random_seed(1)
    images = keras.Input((4, 4, 2))
    x = keras.layers.Conv2D(3, 3, name="conv1")(images)
    x = keras.layers.Flatten()(x)
    return keras.Model(
        images,
        {
            "predictions": keras.layers.Dense(2, name="predictions")(x),
            "companion1": keras.layers.Dense(2, name="companion1")(x),
        },
    )


def compiled(model, recipe, **options):
    options |= {"steps_per_epoch": 1, "one_hot": False, "classes": 2}
    compilation.compile(model, recipe, Classification(), run_eagerly=True, **options)
    return model


def trained(multipliers, steps):
    words = Optimizer(learning_rate=0.1, momentum=0.9, multipliers=multipliers)
    model = compiled(two_heads(), Recipe(optimizer=words))
    before = [v.numpy() for v in model.trainable_variables]
    for _ in range(steps):
        model.train_on_batch(IMAGES, dict.fromkeys(model.output, LABELS))
    after = [v.numpy() for v in model.trainable_variables]
    paths = [v.path for v in model.trainable_variables]
    moves = [b - a for a, b in zip(before, after, strict=True)]
    return dict(zip(paths, moves, strict=True))


def test_multipliers_scale_the_step():
    plain = trained({}, 1)
    scaled = trained({"*/bias": 2, "companion*/kernel": 0.001}, 1)
    for path, move in plain.items():
        factor = {"bias": 2, "kernel": 0.001 if "companion" in path else 1}
        expected = move * factor[path.rpartition("/")[2]]
        # Weights are rounded to seven digits of their own size.
        np.testing.assert_allclose(scaled[path], expected, atol=1e-7)


def test_a_multiple_of_zero_freezes_and_the_last_pattern_counts():
    moves = trained({"*": 0, "predictions/*": 1}, 3)
    assert not np.any(moves["conv1/kernel"])
    assert np.any(moves["predictions/kernel"])


def test_multipliers_that_mean_nothing_are_refused():
    words = Optimizer(multipliers={"*/bais": 2})
    with pytest.raises(ValueError, match="no weight fits '\\*/bais'"):
        compiled(two_heads(), Recipe(optimizer=words))


def test_a_fading_head_is_gone_after_its_steps():
    recipe = Recipe(
        optimizer=Optimizer(learning_rate=1e-6), auxiliary_weight=0.5, auxiliary_fade=4
    )
    model = compiled(two_heads(), recipe)
    labels = dict.fromkeys(model.output, LABELS)
    rows = []
    for _ in range(6):
        model.reset_metrics()
        rows.append(model.train_on_batch(IMAGES, labels, return_dict=True))
    first = rows[0]["companion1_loss"]
    shares = [row["companion1_loss"] / first for row in rows]
    assert shares == pytest.approx([1, 0.75, 0.5, 0.25, 0, 0], abs=1e-3)
    expected = rows[2]["predictions_loss"] + 0.5 * rows[2]["companion1_loss"]
    assert rows[2]["loss"] == pytest.approx(expected, rel=1e-5)


def test_fading_without_heads_is_refused():
    images = keras.Input((4, 4, 2))
    model = keras.Model(images, keras.layers.Flatten()(images))
    with pytest.raises(ValueError, match="no auxiliary heads"):
        compiled(model, Recipe(auxiliary_fade=4))


# The weights at the beginning -------------------------------------------------------


def begun(**words):
    model = two_heads()
    batches = types.SimpleNamespace(take=lambda count: (IMAGES[:count], LABELS[:count]))
    set_initial_weights(model, Recipe(batch_size=16, **words), batches)
    return model


def test_without_a_word_the_builders_weights_stay():
    for mine, builders in zip(
        begun().get_weights(), two_heads().get_weights(), strict=True
    ):
        np.testing.assert_array_equal(mine, builders)


def test_lsuv_sees_a_training_batch():
    model = begun(initializer="lsuv")
    features = keras.Model(model.input, model.get_layer("conv1").output)(IMAGES)
    assert np.var(features) == pytest.approx(1, abs=0.02)


def test_orthonormal_and_normal():
    kernel = begun(initializer="orthonormal").get_layer("conv1").kernel
    rows = np.reshape(kernel, (-1, 3)).T
    np.testing.assert_allclose(rows @ rows.T, np.eye(3), atol=1e-5)
    kernel = begun(initializer="normal:0.5").get_layer("conv1").kernel
    assert 0.3 < np.std(kernel) < 0.7


def test_uniform_lies_between_its_ends():
    kernel = np.asarray(begun(initializer="uniform:0.5:1").get_layer("conv1").kernel)
    assert 0.5 <= kernel.min() < 0.6
    assert 0.9 < kernel.max() <= 1
    for one, two in zip(
        begun(initializer="uniform").get_weights(),
        begun(initializer="uniform:0:1").get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(one, two)


def test_autoencoders_come_first(tmp_path, capsys, data_dir):
    words = "pretrain=autoencoders", "pretrain_epochs=2", "validation=0", "epochs=0"
    recipe = TINY.override(*words)
    options = {"data_dir": data_dir, "precision": "float32", "events": False}
    run = training.fit("mlp_deep5", "digits", recipe, run=tmp_path / "a", **options)
    (said,) = (
        row
        for row in capsys.readouterr().out.splitlines()
        if row.startswith("weights    autoencoders")
    )
    for number in range(1, 5):
        first, last = re.search(rf"hidden{number} (\S+) to (\S+?)(,|$)", said).groups()[
            :2
        ]
        assert float(last) < float(first)
    plain = TINY.override(*words[2:])
    without = training.fit("mlp_deep5", "digits", plain, run=tmp_path / "b", **options)
    for name in ("hidden1", "hidden4", "predictions"):
        one, two = (r.model().get_layer(name).kernel for r in (run, without))
        assert np.array_equal(one, two) == (name == "predictions")


@pytest.mark.parametrize("other", ["weights", "start_from"])
def test_autoencoders_are_no_second_beginning(other):
    normalization = "weights" if other == "weights" else "minmax"
    with pytest.raises(ValueError, match=f"{other} is 'x' and pretrain 'autoencoders'"):
        Recipe(**{other: "x"}, pretrain="autoencoders", normalization=normalization)


@pytest.mark.parametrize(
    ("initializer", "sentence"),
    [("lsvu", "did you mean lsuv"), ("normal", "as in normal:0.01")]
    + [(f"uniform{ends}", "as in uniform:0:1") for ends in (":", ":1", ":1:0", ":a:b")],
)
def test_unknown_initialisers_are_refused(initializer, sentence):
    with pytest.raises(ValueError, match=sentence):
        begun(initializer=initializer)


@pytest.fixture
def run(tmp_path):
    """A finished run as far as a beginning looks at it."""
    model = two_heads()
    model.set_weights([weight + 1 for weight in model.get_weights()])
    for name in ("config.json", "metrics.json"):
        (tmp_path / name).write_text("{}")
    model.save(tmp_path / "model.keras")
    return str(tmp_path)


def test_starts_from_the_layers_of_a_run(run):
    model = begun(start_from=run, start_layers=("conv1",))
    fresh = two_heads()
    for name, shift in (("conv1", 1), ("predictions", 0)):
        mine, new = model.get_layer(name).kernel, fresh.get_layer(name).kernel
        np.testing.assert_allclose(mine, new + shift, rtol=1e-6)


def test_a_start_that_does_not_fit_is_refused(run):
    with pytest.raises(ValueError, match="fits 'dense9'"):
        begun(start_from=run, start_layers=("dense9",))
    images = keras.Input((4, 4, 2))
    other = keras.Model(images, keras.layers.Conv2D(5, 3, name="conv1")(images))
    with pytest.raises(ValueError, match="cannot take conv1"):
        set_initial_weights(other, Recipe(start_from=run), None)


# What contradicts a network ---------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "words", "sentence"),
    [
        ("lenet5", {"options": {"classes": 3}}, "the data set decides it"),
        ("lenet5", {"options": {"include_top": False}}, "needs the classifier"),
        ("lenet5", {"options": {"grops": 2}}, "Unknown option of lenet5 'grops'"),
        ("lenet5", {"image_shape": (4, 4, 1)}, "smallest image .* is 28x28"),
        ("lenet5", {"start_from": "runs/nowhere"}, "there is no run"),
    ],
)
def test_a_recipe_that_contradicts_its_network_is_refused(
    network, words, sentence, tmp_path
):
    recipe = Recipe(**words)
    with pytest.raises(ValueError, match=sentence):
        check_compatible(network, recipe)
    with pytest.raises(ValueError, match=sentence):
        training.fit(network, recipe=recipe, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", recipes.list_recipes())
def test_recipes_agree_with_their_networks(name):
    recipe = recipes.find(name).override("start_from=None")
    if recipe.weights is not None:
        # Which there are depends on the network.
        recipe = recipe.override("weights=None", "normalization=standardize")
    for pattern in recipe.networks:
        for network in kerazoo.list_models(pattern):
            if kerazoo.find(network).task == "classification":
                check_compatible(network, recipe)


# The command ------------------------------------------------------------------------


def test_the_command_lists_and_shows():
    call = CliRunner().invoke
    listed = call(app, ["recipes", "resnet20_cifar", "--json"]).stdout
    names = [record["name"] for record in json.loads(listed)]
    assert names == ["cifar_one_cycle", "fine_tuning", "laptop", "resnet_cifar"]
    shown = call(app, ["recipes", "--show", "dsn"]).stdout
    assert Recipe.from_dict(json.loads(shown)) == recipes.find("dsn")
    assert "64,000 steps" in call(app, ["recipes", "resnet20_cifar"]).stdout
    for wrong in (["recipes", "resnet21"], ["recipes", "--show", "dns"]):
        assert "did you mean" in str(call(app, wrong).exception)
