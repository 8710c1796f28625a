import keras
import numpy as np

from kerazoo.layers import scaled_tanh


def test_values_of_the_paper():
    x = np.array([-100, -1, 0, 1, 100], "float32")
    expected = [-1.7159, -1, 0, 1, 1.7159]
    np.testing.assert_allclose(scaled_tanh(x), expected, atol=1e-4)


def test_gradient(gradients):
    x = np.array([[-2, -0.5, 0, 1]], "float32")
    layer = keras.layers.Activation(scaled_tanh)
    dx, _ = gradients(layer, x, np.ones_like(x))
    slope = 1.7159 * 2 / 3 * (1 - np.tanh(2 * x / 3) ** 2)
    np.testing.assert_allclose(dx, slope, rtol=1e-5)


def test_reload_and_mixed_precision(reloaded):
    x = np.ones((1, 2), "float32")
    model = reloaded(keras.layers.Dense(3, scaled_tanh, name="squash"), x)
    assert model.get_layer("squash").activation is scaled_tanh
    half = scaled_tanh(keras.ops.ones((2,), "bfloat16"))
    assert keras.backend.standardize_dtype(half.dtype) == "bfloat16"
