import math

import keras
import numpy as np
import pytest

from kerazoo.layers import CeilMaxPooling2D

RNG = np.random.default_rng(0)


def reference(x, window, strides):
    """Caffe's loop: each window is cut off at the border of the image."""
    (kh, kw), (sh, sw) = window, strides
    _, height, width, _ = x.shape
    rows = math.ceil((height - kh) / sh) + 1
    columns = math.ceil((width - kw) / sw) + 1
    return np.stack(
        [
            np.stack(
                [
                    x[:, i * sh : i * sh + kh, j * sw : j * sw + kw].max((1, 2))
                    for j in range(columns)
                ],
                1,
            )
            for i in range(rows)
        ],
        1,
    )


@pytest.mark.parametrize("size", [(55, 55), (56, 56), (7, 8), (8, 7), (3, 3), (4, 5)])
@pytest.mark.parametrize(
    ("window", "strides"),
    [((3, 3), (2, 2)), ((2, 2), (2, 2)), ((2, 3), (1, 3)), ((2, 5), (2, 4))],
)
def test_equals_caffe(size, window, strides):
    # All values negative: padding with zeros would show.
    x = -1 - RNG.random((2, *size, 3)).astype("float32")
    layer = CeilMaxPooling2D(window, strides)
    y = layer(x)
    expected = reference(x, window, strides)
    np.testing.assert_array_equal(y, expected)
    assert layer.compute_output_shape(x.shape) == expected.shape


def test_sizes_of_the_papers():
    sizes = {55: 27, 110: 55, 112: 56, 56: 28, 28: 14, 14: 7, 13: 6, 54: 27}
    for size, pooled in sizes.items():
        shape = CeilMaxPooling2D().compute_output_shape((None, size, size, 1))
        assert shape == (None, pooled, pooled, 1)


def test_odd_size_is_plain_valid_pooling_and_unlike_same():
    x = RNG.normal(size=(1, 55, 55, 2)).astype("float32")
    y = CeilMaxPooling2D()(x)
    np.testing.assert_array_equal(y, keras.layers.MaxPooling2D(3, 2)(x))
    assert keras.layers.MaxPooling2D(3, 2, padding="same")(x).shape[1] == 28


@pytest.mark.parametrize("size", [(8, 8), (9, 9), (8, 9), (10, 11)])
def test_unknown_size_gives_the_same(size):
    layer = CeilMaxPooling2D()
    inputs = keras.Input((None, None, 2))
    model = keras.Model(inputs, layer(inputs))
    assert model.output_shape == (None, None, None, 2)
    x = -1 - RNG.random((2, *size, 2)).astype("float32")
    np.testing.assert_array_equal(
        model.predict(x, verbose=0), reference(x, (3, 3), (2, 2))
    )


def test_gradient(gradients, numeric_gradient):
    x = RNG.permutation(1 * 4 * 6 * 2).reshape(1, 4, 6, 2).astype("float32")
    upstream = RNG.normal(size=(1, 2, 3, 2)).astype("float32")
    dx, _ = gradients(CeilMaxPooling2D(), x, upstream)
    expected = numeric_gradient(
        lambda x: (reference(x, (3, 3), (2, 2)) * upstream).sum(), x
    )
    np.testing.assert_allclose(dx, expected, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    x = -RNG.integers(1, 9, size=(1, 6, 6, 2)).astype("float32")
    y = keras.ops.cast(CeilMaxPooling2D(dtype=policy)(x), "float32")
    np.testing.assert_array_equal(y, reference(x, (3, 3), (2, 2)))


def test_reload(reloaded):
    x = RNG.random((2, 8, 7, 3)).astype("float32")
    layer = CeilMaxPooling2D((3, 2), (2, 1))
    loaded = reloaded(layer, x)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), layer(x))


def test_bad_arguments():
    with pytest.raises(ValueError, match="must not exceed pool_size"):
        CeilMaxPooling2D(2, 3)
    with pytest.raises(ValueError, match="1x1 is too small"):
        CeilMaxPooling2D()(np.zeros((1, 1, 1, 1), "float32"))
