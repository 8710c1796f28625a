"""A network for other programs: what is in it, what is not, and what it says."""

import keras
import numpy as np
import pytest
from keras import layers

from kerazoo import data
from kerazoo.layers import CeilMaxPooling2D, FusedBatchNormalization, GroupedConv2D
from kerazoo.surgery.for_inference import (
    for_inference,
    image_entry,
    in_float32,
    own_size,
)

RNG = np.random.default_rng(0)


def network(head=None, policy="float32"):
    """A network with what training needs, and two auxiliary heads."""
    keras.config.set_dtype_policy(policy)
    try:
        images = keras.Input((None, None, 3), dtype="uint8", name="raw")
        x = data.resizer((13, 11), "bilinear", 3)(images)
        x = layers.Rescaling(1 / 255, dtype="float32", name="resized")(x)
        x = layers.RandomFlip("horizontal", name="flip")(x)
        x = GroupedConv2D(6, 3, groups=3, use_bias=False, name="conv1")(x)
        x = FusedBatchNormalization(name="bn1")(x)
        x = layers.SpatialDropout2D(0.5, name="drop1")(x)
        x = CeilMaxPooling2D(2, name="pool1")(x)
        side = layers.GlobalMaxPooling2D(name="side")(x)
        side = layers.Dense(5, "softmax", dtype="float32", name="aux1")(side)
        x = layers.GlobalAveragePooling2D(name="pool")(x)
        x = layers.GaussianNoise(1.0, name="noise")(x)
        x = layers.Dropout(0.5, name="drop2")(x)
        x = (head or dense)(x)
        model = keras.Model(images, {"aux1": side, "predictions": x}, name="net")
    finally:
        keras.config.set_dtype_policy("float32")
    for weight in model.weights:
        # Variances are positive.
        weight.assign(RNG.uniform(0.1, 1, weight.shape))
    return model


def dense(x):
    return layers.Dense(5, "softmax", dtype="float32", name="predictions")(x)


def activation(x):
    x = layers.Dense(5, name="scores")(x)
    return layers.Activation("softmax", dtype="float32", name="predictions")(x)


def softmax(x):
    x = layers.Dense(5, name="scores")(x)
    return layers.Softmax(dtype="float32", name="predictions")(x)


def images(size=(29, 40)):
    return RNG.integers(0, 256, (3, *size, 3), "uint8")


@pytest.mark.parametrize("head", [dense, activation, softmax])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_one_head_with_names_and_the_same_answers(head, elsewhere):
    model, x = network(head), images()
    made = for_inference(model, elsewhere=elsewhere)
    found = made(x)
    assert set(found) == {"probabilities", "logits"}
    expected = model(x, training=False)["predictions"]
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-6)
    shares = keras.ops.softmax(found["logits"])
    np.testing.assert_allclose(shares, expected, atol=1e-6)
    assert np.ptp(found["logits"]) > 1e-3
    # Nothing of it is random, whatever it is told.
    np.testing.assert_array_equal(made(x, training=True)["logits"], found["logits"])


def test_what_training_needs_is_gone():
    kinds = [type(layer) for layer in for_inference(network()).layers]
    gone = (layers.BatchNormalization, layers.Dropout, layers.GaussianNoise)
    assert not [kind for kind in kinds if issubclass(kind, (*gone, layers.RandomFlip))]
    assert layers.SpatialDropout2D not in kinds
    # Of Keras' own layers, as far as it has them.
    assert layers.Conv2D in kinds and GroupedConv2D not in kinds
    other = [type(layer) for layer in for_inference(network(), elsewhere=True).layers]
    assert GroupedConv2D in other and layers.Conv2D not in other


def test_half_precision_becomes_float32():
    model = network(policy="mixed_bfloat16")
    assert model.get_layer("conv1").compute_dtype == "bfloat16"
    exact, made = in_float32(model), for_inference(model)
    for one in (exact, made):
        kinds = {layer.compute_dtype for layer in one.layers}
        assert kinds <= {"float32", "uint8"}
    x = images()
    expected, found = exact(x, training=False)["predictions"], made(x)["probabilities"]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    halves = model(x, training=False)["predictions"]
    assert 1e-5 < np.abs(np.asarray(halves) - np.asarray(expected)).max() < 0.02
    same = network()
    assert in_float32(same) is same


def test_images_of_one_size():
    model = network()
    assert own_size(model) == (13, 11)
    resizes = [layer.name for layer in for_inference(model).layers]
    assert "resize" in resizes
    own = for_inference(model, image_size=(13, 11))
    assert image_entry(own).shape == (None, 13, 11, 3)
    # Nothing is left to resize.
    assert "resize" not in [layer.name for layer in own.layers]
    x = images((13, 11))
    expected = model(x, training=False)["predictions"]
    np.testing.assert_allclose(own(x)["probabilities"], expected, atol=1e-6)
    other, x = for_inference(model, image_size=(20, 30)), images((20, 30))
    assert "resize" in [layer.name for layer in other.layers]
    expected = model(x, training=False)["predictions"]
    np.testing.assert_allclose(other(x)["probabilities"], expected, atol=1e-6)
    with pytest.raises(ValueError):
        other(images((13, 11)))


def test_scores_without_a_softmax_have_a_name():
    inputs = keras.Input((4, 4, 1), name="images")
    x = layers.GlobalAveragePooling2D(name="mean")(inputs)
    model = keras.Model(inputs, x)
    assert list(for_inference(model).output) == ["mean"]
    assert list(for_inference(model, scores="probabilities").output) == [
        "probabilities"
    ]


def test_what_takes_no_images_is_refused():
    one = keras.Input((4,), name="numbers")
    with pytest.raises(ValueError, match="numbers; give a network that"):
        image_entry(keras.Model(one, layers.Dense(2)(one)))

    class Own(keras.Model):
        pass

    with pytest.raises(ValueError, match="functional"):
        for_inference(Own())
