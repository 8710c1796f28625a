from functools import partial

import keras
import numpy as np
import pytest

from kerazoo.blocks.residual import (
    basic,
    bottleneck,
    pre_activation,
    pre_bottleneck,
    residual,
)

RNG = np.random.default_rng(0)


def relu(x):
    return np.maximum(x, 0)


class Reference:
    """The formulas in NumPy, with the weights of a Keras model."""

    def __init__(self, model):
        self.weights = {}
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                shape = layer.gamma.shape
                drawn = [RNG.uniform(0.5, 1.5, shape) for _ in range(4)]
                layer.set_weights([w.astype("float32") for w in drawn])
            self.weights[layer.name] = layer.get_weights()

    def conv(self, x, name, stride=1):
        """Strided, one pixel of zeros on every side of a 3x3, no bias."""
        (kernel,) = self.weights[name]
        size = kernel.shape[0]
        pad = size // 2
        x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))
        windows = windows[:, ::stride, ::stride]
        return np.einsum("bhwcij,ijco->bhwo", windows, kernel)

    def bn(self, x, name):
        gamma, beta, mean, variance = self.weights[name]
        return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta


def model_of(f, channels, strides=1, **options):
    inputs = keras.Input((6, 8, channels))
    model = keras.Model(inputs, residual(inputs, f, strides, name="unit", **options))
    reference = Reference(model)
    x = RNG.normal(size=(2, 6, 8, channels)).astype("float32")
    return x, model(x, training=False), reference


@pytest.mark.parametrize(("channels", "strides"), [(4, 1), (4, 2), (3, 1)])
def test_basic(channels, strides):
    x, y, ref = model_of(partial(basic, filters=4), channels, strides)
    f = relu(ref.bn(ref.conv(x, "unit_conv1", strides), "unit_bn1"))
    f = ref.bn(ref.conv(f, "unit_conv2"), "unit_bn2")
    if strides > 1 or channels != 4:
        x = ref.bn(ref.conv(x, "unit_conv0", strides), "unit_bn0")
    np.testing.assert_allclose(y, relu(x + f), rtol=1e-4, atol=1e-5)
    assert ("unit_conv0" in ref.weights) == (strides > 1 or channels != 4)


@pytest.mark.parametrize("stride_in", ["1x1", "3x3"])
@pytest.mark.parametrize(("channels", "strides"), [(8, 1), (8, 2), (3, 1)])
def test_bottleneck(channels, strides, stride_in):
    f = partial(bottleneck, filters=2, stride_in=stride_in)
    x, y, ref = model_of(f, channels, strides)
    first, second = (strides, 1) if stride_in == "1x1" else (1, strides)
    f = relu(ref.bn(ref.conv(x, "unit_conv1", first), "unit_bn1"))
    f = relu(ref.bn(ref.conv(f, "unit_conv2", second), "unit_bn2"))
    f = ref.bn(ref.conv(f, "unit_conv3"), "unit_bn3")
    if strides > 1 or channels != 8:
        x = ref.bn(ref.conv(x, "unit_conv0", strides), "unit_bn0")
    np.testing.assert_allclose(y, relu(x + f), rtol=1e-4, atol=1e-5)


def plain_projection(x, filters, strides, *, name):
    conv = keras.layers.Conv2D(
        filters, 1, strides, use_bias=False, name=f"{name}_conv0"
    )
    return conv(x)


@pytest.mark.parametrize("stride_in", ["1x1", "3x3"])
@pytest.mark.parametrize(("channels", "strides"), [(8, 1), (8, 2), (3, 1)])
def test_pre_activation(channels, strides, stride_in):
    x, y, ref = model_of(
        partial(pre_bottleneck, filters=2, stride_in=stride_in),
        channels,
        strides,
        shortcut=plain_projection,
        before=pre_activation,
        activation=None,
    )
    first, second = (strides, 1) if stride_in == "1x1" else (1, strides)
    shared = relu(ref.bn(x, "unit_bn1"))
    f = relu(ref.bn(ref.conv(shared, "unit_conv1", first), "unit_bn2"))
    f = relu(ref.bn(ref.conv(f, "unit_conv2", second), "unit_bn3"))
    f = ref.conv(f, "unit_conv3")
    if strides > 1 or channels != 8:
        x = ref.conv(shared, "unit_conv0", strides)
    np.testing.assert_allclose(y, x + f, rtol=1e-4, atol=1e-5)


def test_a_strange_stride_in_is_refused():
    x = keras.Input((8, 8, 8))
    for f in (bottleneck, pre_bottleneck):
        with pytest.raises(ValueError, match="'5x5'; it must be '1x1' or '3x3'"):
            f(x, filters=2, stride_in="5x5", name="unit")
