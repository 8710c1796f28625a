import keras
import numpy as np
import pytest
from keras import layers

import kerazoo
from kerazoo.layers import Maxout
from kerazoo.training.initialization import (
    lsuv,
    orthonormal,
    pretrain_autoencoders,
    reinitialize,
)


@pytest.fixture(scope="module")
def batch():
    return np.random.default_rng(0).normal(size=(32, 16, 16, 3)).astype("float32")


def weights(model):
    return {w.path: np.array(w) for w in model.weights}


def kernels(model):
    return {p: w for p, w in weights(model).items() if p.endswith("kernel")}


@pytest.mark.parametrize("activation", ["maxout", "relu"])
def test_lsuv_gives_every_layer_of_fitnet_unit_variance(activation, batch):
    model = kerazoo.fitnet4(activation=activation, input_shape=(16, 16, 3))
    before = weights(model)
    reached = lsuv(model, batch)
    assert len(reached) == 19
    for layer in model.layers:
        if not hasattr(layer, "kernel"):
            continue
        # Those of the layers with an activation inside are checked before it.
        linear = keras.Model(model.input, layer.input)(batch, training=False)
        y = (
            keras.ops.tensordot(linear, layer.kernel, 1)
            if (isinstance(layer, layers.Dense))
            else keras.ops.conv(linear, layer.kernel, padding="same")
        )
        pieces = 1
        if activation == "maxout" and layer.name != "predictions":
            pieces = 5 if layer.name == "fc1" else 2
        found = [part.var() for part in np.split(np.array(y), pieces, axis=-1)]
        np.testing.assert_allclose(found, 1, atol=0.021)
        np.testing.assert_allclose(found, reached[layer.name], rtol=1e-3)
    after = weights(model)
    for path in before:
        assert (before[path] == after[path]).all() == path.endswith("bias"), path


def test_lsuv_looks_before_the_activation(batch):
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, activation="sigmoid", name="conv1")(inputs)
    model = keras.Model(inputs, x)
    assert lsuv(model, batch)["conv1"] == pytest.approx([1], abs=0.02)
    assert model.get_layer("conv1").activation is keras.activations.sigmoid
    assert model(batch).numpy().var() < 0.1


def test_a_sequential_model_is_walked_as_a_functional_one(batch):
    chain = keras.Sequential([keras.Input((16, 16, 3)), layers.Flatten()])
    for _ in range(2):
        chain.add(layers.Dense(8, "relu"))
    assert np.ravel([*lsuv(chain, batch).values()]) == pytest.approx([1, 1], abs=0.02)
    assert len(pretrain_autoencoders(chain, batch, epochs=1)) == 1


def test_lsuv_refuses_images_without_variance():
    with pytest.raises(ValueError, match=r"hidden1 .* give images that differ"):
        lsuv(kerazoo.mlp_50(), np.zeros((4, 28, 28, 1), "float32"))


def test_orthonormal_filters():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(2 * 8, 3, name="more_inputs")(inputs)
    x = Maxout(2)(x)
    x = layers.Conv2D(2 * 16, 1, name="more_filters")(x)
    model = keras.Model(inputs, Maxout(2)(x))
    orthonormal(model, gain=2.0)
    for kernel in kernels(model).values():
        first, second = np.split(kernel, 2, axis=-1)
        assert np.abs(first - second).max() > 0.1
        for piece in (first, second):
            filters = piece.reshape(-1, piece.shape[-1]) / 2
            if filters.shape[1] > filters.shape[0]:
                filters = filters.T
            gram = filters.T @ filters
            np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-6)


def test_orthonormal_filters_of_depthwise_convolutions():
    inputs = keras.Input((8, 8, 4))
    model = keras.Model(inputs, layers.DepthwiseConv2D(3)(inputs))
    orthonormal(model)
    filters = np.array(model.layers[1].kernel).reshape(9, 4)
    np.testing.assert_allclose(filters.T @ filters, np.eye(4), atol=1e-6)


