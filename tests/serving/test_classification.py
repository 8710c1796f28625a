"""Classifiers: of the weights in the package, of published ones, of runs."""

import re

import numpy as np
import pytest
from PIL import Image

import kerazoo
from kerazoo import weights
from kerazoo.serving.own_weights import save_run_weights, weight_set


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    recipe = kerazoo.recipes.find("lenet5").replace(
        {"epochs": 1, "options": {"pool": "avg"}, "resize": "pad"}
    )
    place = tmp_path_factory.mktemp("runs") / "lenet5"
    return kerazoo.fit("lenet5", recipe=recipe, run=place, events=False, verbose=0)


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (n, 40, 1), "uint8") for n in (30, 28, 51)]


def test_a_run_classifies(run, images):
    classify = kerazoo.classifier(run)
    found = classify(images, top=3)
    assert len(found) == 3
    for image, guesses in zip(images, found, strict=True):
        expected = np.asarray(run.model()(image[None]))[0]
        best = np.argsort(-expected)[:3]
        assert [one.label for one in guesses] == [classify.names[n] for n in best]
        np.testing.assert_allclose(
            [one.probability for one in guesses], expected[best], rtol=1e-4
        )
    # The third call compiles.
    np.testing.assert_allclose(
        classify.probabilities(images[0]),
        kerazoo.classifier(run.path).probabilities(images[0]),
        rtol=1e-4,
    )


