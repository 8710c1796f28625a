"""The inception grammar against modules computed by hand in NumPy."""

import keras
import numpy as np
import pytest

from kerazoo.blocks import conv
from kerazoo.blocks.inception import Conv, Pool, chain, inception

# Every word of the grammar: one step, two, a fork, both poolings, a one-sided kernel.
MODULE = [
    [Conv(2)],
    [Conv(3), Conv(2, (1, 3))],
    [Conv(2, 3), [Conv(2, (3, 1)), [Conv(3), Conv(1, 3)]]],
    [Pool("avg"), Conv(2)],
    [Pool("max"), Conv(1)],
]
REDUCTION = [[Conv(3, 3, 2)], [Conv(2), Conv(2, 3), Conv(4, 3, 2)], [Pool("max", 2)]]


def windows(x, kernel, strides, padding, fill=0.0):
    """Every window as ``(batch, rows, columns, height, width, channels)``."""
    pads = []
    for size, k in zip(x.shape[1:3], kernel, strict=True):
        out = -(-size // strides)
        total = max(0, (out - 1) * strides + k - size)
        sides = {"same": (total // 2, total - total // 2), "valid": (0, 0), 1: (1, 1)}
        pads.append(sides[padding])
    x = np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=fill)
    seen = np.lib.stride_tricks.sliding_window_view(x, kernel, (1, 2))
    return np.moveaxis(seen[:, ::strides, ::strides], 3, -1)


def convolve(x, model, name, strides=1, padding="same"):
    kernel, bias = (w.numpy() for w in model.get_layer(name).weights)
    seen = windows(x, kernel.shape[:2], strides, padding)
    y = np.einsum("bijhwc,hwcf->bijf", seen, kernel) + bias
    return np.maximum(y, 0)


def pool(x, kind, strides=1, padding="same", fill=np.nan):
    seen = windows(x, (3, 3), strides, padding, fill)
    return {"avg": np.nanmean, "max": np.nanmax}[kind](seen, (3, 4))


def build(branches, size=7, **options):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((size, size, 3))
    step = lambda *a, **k: conv(*a, bias_initializer="random_normal", **k)  # noqa: E731
    model = keras.Model(
        inputs, inception(inputs, branches, conv=step, name="m", **options)
    )
    x = np.random.default_rng(0).normal(size=(2, size, size, 3))
    return model, x.astype("float32")


def test_module_equals_numpy():
    model, x = build(MODULE)
    second = convolve(x, model, "m_branch2_conv1")
    third = convolve(x, model, "m_branch3_conv1")
    inner = convolve(third, model, "m_branch3_conv3")
    expected = [
        convolve(x, model, "m_branch1_conv1"),
        convolve(second, model, "m_branch2_conv2"),
        convolve(third, model, "m_branch3_conv2"),
        convolve(inner, model, "m_branch3_conv4"),
        convolve(pool(x, "avg"), model, "m_branch4_conv2"),
        convolve(pool(x, "max"), model, "m_branch5_conv2"),
    ]
    np.testing.assert_allclose(model(x), np.concatenate(expected, -1), atol=1e-5)


@pytest.mark.parametrize(("counted", "fill"), [(True, 0.0), (False, np.nan)])
def test_an_average_counts_its_padding_or_does_not(counted, fill):
    model, x = build([[Pool("avg"), Conv(2)], [Pool("max")]], avg_count_pad=counted)
    expected = [
        convolve(pool(x, "avg", fill=fill), model, "m_branch1_conv2"),
        pool(x, "max"),
    ]
    np.testing.assert_allclose(model(x), np.concatenate(expected, -1), atol=1e-5)


@pytest.mark.parametrize("size", [7, 8])
@pytest.mark.parametrize(
    ("options", "conv_padding", "pool_padding"),
    [({}, "valid", "valid"), ({"padded": True}, 1, "same")],
)
def test_reduction_equals_numpy(size, options, conv_padding, pool_padding):
    model, x = build(REDUCTION, size, **options)
    second = convolve(convolve(x, model, "m_branch2_conv1"), model, "m_branch2_conv2")
    expected = [
        convolve(x, model, "m_branch1_conv1", 2, conv_padding),
        convolve(second, model, "m_branch2_conv3", 2, conv_padding),
        pool(x, "max", 2, pool_padding),
    ]
    np.testing.assert_allclose(model(x), np.concatenate(expected, -1), atol=1e-5)


def test_chain_numbers_its_steps():
    inputs = keras.Input((9, 9, 3))
    steps = [Conv(4, 3, 2), Pool("max"), Conv(2, 3, padding="valid")]
    model = keras.Model(inputs, chain(inputs, steps, name="stem"))
    names = [layer.name for layer in model.layers[1:]]
    assert names == [
        "stem_conv1", "stem_bn1", "stem_relu1", "stem_pool2",
        "stem_conv3", "stem_bn3", "stem_relu3",
    ]  # fmt: skip
    assert model.output.shape == (None, 2, 2, 2)


def test_a_module_keeps_an_open_grid_open():
    inputs = keras.Input((None, None, 3))
    y = inception(inputs, MODULE, name="m")
    assert y.shape == (None, None, None, 10)
