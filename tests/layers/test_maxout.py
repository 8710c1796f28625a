import keras
import numpy as np
import pytest

from kerazoo.layers import Maxout

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(3, 12), (2, 3, 5, 12)])
@pytest.mark.parametrize("pieces", [1, 2, 3, 12])
def test_equals_the_definition(shape, pieces):
    x = RNG.normal(size=shape).astype("float32")
    units = 12 // pieces
    expected = np.stack([x[..., u::units].max(-1) for u in range(units)], -1)
    layer = Maxout(pieces)
    np.testing.assert_array_equal(layer(x), expected)
    assert layer.compute_output_shape(shape) == expected.shape


def test_gradient_goes_to_the_winner(gradients):
    x = RNG.normal(size=(2, 3, 6)).astype("float32")
    upstream = RNG.normal(size=(2, 3, 2)).astype("float32")
    dx, _ = gradients(Maxout(3), x, upstream)
    expected = np.zeros_like(x)
    for u in range(2):
        winner = u + 2 * x[..., u::2].argmax(-1)[..., None]
        np.put_along_axis(expected, winner, upstream[..., u : u + 1], -1)
    np.testing.assert_array_equal(dx, expected)


def test_mixed_precision_and_reload(reloaded):
    x = RNG.normal(size=(2, 3, 3, 6)).astype("float32")
    y = Maxout(dtype="mixed_bfloat16")(x)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    reloaded(Maxout(3, name="maxout"), x)


def test_bad_arguments():
    with pytest.raises(ValueError, match="pieces is 0; it must be"):
        Maxout(0)
    with pytest.raises(ValueError, match="multiple of pieces=5"):
        Maxout(5)(np.zeros((1, 12), "float32"))
