"""The served model: raw uint8 images of any size, the same answers as the pipeline."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerazoo import data
from kerazoo.data import resizing
from kerazoo.data.splits import Arrays
from kerazoo.recipe import Recipe
from kerazoo.training import Pipeline


def assembled(
    resize, *, network="mlp_50", source=(8, 8, 1), shape=(12, 12, 1), **words
):
    """The trained and the served model of an untrained network."""
    keras.utils.set_random_seed(3)
    pipeline = Pipeline(
        network=network,
        recipe=Recipe(resize=resize, image_shape=shape, **words),
        classes=10,
        source_shape=source,
        mean=(70.0,) * source[-1],
        std=(60.0,) * source[-1],
    )
    model = pipeline.for_training()
    return model, pipeline.for_serving(model)


def probabilities(logits):
    return keras.ops.convert_to_numpy(keras.ops.softmax(logits))


@pytest.fixture(scope="module")
def photos():
    """Grey images of 40x30 pixels, smooth as photographs are, in a split."""
    coarse = np.random.default_rng(0).uniform(0, 255, (20, 5, 4, 1))
    images = keras.ops.image.resize(coarse, (40, 30), interpolation="bicubic")
    images = np.clip(np.rint(images), 0, 255).astype("uint8")
    source = Arrays(lambda: (images, np.arange(20) % 10), 20, (40, 30, 1))
    return data.Split(source, name="photos", classes=tuple("0123456789"))


@pytest.mark.parametrize("shape", [(24, 24, 1), (24, 30, 3)])
@pytest.mark.parametrize("resize", ["bilinear", "pad", "crop", "center"])
def test_serving_agrees_with_the_pipeline(photos, resize, shape):
    """To the rare pixel that is rounded the other way."""
    trained, served = assembled(resize, source=photos.shape, shape=shape)
    raw = np.repeat(photos.source.images, shape[-1], -1)
    ready = data.Batches(photos, 20, image_shape=shape, resize=resize).take(20)[0]
    expected = probabilities(trained(ready, training=False))
    got = np.asarray(served(raw, training=False))
    np.testing.assert_allclose(got, expected, atol=0.004)
    assert np.abs(got - expected).mean() < 1e-4
    assert np.abs(expected - expected.mean(0)).max() > 0.05


@pytest.mark.parametrize("size", [(41, 60), (7, 9), (60, 41), (24, 25), (3, 200)])
@pytest.mark.parametrize("resize", ["bilinear", "pad", "crop", "center"])
def test_a_served_network_resizes_as_the_pipeline_does(resize, size):
    _, served = assembled(resize, source=(None, None, 1), shape=(24, 30, 1))
    resized = keras.Model(served.input, served.get_layer("resized").output)
    image = np.random.default_rng(1).integers(0, 256, (*size, 1), "uint8")
    ours = resizing.resize(tf.constant(image), (24, 30), resize).numpy()
    theirs = np.asarray(resized(image[None], training=False))[0]
    assert theirs.dtype == "float32"
    assert np.abs(theirs - ours).max() <= 1
    assert (theirs != ours).mean() <= 2e-3


def test_center_cuts_images_of_another_size_at_that_of_the_set():
    _, served = assembled("center", source=(40, 50, 1), shape=(24, 30, 1))
    resized = keras.Model(served.input, served.get_layer("resized").output)
    image = np.random.default_rng(1).integers(0, 256, (90, 80, 1), "uint8")
    native = resizing.resize(tf.constant(image), (40, 50), "bilinear")
    ours = resizing.resize(native, (24, 30), "center").numpy()
    theirs = np.asarray(resized(image[None], training=False))[0]
    assert np.abs(theirs - ours).max() <= 1
    assert (theirs != ours).mean() <= 2e-3


def test_serving_the_sets_own_images_is_exact(digits):
    trained, served = assembled("bilinear", shape=(8, 8, 1))
    raw = data.Batches(digits.test, 50, image_shape=(8, 8, 1)).take(50)[0]
    expected = probabilities(trained(raw, training=False))
    np.testing.assert_allclose(served(raw, training=False), expected, atol=1e-6)


@pytest.mark.parametrize("resize", ["bilinear", "pad", "crop", "center"])
def test_images_of_any_size(resize):
    _, served = assembled(resize)
    for size in ((1, 1), (37, 53), (300, 20)):
        images = np.random.default_rng(0).integers(0, 256, (2, *size, 1), "uint8")
        scores = np.asarray(served(images, training=False))
        assert scores.shape == (2, 10)
        np.testing.assert_allclose(scores.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("resize", ["bilinear", "center"])
def test_a_plain_call_does_not_train(tmp_path, resize):
    """Batch norms and dropout rest, in a file that was loaded, too."""
    pipeline = Pipeline(
        network="slide_cnn_b",
        recipe=Recipe(resize=resize),
        classes=10,
        source_shape=(8, 8, 1),
        mean=(70.0,),
        std=(60.0,),
    )
    served = pipeline.for_serving(pipeline.for_training())
    kinds = {type(layer).__name__ for layer in served.layers}
    assert {"BatchNormalization", "Dropout"} & kinds
    served.save(tmp_path / "model.keras")
    images = np.random.default_rng(0).integers(0, 256, (4, 9, 9, 1), "uint8")
    expected = np.asarray(served(images, training=False))
    for model in (served, keras.models.load_model(tmp_path / "model.keras")):
        np.testing.assert_allclose(np.asarray(model(images)), expected, atol=1e-6)
    assert np.abs(np.asarray(served(images, training=True)) - expected).max() > 1e-3


def test_the_finished_run_serves_what_it_trained(trained, digits):
    served = trained.model()
    assert served.input_shape == (None, None, None, 1)
    assert served.inputs[0].dtype == "uint8"
    raw, labels = data.Batches(digits.test, 64, image_shape=digits.shape).take(355)
    scores = np.asarray(served.predict(raw, verbose=0))
    accuracy = (scores.argmax(-1) == labels).mean()
    assert accuracy == pytest.approx(trained.metrics.accuracy, abs=0.01)


def test_grey_statistics_serve_colour_and_the_other_way_round():
    colour = Pipeline(
        "mlp_50", Recipe(image_shape=(8, 8, 3)), 10, (8, 8, 1), (9,), (5,)
    )
    model = colour.for_training()
    layer = next(layer for layer in model.layers if layer.name.startswith("normalize"))
    assert layer.scale == [1 / 5] * 3
    assert layer.offset == [-9 / 5] * 3
    grey = Pipeline(
        "mlp_50", Recipe(image_shape=(8, 8, 1)), 10, (8, 8, 3), (100, 50, 10), (1, 1, 1)
    )
    layer = next(
        y for y in grey.for_training().layers if y.name.startswith("normalize")
    )
    luma = 0.299 * 100 + 0.587 * 50 + 0.114 * 10
    np.testing.assert_allclose(layer.offset, [-luma])


def test_the_normalisation_is_inside(trained):
    """Brighter pixels must change the answer as they do in front of the network."""
    served = trained.model()
    assert [layer for layer in served.layers if layer.name == "normalize_standardize"]
    black = np.zeros((1, 8, 8, 1), "uint8")
    assert np.isfinite(np.asarray(served(black, training=False))).all()


@pytest.mark.parametrize(("scale", "rate"), [(1, 0.5), (0.4, 0.2), (0, 0.0)])
def test_dropout_is_scaled_in_training(scale, rate):
    model, _ = assembled(
        "bilinear",
        network="nin_cifar",
        source=(32, 32, 3),
        shape=(32, 32, 3),
        dropout_scale=scale,
    )
    drops = [one for one in model.layers if isinstance(one, keras.layers.Dropout)]
    assert [drop.rate for drop in drops] == [rate, rate]
    ones = np.ones((1, 100, 100, 1), "float32")
    for drop in drops:
        kept = np.asarray(drop(ones, training=True))
        assert (kept == 0).mean() == pytest.approx(rate, abs=0.03)
        assert kept.mean() == pytest.approx(1, abs=0.05)


def test_not_everything_can_be_dropped():
    with pytest.raises(ValueError, match=r"drops 0\.5 already; it must be less than 2"):
        assembled(
            "bilinear",
            network="nin_cifar",
            source=(32, 32, 3),
            shape=(32, 32, 3),
            dropout_scale=2,
        )
