import keras
import numpy as np
import pytest

from kerazoo.layers import PadChannels

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("filters", "position", "before"),
    [
        (3, "end", 0),
        (8, "end", 0),
        (3, "centre", 0),
        (7, "centre", 2),
        (8, "centre", 2),
    ],
)
def test_equals_the_definition(filters, position, before, gradients):
    x = RNG.normal(size=(2, 4, 5, 3)).astype("float32")
    expected = np.zeros((2, 4, 5, filters), "float32")
    expected[..., before : before + 3] = x
    layer = PadChannels(filters, position)
    np.testing.assert_array_equal(layer(x), expected)
    assert layer.compute_output_shape(x.shape) == expected.shape
    upstream = RNG.normal(size=expected.shape).astype("float32")
    dx, _ = gradients(layer, x, upstream)
    np.testing.assert_array_equal(dx, upstream[..., before : before + 3])


def test_mixed_precision_and_reload(reloaded):
    x = RNG.normal(size=(2, 3, 3, 2)).astype("float32")
    y = PadChannels(4, dtype="mixed_bfloat16")(x)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    reloaded(PadChannels(5, "centre", name="pad"), x)


def test_bad_arguments():
    with pytest.raises(ValueError, match="Unknown position 'start'"):
        PadChannels(4, "start")
    with pytest.raises(ValueError, match="at least as many filters"):
        PadChannels(2)(np.zeros((1, 3, 3, 3), "float32"))