def test_images_of_every_form(run, images, tmp_path):
    classify = kerazoo.classifier(run)
    grey = images[0]
    Image.fromarray(grey[..., 0]).save(tmp_path / "one.png")
    expected = classify.probabilities(grey)
    for given in (
        grey[..., 0],
        np.repeat(grey, 3, -1),
        np.concatenate([np.repeat(grey, 3, -1), np.full_like(grey, 255)], -1),
        grey[None],
        tmp_path / "one.png",
        str(tmp_path / "one.png"),
        [tmp_path / "one.png"],
    ):
        np.testing.assert_allclose(classify.probabilities(given), expected, atol=1e-5)
    assert classify.probabilities(np.stack([grey, grey])).shape == (2, 10)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.zeros((4, 4)), "images are float64 of shape"),
        (np.zeros((0, 4, 3), "uint8"), "images have no pixels"),
        (np.zeros((4, 4, 7), "uint8"), "images have 7 channels"),
        ("nothing.png", "nothing.png"),
        ([], "images is an empty list; give one image or more"),
    ],
)
def test_what_is_no_image(run, given, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        kerazoo.classifier(run)(given)


def test_a_runs_weights_classify_as_the_run_does(run, images, tmp_path):
    """Options, names of classes and what is done to images come with them."""
    path = tmp_path / "mine.safetensors"
    known = save_run_weights(run, path)
    assert known == weight_set(run)
    assert (known.network, known.name, known.options) == (
        "lenet5", "run/lenet5", {"pool": "avg"}
    )  # fmt: skip
    assert known.preprocessing.resize == "pad"
    classify = kerazoo.classifier("lenet5", weights=path)
    assert classify.names == run.config.classes
    np.testing.assert_allclose(
        classify.probabilities(images),
        kerazoo.classifier(run).probabilities(images),
        atol=1e-5,
    )
    training = weights.read_training(path)
    assert training["recipe"] == run.recipe.to_dict() | training["recipe"]
    assert len(training["history"]) == 1


def test_a_saved_file_says_what_it_is_worth(run, tmp_path):
    known = save_run_weights(run, tmp_path / "half.safetensors", name="x", half=True)
    assert known.accuracy[0].top1 == run.metrics.accuracy
    assert weights.read_set(tmp_path / "half.safetensors").name == "x"


@pytest.mark.parametrize(
    ("path", "words"),
    [("mine.h5", r"must end in \.safetensors"), (".", "is a folder")],
)
def test_a_place_that_cannot_be(run, tmp_path, path, words):
    with pytest.raises(ValueError, match=words):
        save_run_weights(run, tmp_path / path)


def test_a_file_is_verified(run, command, tmp_path):
    """By its path, and what it says of itself is shown beside."""
    path = tmp_path / "a.safetensors"
    save_run_weights(run, path)
    words = ("weights", "verify", "lenet5", path, "--data", run.config.data)
    status, out, err = command(*words, "--limit", 5)
    assert (status, err) == (0, "")
    assert "published" in out


def test_what_others_have_written_is_not_replaced(run, tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"mine")
    with pytest.raises(ValueError, match="was not written by kerazoo"):
        save_run_weights(run, path)
    assert path.read_bytes() == b"mine"
    path.unlink()
    save_run_weights(run, path)
    save_run_weights(run, path, half=True)


def test_what_is_no_plain_data_is_not_saved(run, tmp_path):
    for training in (3, {"a": np.zeros(2)}):
        with pytest.raises(ValueError, match="training"):
            save_run_weights(run, tmp_path / "a.safetensors", training=training)
    assert not list(tmp_path.iterdir())


def test_a_run_that_has_not_ended_is_not_saved(run, tmp_path):
    (tmp_path / "run").mkdir()
    for name in ("config.json", "model.keras"):
        (tmp_path / "run" / name).write_bytes((run.path / name).read_bytes())
    with pytest.raises(ValueError, match="has not ended; give the command again"):
        save_run_weights(tmp_path / "run", tmp_path / "a.safetensors")


def test_whitened_images_cannot_be_said(run, tmp_path):
    recipe = kerazoo.recipes.find("lenet5").replace(
        {"epochs": 1, "normalization": "gcn"}
    )
    other = kerazoo.fit(
        "lenet5", recipe=recipe, run=tmp_path / "gcn", events=False, verbose=0
    )
    with pytest.raises(ValueError, match=r"whitens its images \(normalization=gcn\)"):
        save_run_weights(other, tmp_path / "gcn.safetensors")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"network": "lenet5"}, "give some, as in weights='digits'"),
        ({"network": "dsn"}, "give some by the path of a file (kerazoo weights dsn"),
        ({"network": "lenet"}, "Unknown network 'lenet'; did you mean lenet5"),
        ({"network": "lenet5", "weights": "mnits"}, "did you mean mnist"),
        ({"network": "lenet5", "weights": ""}, "must be the name of trained weights"),
        (
            {"network": "lenet5", "weights": "mnist", "best": True},
            "best is of a run, and lenet5 with weights is a network",
        ),
        ({"network": "runs/none"}, "There is no run folder runs/none"),
        (
            {"network": "lenet5", "weights": "x.keras"},
            "there is no file x.keras",
        ),
    ],
)
def test_what_cannot_classify(given, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        kerazoo.classifier(**given)


def test_a_run_has_weights_of_its_own(run):
    with pytest.raises(ValueError, match="is a run, which has weights of its own"):
        kerazoo.classifier(run, weights="mnist")


def test_prediction_with_a_networks_weights(images, tmp_path):
    Image.fromarray(images[0][..., 0]).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no image")
    good, bad = kerazoo.predict("lenet5", tmp_path, weights="mnist", top=2)
    assert len(good.top) == 2
    assert "b.png" in bad.problem
    with pytest.raises(ValueError, match="best, masks and draw are of a run"):
        kerazoo.predict("lenet5", tmp_path, weights="mnist", best=True)


def test_the_command_predicts_with_a_networks_weights(command, images, tmp_path):
    """Its argument is a path, of a run or not."""
    Image.fromarray(images[0][..., 0]).save(tmp_path / "a.png")
    status, out, err = command("predict", "lenet5", tmp_path, "--weights", "mnist")
    assert (status, err) == (0, "")
    assert "a.png: " in out


def test_blue_comes_first_where_the_weights_say_so():
    """Keras' VGG takes BGR less its mean, as keras.applications prepares it."""
    import keras

    from kerazoo.serving.classification import preprocessed

    chosen = weights.find_weights("vgg16", "keras").preprocessing
    raw = keras.Input((None, None, 3), dtype="uint8")
    model = keras.Model(raw, preprocessed(raw, chosen))
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, 256, 256, 3), "uint8")
    middle = image[:, 16:240, 16:240].astype("float32")
    expected = keras.applications.vgg16.preprocess_input(middle)
    np.testing.assert_allclose(model(image), expected, atol=1e-3)
    half = weights.find_weights("inception_v3", "keras").preprocessing
    model = keras.Model(raw, preprocessed(raw, half))
    image = rng.integers(0, 256, (1, 341, 341, 3), "uint8")
    middle = image[:, 21:320, 21:320].astype("float32")
    expected = keras.applications.inception_v3.preprocess_input(middle)
    np.testing.assert_allclose(model(image), expected, atol=1e-5)
