import keras
import numpy as np
import pytest

from kerazoo.layers import Subsampling2D, scaled_tanh

RNG = np.random.default_rng(0)


def reference(x, gain, bias, pool=(2, 2)):
    rows, columns = x.shape[1] // pool[0], x.shape[2] // pool[1]
    y = np.zeros((x.shape[0], rows, columns, x.shape[3]))
    for i in range(rows):
        for j in range(columns):
            window = x[
                :, i * pool[0] : (i + 1) * pool[0], j * pool[1] : (j + 1) * pool[1]
            ]
            y[:, i, j] = window.sum((1, 2))
    return y * gain + bias


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (28, 28)])
@pytest.mark.parametrize("pool", [(2, 2), (3, 2)])
def test_equals_the_formula(size, pool):
    x = RNG.normal(size=(2, *size, 3)).astype("float32")
    layer = Subsampling2D(pool, bias_initializer="glorot_uniform")
    y = layer(x)
    expected = reference(x, *map(np.asarray, layer.weights), pool)
    np.testing.assert_allclose(y, expected, atol=1e-5)
    assert layer.compute_output_shape(x.shape) == expected.shape
    assert (layer.pool_size, layer.strides) == (pool, pool)


def test_weights_of_s2():
    layer = Subsampling2D()
    layer.build((None, 28, 28, 6))
    assert layer.count_params() == 12
    assert np.abs(np.asarray(layer.gain)).max() <= 0.6
    assert layer.multiply_adds((None, 28, 28, 6), (None, 14, 14, 6)) == 0


def test_gradients(gradients, numeric_gradient):
    x = RNG.normal(size=(2, 5, 4, 2)).astype("float32")
    upstream = RNG.normal(size=(2, 2, 2, 2)).astype("float32")
    layer = Subsampling2D()
    dx, (dgain, dbias) = gradients(layer, x, upstream)
    gain, bias = map(np.asarray, layer.weights)
    for got, point, function in [
        (dx, x, lambda x: reference(x, gain, bias)),
        (dgain, gain, lambda gain: reference(x, gain, bias)),
        (dbias, bias, lambda bias: reference(x, gain, bias)),
    ]:
        expected = numeric_gradient(
            lambda p, f=function: (f(p) * upstream).sum(), point
        )
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4)


def test_mixed_precision():
    x = RNG.integers(-4, 4, size=(1, 4, 4, 2)).astype("float32")
    layer = Subsampling2D(gain_initializer="ones", dtype="mixed_bfloat16")
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    np.testing.assert_array_equal(keras.ops.cast(y, "float32"), reference(x, 1, 0))


def test_reload(reloaded):
    x = RNG.normal(size=(2, 6, 6, 3)).astype("float32")
    for layer in (Subsampling2D(3, scaled_tanh, "ones"), Subsampling2D()):
        loaded = reloaded(layer, x)
        np.testing.assert_allclose(loaded.predict(x, verbose=0), layer(x), rtol=1e-5)


def test_bad_pool_size():
    with pytest.raises(ValueError, match="pool_size"):
        Subsampling2D(0)
