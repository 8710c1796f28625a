import keras
import numpy as np
import pytest

from kerazoo.layers import MaxPoolingWithIndices2D, MaxUnpooling2D

RNG = np.random.default_rng(0)


def reference(x, pool):
    """Maxima, indices and the unpooled maxima, window by window."""
    (rows, columns), (batch, height, width, channels) = pool, x.shape
    shape = (batch, height // rows, width // columns, channels)
    pooled, indices = np.zeros(shape, x.dtype), np.zeros(shape, "int32")
    unpooled = np.zeros((batch, shape[1] * rows, shape[2] * columns, channels))
    for b, i, j, c in np.ndindex(shape):
        window = x[b, i * rows : (i + 1) * rows, j * columns : (j + 1) * columns, c]
        r, k = np.unravel_index(window.argmax(), window.shape)
        pooled[b, i, j, c], indices[b, i, j, c] = window.max(), window.argmax()
        unpooled[b, i * rows + r, j * columns + k, c] = window.max()
    return pooled, indices, unpooled


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (6, 6)])
@pytest.mark.parametrize("pool", [(2, 2), (3, 2), (1, 1)])
@pytest.mark.parametrize("ties", [False, True])
def test_equals_the_definition(size, pool, ties):
    x = RNG.normal(size=(2, *size, 3)).astype("float32")
    x = np.round(x) if ties else x
    layer, inverse = MaxPoolingWithIndices2D(pool), MaxUnpooling2D(pool)
    y, indices = layer(x)
    pooled, cells, unpooled = reference(x, pool)
    np.testing.assert_array_equal(y, pooled)
    np.testing.assert_array_equal(indices, cells)
    assert keras.backend.standardize_dtype(indices.dtype) == "int32"
    np.testing.assert_array_equal(inverse(y, indices), unpooled)
    assert layer.compute_output_shape(x.shape) == (pooled.shape, cells.shape)
    assert inverse.compute_output_shape(pooled.shape, cells.shape) == unpooled.shape


def test_gradients(gradients):
    class There(keras.layers.Layer):
        """Pools and unpools: keeps the maxima in their places."""

        def call(self, x):
            return MaxUnpooling2D()(*MaxPoolingWithIndices2D()(x))

    x = np.round(RNG.normal(size=(2, 4, 6, 3))).astype("float32")  # with ties
    upstream = RNG.normal(size=x.shape).astype("float32")
    dx, _ = gradients(There(), x, upstream)
    winners = reference(x + 100, (2, 2))[2] > 0
    np.testing.assert_array_equal(dx, upstream * winners)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_model_of_unknown_size_saves_and_loads(policy, tmp_path):
    inputs = keras.Input((None, None, 2))
    y, indices = MaxPoolingWithIndices2D(dtype=policy)(inputs)
    y = keras.layers.Conv2D(2, 1, dtype=policy)(y)
    outputs = MaxUnpooling2D(dtype=policy)(y, indices)
    assert outputs.shape == (None, None, None, 2)
    model = keras.Model(inputs, outputs)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for size in [(4, 6), (8, 8)]:
        x = RNG.normal(size=(3, *size, 2)).astype("float32")
        result = model.predict(x, verbose=0)
        assert result.shape == x.shape
        np.testing.assert_array_equal(result, loaded.predict(x, verbose=0))
        assert ((result != 0).sum((1, 2)) <= size[0] * size[1] // 4).all()
    assert [x.get_config() for x in model.layers] == [
        x.get_config() for x in loaded.layers
    ]


def test_bad_arguments():
    with pytest.raises(ValueError, match="project the values before"):
        MaxUnpooling2D()(np.zeros((1, 2, 2, 8)), np.zeros((1, 2, 2, 4), "int32"))
    with pytest.raises(ValueError, match="pool_size"):
        MaxPoolingWithIndices2D(0)
