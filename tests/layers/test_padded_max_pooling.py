import keras
import numpy as np
import pytest

from kerazoo.layers import PaddedMaxPooling2D

RNG = np.random.default_rng(0)


def reference(x, window=3, stride=2, border=1):
    """PyTorch's loop: a window counts the pixels that it meets."""
    _, height, width, _ = x.shape
    rows, columns = (
        [
            slice(max(0, start), min(side, start + window))
            for start in range(-border, side + border - window + 1, stride)
        ]
        for side in (height, width)
    )
    return np.stack(
        [np.stack([x[:, i, j].max((1, 2)) for j in columns], 1) for i in rows], 1
    )


@pytest.mark.parametrize("size", [(55, 55), (56, 56), (7, 8), (8, 7), (1, 1), (4, 5)])
@pytest.mark.parametrize("words", [(3, 2, 1), (2, 2, 1), (3, 1, 0), (5, 3, 2)])
def test_equals_pytorch(size, words):
    if min(size) + 2 * words[2] < words[0]:
        pytest.skip("no window fits")
    # All values negative: padding with zeros would show.
    x = -1 - RNG.random((2, *size, 3)).astype("float32")
    layer = PaddedMaxPooling2D(*words)
    expected = reference(x, *words)
    np.testing.assert_array_equal(layer(x), expected)
    assert layer.compute_output_shape(x.shape) == expected.shape


def test_same_is_that_on_odd_grids_alone():
    same = keras.layers.MaxPooling2D(3, 2, padding="same")
    for side, alike in ((13, True), (14, False)):
        x = RNG.normal(size=(1, side, side, 2)).astype("float32")
        mine, theirs = np.asarray(PaddedMaxPooling2D()(x)), np.asarray(same(x))
        assert mine.shape == theirs.shape
        assert (mine == theirs).all() == alike


@pytest.mark.parametrize("size", [(8, 8), (9, 9), (8, 9)])
def test_unknown_size_gives_the_same(size):
    inputs = keras.Input((None, None, 2))
    model = keras.Model(inputs, PaddedMaxPooling2D()(inputs))
    assert model.output_shape == (None, None, None, 2)
    x = -1 - RNG.random((2, *size, 2)).astype("float32")
    np.testing.assert_array_equal(model.predict(x, verbose=0), reference(x))


def test_gradient(gradients, numeric_gradient):
    x = RNG.permutation(1 * 4 * 6 * 2).reshape(1, 4, 6, 2).astype("float32")
    upstream = RNG.normal(size=(1, 2, 3, 2)).astype("float32")
    dx, _ = gradients(PaddedMaxPooling2D(), x, upstream)
    expected = numeric_gradient(lambda x: (reference(x) * upstream).sum(), x)
    np.testing.assert_allclose(dx, expected, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    x = -RNG.integers(1, 9, size=(1, 6, 6, 2)).astype("float32")
    y = keras.ops.cast(PaddedMaxPooling2D(dtype=policy)(x), "float32")
    np.testing.assert_array_equal(y, reference(x))


def test_reload(reloaded):
    x = RNG.random((2, 8, 7, 3)).astype("float32")
    layer = PaddedMaxPooling2D((4, 3), (2, 1), padding=1)
    loaded = reloaded(layer, x)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), layer(x))


def test_bad_arguments():
    with pytest.raises(ValueError, match="exceeds half of pool_size"):
        PaddedMaxPooling2D(3, 2, padding=2)
