import keras
import numpy as np
import pytest

from kerazoo.layers import FanInUniform


@pytest.mark.parametrize(
    ("shape", "fan_in"), [((5, 5, 4, 100), 100), ((84, 50), 84), ((3, 3000), 3)]
)
def test_bounds(shape, fan_in):
    draw = np.asarray(FanInUniform(seed=1)(shape)) * fan_in / 2.4
    assert 0.97 < np.abs(draw).max() <= 1
    assert abs(draw.mean()) < 0.03
    assert abs(draw.var() - 1 / 3) < 0.03


def test_given_fan_in_of_each_entry():
    draw = np.asarray(FanInUniform(1.0, fan_in=[1, 10, 100], seed=1)((1000, 3)))
    np.testing.assert_allclose(np.abs(draw).max(0), [1, 0.1, 0.01], rtol=0.02)


def test_seed_and_config():
    one = FanInUniform(3.0, [2, 4], seed=7)
    two = keras.initializers.get(keras.initializers.serialize(one))
    np.testing.assert_array_equal(one((5, 2)), two((5, 2)))
    assert two.get_config() == {"scale": 3.0, "fan_in": [2, 4], "seed": 7}
    assert np.any(np.asarray(FanInUniform()((9, 9))) != FanInUniform()((9, 9)))


def test_bad_scale():
    with pytest.raises(ValueError, match=r"scale is .* above 0"):
        FanInUniform(0)