@pytest.mark.parametrize(
    ("initializer", "variance"),
    [
        ("xavier", lambda fan_in, fan_out: 1 / fan_in),
        ("msra", lambda fan_in, fan_out: 2 / fan_in),
        ("glorot_uniform", lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
        ("he_normal", lambda fan_in, fan_out: 2 / fan_in),
        (keras.initializers.RandomNormal(0, 0.5), lambda *_: 0.25),
    ],
)
def test_reinitialize_has_the_variance_of_its_rule(initializer, variance):
    model = kerazoo.fitnet4()
    reinitialize(model, initializer, seed=1)
    kernel = np.array(model.get_layer("stage3_conv2").kernel)
    # Each of the two maxout pieces has the fans of a layer of 128.
    assert kernel.var() == pytest.approx(variance(9 * 128, 9 * 128), rel=0.02)


def test_reinitialize_takes_caffes_bounds():
    model = kerazoo.fitnet4()
    reinitialize(model, "xavier")
    kernel = np.array(model.get_layer("stage3_conv2").kernel)
    assert np.abs(kernel).max() == pytest.approx((3 / (9 * 128)) ** 0.5, rel=1e-3)


@pytest.mark.parametrize("name", ["orthogonal", "he_normal", "xavier"])
def test_a_seed_gives_the_same_network_and_each_kernel_its_own_draw(name):
    first, second, third = (kerazoo.fitnet4(activation="relu") for _ in range(3))
    reinitialize(first, name, seed=3)
    reinitialize(second, name, seed=3)
    reinitialize(third, name, seed=4)
    one, two, three = map(kernels, (first, second, third))
    for path in one:
        np.testing.assert_array_equal(one[path], two[path])
        assert not np.array_equal(one[path], three[path])
    twins = [k for k in one.values() if k.shape == (3, 3, 128, 128)]
    assert len(twins) == 5
    assert not np.array_equal(twins[0], twins[1])


def test_unknown_initializer():
    with pytest.raises(ValueError, match="did you mean he_normal"):
        reinitialize(kerazoo.mlp_50(), "he_norma")


@pytest.mark.parametrize(
    ("name", "expected", "options"),
    [
        ("lenet5", ["conv1", "conv3", "conv5", "fc6"], {}),
        ("mlp_50", ["hidden1"], {"noise": 0.2}),
        ("all_cnn_c", [f"conv{n}" for n in range(1, 9)], {"epochs": 1}),
    ],
)
def test_autoencoders_learn_to_reconstruct(name, expected, options):
    keras.utils.set_random_seed(1)
    size = (12, 12, 3) if name == "all_cnn_c" else (28, 28, 1)
    model = kerazoo.create(name, input_shape=size)
    rng = np.random.default_rng(0)
    images = rng.normal(size=(64, 1, 1, 1)) * rng.normal(size=(1, *size))
    before = weights(model)
    options = {"epochs": 3, "learning_rate": 3e-3} | options
    errors = pretrain_autoencoders(model, images.astype("float32"), **options)
    assert list(errors) == expected
    for trace in errors.values():
        assert len(trace) == options["epochs"] + 1
        assert trace[-1] < trace[0]
    after = weights(model)
    for path in before:
        changed = not np.array_equal(before[path], after[path])
        assert changed == any(f"{e}/" in path for e in expected), path


def test_autoencoders_are_reproducible_and_train_in_turn():
    images = np.random.default_rng(0).normal(size=(16, 28, 28, 1)).astype("float32")
    runs = []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        model = kerazoo.lenet5()
        runs.append(pretrain_autoencoders(model, images, epochs=1, seed=5))
    assert runs[0] == runs[1]


def test_autoencoders_need_a_chain():
    with pytest.raises(ValueError, match="needs a chain of layers"):
        pretrain_autoencoders(kerazoo.highway19(), np.zeros((2, 32, 32, 3)))
