import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from kerazoo.layers import GroupedConv2D

RNG = np.random.default_rng(0)
TENSORFLOW = keras.backend.backend() == "tensorflow"
CASES = [
    {"groups": 2, "kernel_size": 5, "padding": "same"},
    {"groups": 4, "kernel_size": (3, 2), "padding": "valid", "strides": (2, 1)},
    {"groups": 2, "kernel_size": 3, "padding": "same", "strides": 2},
    {"groups": 2, "kernel_size": 3, "padding": "valid", "dilation_rate": 2},
    {"groups": 2, "kernel_size": 3, "padding": "same", "dilation_rate": (1, 2)},
    {"groups": 8, "kernel_size": 1},
    {"groups": 1, "kernel_size": 3},
]


def by_split(layer, x):
    """The definition: one ordinary convolution for each group of channels."""
    kernels = np.split(np.asarray(layer.kernel), layer.groups, axis=-1)
    parts = [
        keras.ops.conv(
            part,
            kernel,
            layer.strides,
            layer.padding,
            "channels_last",
            layer.dilation_rate,
        )
        for part, kernel in zip(
            np.split(x, layer.groups, axis=-1), kernels, strict=True
        )
    ]
    return keras.ops.concatenate(parts, -1) + layer.bias


@pytest.mark.parametrize("options", CASES)
@pytest.mark.parametrize("size", [(9, 7), (8, 8)])
def test_equals_a_convolution_per_group(options, size):
    x = RNG.normal(size=(2, *size, 8)).astype("float32")
    layer = GroupedConv2D(16, bias_initializer="glorot_normal", **options)
    y = layer(x)
    np.testing.assert_allclose(y, by_split(layer, x), atol=1e-5)
    assert tuple(y.shape) == layer.compute_output_shape(x.shape)


@pytest.mark.parametrize("options", CASES)
def test_gradients(options, gradients):
    x = RNG.normal(size=(2, 7, 6, 8)).astype("float32")
    layer = GroupedConv2D(16, **options)
    upstream = RNG.normal(size=tuple(layer(x).shape)).astype("float32")
    stock = keras.layers.Conv2D.from_config(layer.get_config())
    stock.build(x.shape)
    stock.set_weights(layer.get_weights())
    dx, dweights = gradients(layer, x, upstream)
    stock_dx, stock_dweights = gradients(stock, x, upstream)
    np.testing.assert_allclose(dx, stock_dx, atol=1e-4)
    for got, expected in zip(dweights, stock_dweights, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(not TENSORFLOW, reason="XLA is only forced on TensorFlow")
def test_no_xla_in_the_graph():
    import tensorflow as tf

    layer = GroupedConv2D(8, 3, groups=2)
    layer.build((None, 6, 6, 4))
    graph = tf.function(layer).get_concrete_function(
        tf.TensorSpec((1, 6, 6, 4), tf.float32)
    )
    kinds = {op.type for op in graph.graph.get_operations()}
    assert "Conv2D" in kinds
    assert not any("PartitionedCall" in kind for kind in kinds)


def test_trains_saves_and_exports(reloaded, tmp_path):
    x = RNG.normal(size=(16, 6, 6, 4)).astype("float32")
    y = RNG.normal(size=(16, 8)).astype("float32")
    inputs = keras.Input((6, 6, 4))
    maps = GroupedConv2D(8, 3, groups=2, activation="relu", name="grouped")(inputs)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(maps))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    before = model.evaluate(x, y, verbose=0)
    for _ in range(5):
        model.train_on_batch(x, y)
    assert model.evaluate(x, y, verbose=0) < before
    reloaded(model.get_layer("grouped"), x)
    if TENSORFLOW:
        import tensorflow as tf

        model.export(tmp_path / "saved", verbose=False)
        exported = tf.saved_model.load(tmp_path / "saved")
        np.testing.assert_allclose(
            exported.serve(x), model.predict(x, verbose=0), atol=1e-6
        )


@pytest.mark.skipif(not TENSORFLOW, reason="oneDNN is TensorFlow's")
@pytest.mark.parametrize("onednn", ["0", "1"])
def test_trains_and_predicts_on_any_cpu(onednn):
    """TensorFlow leaves oneDNN off on some CPUs, and its own kernels know no groups."""
    code = """
import keras, numpy as np
from kerazoo.layers import GroupedConv2D
model = keras.Sequential([GroupedConv2D(8, 3, groups=4, activation="relu")])
model.compile("sgd", "mse", jit_compile=False)
x = np.ones((2, 6, 6, 4), "float32")
assert np.isfinite(model.train_on_batch(x, np.ones((2, 4, 4, 8))))
assert np.allclose(model.predict_on_batch(x), model(x), atol=1e-5)
"""
    environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": onednn}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    x = RNG.normal(size=(1, 6, 6, 4)).astype("float32")
    layer = GroupedConv2D(8, 3, groups=2, dtype=policy)
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    np.testing.assert_allclose(
        keras.ops.cast(y, "float32"), by_split(layer, x), atol=0.05
    )
    assert keras.backend.standardize_dtype(layer.kernel.dtype) == "float32"


def test_bad_groups():
    with pytest.raises(ValueError, match="groups"):
        GroupedConv2D(8, 3, groups=3)
