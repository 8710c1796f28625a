import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

import kerazoo
from kerazoo.layers import GroupedConv2D, TableConv2D

RNG = np.random.default_rng(0)
# Network: the batch norms it has, and how many of them no convolution feeds alone.
NETWORKS = {
    "resnet20_cifar": (19, 0),
    "preresnet164_cifar": (163, 54),
    "bn_inception": (69, 0),
    "xception": (40, 0),
    "fractalnet40": (75, 0),
    "enet": (84, 1),
}
KINDS = {
    "plain": lambda **o: layers.Conv2D(6, 3, dilation_rate=2, **o),
    "grouped": lambda **o: GroupedConv2D(6, 3, groups=2, **o),
    "depthwise": lambda **o: layers.DepthwiseConv2D(3, depth_multiplier=3, **o),
    "separable": lambda **o: layers.SeparableConv2D(6, 3, depth_multiplier=2, **o),
    "transposed": lambda **o: layers.Conv2DTranspose(6, 3, 2, **o),
    "dense": lambda **o: layers.Dense(6, **o),
}


@pytest.fixture
def float64():
    """Rounding is out of the way, so that what is left is a mistake."""
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy("float32")


def randomize(model):
    """Statistics as training leaves them; those a layer starts with change nothing."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            randomize(layer)
        elif isinstance(layer, layers.BatchNormalization):
            around_one = ("gamma", "moving_variance")
            layer.set_weights(
                [
                    RNG.uniform(0.5, 1.5, w.shape)
                    if w.name in around_one
                    else RNG.normal(0, 0.3, w.shape)
                    for w in layer.weights
                ]
            )
        elif getattr(layer, "use_bias", isinstance(layer, TableConv2D)):
            *kernels, bias = layer.get_weights()
            layer.set_weights([*kernels, RNG.normal(0, 0.3, bias.shape)])
    return model


def norms(model):
    return [la.name for la in model.layers if isinstance(la, layers.BatchNormalization)]


def difference(model, other):
    """The largest difference of the outputs, in units of the largest output."""
    x = np.random.default_rng(1).normal(size=(2, *model.inputs[0].shape[1:]))
    ours = keras.tree.flatten(model(x, training=False))
    theirs = keras.tree.flatten(other(x, training=False))
    return max(
        np.abs(np.asarray(a) - np.asarray(b)).max() / np.abs(np.asarray(a)).max()
        for a, b in zip(ours, theirs, strict=True)
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name, float64):
    side = max(kerazoo.find(name).minimum, 16)
    body = kerazoo.create(name, input_shape=(side, side, 3), include_top=False)
    randomize(body)
    folded = kerazoo.fold_batchnorm(body)
    total, left = NETWORKS[name]
    assert len(norms(body)) == total
    assert norms(folded) == list(kerazoo.unfolded_batchnorms(body))
    assert len(norms(folded)) == left
    assert kerazoo.unfolded_batchnorms(folded) == kerazoo.unfolded_batchnorms(body)
    gone = set(norms(body)) - set(norms(folded))
    kept = {la.name: type(la) for la in body.layers if la.name not in gone}
    assert {la.name: type(la) for la in folded.layers} == kept
    assert difference(body, folded) < 1e-12


def test_float32_saves_and_leaves_the_model_alone(tmp_path):
    model = kerazoo.resnet20_cifar(classifier_activation=None, name="left")
    randomize(model)
    before = [w.copy() for w in model.get_weights()]
    folded = kerazoo.fold_batchnorm(model)
    assert (folded.name, norms(folded)) == ("left", [])
    assert 0 < difference(model, folded) < 1e-5
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    folded.save(tmp_path / "folded.keras")
    assert difference(folded, keras.models.load_model(tmp_path / "folded.keras")) == 0


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}])
def test_every_kind_of_layer(kind, use_bias, options, float64):
    inputs = keras.Input((9, 9, 2))
    x = KINDS[kind](use_bias=use_bias)(inputs)
    x = layers.BatchNormalization(epsilon=0.1, **options)(x)
    model = randomize(keras.Model(inputs, x))
    folded = kerazoo.fold_batchnorm(model)
    assert norms(folded) == []
    assert type(folded.layers[-1]) is type(model.layers[1])
    assert difference(model, folded) < 1e-12


def test_a_connection_table(float64):
    inputs = keras.Input((7, 7, 3))
    x = TableConv2D([(0,), (0, 1, 2), (1, 2), (2,)], 3)(inputs)
    model = randomize(keras.Model(inputs, layers.BatchNormalization()(x)))
    folded = kerazoo.fold_batchnorm(model)
    assert norms(folded) == []
    assert difference(model, folded) < 1e-12


def test_dropout_and_cropping_stand_between(float64):
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", name="conv")(inputs)
    x = layers.Dropout(0.5)(layers.Cropping2D(1)(x))
    model = randomize(keras.Model(inputs, layers.BatchNormalization()(x)))
    folded = kerazoo.fold_batchnorm(model)
    assert len(folded.layers) == len(model.layers) - 1
    assert difference(model, folded) < 1e-12


def test_models_within_models(float64):
    inner = keras.Sequential(
        [keras.Input((6, 6, 3)), layers.Conv2D(4, 3), layers.BatchNormalization()],
        name="inner",
    )
    inputs = keras.Input((6, 6, 3), name="images")
    x = layers.BatchNormalization(name="first")(inputs)
    x = layers.BatchNormalization(name="last")(inner(x))
    model = randomize(keras.Model(inputs, {"features": x}))
    folded = kerazoo.fold_batchnorm(model)
    assert set(folded.output) == {"features"}
    assert norms(folded.get_layer("inner")) == []
    assert norms(folded) == ["first", "last"]
    assert difference(model, folded) < 1e-12


def left(make):
    """Why the one batch norm of a graph stays; the graph computes the same."""
    inputs = keras.Input((6, 6, 2), name="images")
    model = randomize(keras.Model(inputs, make(inputs)))
    folded = kerazoo.fold_batchnorm(model)
    assert norms(folded) == norms(model) == ["bn"]
    assert difference(model, folded) < 1e-12
    return kerazoo.unfolded_batchnorms(model)["bn"]


def test_what_is_left_and_why(float64):
    def bn(x, **options):
        return layers.BatchNormalization(name="bn", **options)(x)

    def conv(x, **options):
        return layers.Conv2D(2, 1, name="conv", **options)(x)

    def with_reader(inputs):
        x = conv(inputs)
        return layers.Add()([x, bn(x)])

    def shown(inputs):
        x = conv(inputs)
        return {"raw": x, "normed": bn(x)}

    def shared_conv(inputs):
        shared = layers.Conv2D(2, 1, name="conv")
        return layers.Add()([bn(shared(inputs)), shared(layers.ReLU()(inputs))])

    def shared_norm(inputs):
        shared = layers.BatchNormalization(name="bn")
        return layers.Add()([shared(conv(inputs)), shared(inputs)])

    assert left(bn) == "it follows images, which is no convolution"
    assert left(with_reader) == left(shown) == "conv has other readers"
    assert left(shared_conv) == "conv has other readers"
    assert left(shared_norm) == "it is called more than once"
    reason = left(lambda x: bn(conv(x, activation="relu")))
    assert reason == "conv has an activation of its own"
    assert left(lambda x: bn(conv(x), axis=1)) == "it is not over the channels"


def test_a_network_of_keras():
    model = keras.applications.MobileNetV2((32, 32, 3), 0.35, weights=None, classes=5)
    randomize(model)
    folded = kerazoo.fold_batchnorm(model)
    assert norms(folded) == []
    assert len(norms(model)) == 52
    assert difference(model, folded) < 1e-5


def test_no_graph():
    with pytest.raises(ValueError, match="model is None; it must be a Model"):
        kerazoo.fold_batchnorm(None)
    with pytest.raises(ValueError, match="give a functional model"):
        kerazoo.fold_batchnorm(keras.Sequential([layers.Dense(2)]))


JAX = """
import json, sys
import numpy as np
import kerazoo
model = kerazoo.slide_cnn_b(classifier_activation=None)
rng = np.random.default_rng(0)
for layer in model.layers:
    if "BatchNorm" in type(layer).__name__:
        layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.weights])
x = rng.normal(size=(2, *model.input_shape[1:])).astype("float32")
folded = kerazoo.fold_batchnorm(model)
a, b = (np.asarray(m(x, training=False)) for m in (model, folded))
error = float(np.abs(a - b).max() / np.abs(a).max())
print(json.dumps([len(model.layers) - len(folded.layers), error]))
"""


@pytest.mark.skipif(
    importlib.util.find_spec("jax") is None,
    reason="jax, the second backend, is not installed; the extra `test` brings it",
)
def test_on_jax():
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    run = subprocess.run(
        [sys.executable, "-c", JAX], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    gone, error = json.loads(run.stdout)
    assert gone == 3
    assert error < 1e-5
