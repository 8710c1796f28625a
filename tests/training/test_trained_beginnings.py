"""Training that begins with trained weights: options, preprocessing, head, phases."""

import dataclasses
import re

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo import recipes, weights
from kerazoo.cli import options
from kerazoo.serving.own_weights import save_run_weights
from kerazoo.weights.loading import load_set

QUIET = {"events": False, "verbose": 0, "precision": "float32"}
BASE = recipes.find("fine_tuning").replace(
    {"data": "digits", "epochs": 2, "unfreeze_at": 1, "batch_size": 128}
)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """Weights of a small network that sees blue first, for three classes."""
    keras.utils.set_random_seed(3)
    path = tmp_path_factory.mktemp("weights") / "odd.safetensors"
    model = kerazoo.slide_cnn_b(input_shape=(16, 16, 3), classes=3)
    chosen = weights.WeightSet(
        network="slide_cnn_b",
        name="odd",
        data="odd",
        classes=3,
        rules="kerazoo",
        preprocessing=weights.Preprocessing(
            size=(16, 16), mean=(10.0, 20.0, 30.0), std=(50.0, 60.0, 70.0), order="bgr"
        ),
    )
    weights.save_weights(model, chosen, path)
    return path


@pytest.fixture(scope="module")
def run(known, tmp_path_factory):
    place = tmp_path_factory.mktemp("runs") / "tuned"
    return kerazoo.fit("slide_cnn_b", recipe=BASE, weights=known, run=place, **QUIET)


def test_the_recipe_of_a_run_has_what_the_weights_bring(run, known):
    recipe = run.recipe
    assert (recipe.name, recipe.weights, recipe.normalization) == (
        "fine_tuning", str(known), "weights"
    )  # fmt: skip
    assert recipe.image_shape == (16, 16, 3)


def test_images_are_prepared_as_for_the_weights(run, known):
    """Grey digits become RGB, then blue first, less the mean, by the deviation."""
    served = run.model()
    prepared = keras.Model(served.input, served.get_layer("normalize_weights").output)
    image = np.arange(256).astype("uint8").reshape(1, 16, 16, 1).repeat(3, -1)
    image[..., 0] = 7
    expected = (image[..., ::-1] - np.float32([10, 20, 30])) / np.float32([50, 60, 70])
    np.testing.assert_allclose(prepared(image), expected, atol=1e-5)


def test_what_is_told_before_the_training(known, tmp_path, capsys):
    kerazoo.fit(
        "slide_cnn_b",
        recipe=BASE.replace({"epochs": 1, "unfreeze_at": None}),
        weights=known,
        run=tmp_path / "run",
        **QUIET | {"verbose": 2},
    )
    said = capsys.readouterr().out
    assert (
        "weights    odd, trained on odd; predictions is new, with random weights for "
        "10 classes in place of 3" in said
    )
    assert "learns     " in said


def test_a_frozen_body_keeps_the_weights_that_it_was_given(known, tmp_path):
    run = kerazoo.fit(
        "slide_cnn_b",
        recipe=BASE.replace({"epochs": 1, "unfreeze_at": None}),
        weights=known,
        run=tmp_path / "run",
        **QUIET,
    )
    given = kerazoo.slide_cnn_b(input_shape=(16, 16, 3), weights=known)
    trained = run.model()
    for layer in given.layers:
        if layer.weights and layer.name != "predictions":
            for one, other in zip(
                layer.get_weights(),
                trained.get_layer(layer.name).get_weights(),
                strict=True,
            ):
                np.testing.assert_array_equal(one, other)


def test_a_run_stopped_between_the_phases_goes_on(run, known, tmp_path):
    given = {"recipe": BASE, "weights": known, "run": tmp_path / "run", **QUIET}
    kerazoo.fit("slide_cnn_b", until=1, **given)
    again = kerazoo.fit("slide_cnn_b", **given)
    for one, other in zip(
        again.model().get_weights(), run.model().get_weights(), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_tuned_runs_weights_know_the_order_of_the_channels(run, tmp_path):
    path = tmp_path / "mine.safetensors"
    assert save_run_weights(run, path).preprocessing.order == "bgr"
    images = np.random.default_rng(0).integers(0, 256, (3, 20, 20, 3), "uint8")
    np.testing.assert_allclose(
        kerazoo.classifier("slide_cnn_b", weights=path).probabilities(images),
        run.model()(images),
        atol=1e-5,
    )


def test_the_command_and_the_call_mean_the_same(known):
    """``--weights`` and ``weights`` choose the recipe and the normalisation alike."""
    given = options.RecipeOptions(weights=str(known)).read("slide_cnn_b")
    assert given == recipes.find("fine_tuning").replace(
        {"weights": str(known), "normalization": "weights"}
    )
    other = options.RecipeOptions(weights=str(known), recipe="slide_cnn")
    assert other.read("slide_cnn_b").normalization == "weights"
    assert options.RecipeOptions().read("slide_cnn_b").name == "slide_cnn"


def test_trained_on_one_kind_of_digits_it_learns_another_sooner(tmp_path):
    """MNIST's LeNet-5 on scikit-learn's digits, beside a new one, the same budget."""
    recipe = recipes.find("lenet5").replace({"epochs": 2})
    tuned = kerazoo.fit(
        "lenet5", recipe=recipe, weights="mnist", run=tmp_path / "tuned", **QUIET
    )
    assert (tuned.recipe.weights, tuned.recipe.normalization) == ("mnist", "weights")
    scratch = dataclasses.replace(
        tuned.recipe, weights=None, normalization="standardize"
    )
    new = kerazoo.fit("lenet5", recipe=scratch, run=tmp_path / "new", **QUIET)
    assert tuned.metrics.accuracy > new.metrics.accuracy


def test_one_channel_of_three(known, tmp_path):
    """A grey network begins with weights for colours."""
    recipe = BASE.replace(
        {"epochs": 1, "unfreeze_at": None, "image_shape": (16, 16, 1)}
    )
    run = kerazoo.fit(
        "slide_cnn_b", recipe=recipe, weights=known, run=tmp_path / "grey", **QUIET
    )
    layer = run.model().get_layer("normalize_weights")
    luma = 0.299 * 10 + 0.587 * 20 + 0.114 * 30
    deviation = 0.299 * 50 + 0.587 * 60 + 0.114 * 70
    assert np.allclose(layer.offset, -luma / deviation)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"weights": "mnist"}, "weights is 'mnist' and normalization 'standardize'"),
        ({"normalization": "weights"}, "weights is None and normalization 'weights'"),
        (
            {"weights": "mnist", "normalization": "weights", "start_from": "runs/a"},
            "weights is 'mnist' and start_from 'runs/a'; a network begins with one",
        ),
        (
            {"weights": "mnist", "normalization": "weights", "initializer": "lsuv"},
            "weights is 'mnist' and initializer 'lsuv'",
        ),
    ],
)
def test_words_that_contradict_each_other(fields, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        kerazoo.Recipe().replace(fields)


@pytest.mark.parametrize(
    ("network", "given", "fields", "words"),
    [
        ("lenet5", "imagenet", {}, "Unknown weights of lenet5 'imagenet'"),
        ("dsn", "cifar10", {}, "no trained weights of dsn are known"),
        ("lenet5", "nothing.pth", {}, "there is no file nothing.pth"),
        (
            "resnet20_cifar",
            "cifar10",
            {"options": {"shortcut": "B"}},
            "options.shortcut is 'B', but the weights akamaster/cifar10 belong to",
        ),
        (
            "lenet5",
            "mnist",
            {"image_shape": (40, 40, 1)},
            "The images are 40x40, but the weights kerazoo/mnist of lenet5 hold for "
            "28x28 alone",
        ),
        ("resnet20_cifar", "cifar10", {}, "resnet20-12fca82f.th is not in"),
    ],
)
def test_weights_that_cannot_begin(
    network, given, fields, words, tmp_path, monkeypatch
):
    monkeypatch.setenv("KERAZOO_OFFLINE", "1")
    monkeypatch.setenv("KERAZOO_WEIGHTS_DIR", str(tmp_path / "none"))
    with pytest.raises(ValueError, match=re.escape(words)):
        kerazoo.fit(
            network,
            recipe=BASE.replace(fields),
            weights=given,
            run=tmp_path / "run",
            **QUIET,
        )
    assert not (tmp_path / "run").exists()


def test_a_file_of_keras_does_not_say_how_images_are_prepared(tmp_path):
    model = kerazoo.mlp_50(classes=3)
    model.save_weights(tmp_path / "mine.weights.h5")
    with pytest.raises(ValueError, match="does not say what is done to images"):
        kerazoo.fit("mlp_50", recipe=BASE, weights=tmp_path / "mine.weights.h5")


def test_a_model_of_ones_own_has_weights_already():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    with pytest.raises(ValueError, match="is a model of your own, which begins"):
        kerazoo.fit(model, "digits", weights="mnist")


def test_loading_reports(known):
    model = kerazoo.slide_cnn_b(input_shape=(16, 16, 3), classes=10)
    report = load_set(model, weights.read_set(known))
    assert report.new == ("predictions",)
