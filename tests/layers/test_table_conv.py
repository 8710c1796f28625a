import keras
import numpy as np
import pytest

from kerazoo.layers import LENET5_C3_TABLE, TableConv2D, scaled_tanh

RNG = np.random.default_rng(0)
SMALL = ((0, 2), (1,), (2, 0, 1), (2,))


def reference(x, kernel, bias, table):
    """Adds up one plane at a time, in the order of the table."""
    kh, kw, _ = kernel.shape
    rows, columns = x.shape[1] - kh + 1, x.shape[2] - kw + 1
    y = np.zeros((x.shape[0], rows, columns, len(table))) + bias
    link = 0
    for j, row in enumerate(table):
        for i in row:
            for r in range(rows):
                for c in range(columns):
                    window = x[:, r : r + kh, c : c + kw, i]
                    y[:, r, c, j] += (window * kernel[:, :, link]).sum((1, 2))
            link += 1
    return y


def test_c3_of_lenet5():
    layer = TableConv2D()
    shape = (None, 14, 14, 6)
    layer.build(shape)
    assert layer.links == 60
    assert layer.count_params() == 60 * 25 + 16 == 1516
    assert [tuple(w.shape) for w in layer.trainable_weights] == [(5, 5, 60), (16,)]
    assert layer.compute_output_shape(shape) == (None, 10, 10, 16)
    macs = layer.multiply_adds(shape, (None, 10, 10, 16))
    assert macs == 150_000 and isinstance(macs, int)
    # Each map of S2 is seen by ten maps of C3 (Table I has 10 crosses in each row).
    assert [sum(i in row for row in LENET5_C3_TABLE) for i in range(6)] == [10] * 6


@pytest.mark.parametrize(
    ("table", "kernel_size", "shape"),
    [
        (LENET5_C3_TABLE, 5, (2, 7, 9, 6)),
        (SMALL, (2, 3), (2, 5, 4, 3)),
        (((1, 0),), 1, (1, 3, 3, 4)),  # maps 2 and 3 are seen by no one
    ],
)
def test_equals_the_definition(table, kernel_size, shape):
    x = RNG.normal(size=shape).astype("float32")
    layer = TableConv2D(table, kernel_size, bias_initializer="glorot_uniform")
    y = layer(x)
    expected = reference(x, *map(np.asarray, layer.weights), table)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_gradients(gradients, numeric_gradient):
    x = RNG.normal(size=(2, 4, 4, 3)).astype("float32")
    layer = TableConv2D(SMALL, (2, 3))
    upstream = RNG.normal(size=(2, 3, 2, 4)).astype("float32")
    dx, (dkernel, dbias) = gradients(layer, x, upstream)
    kernel, bias = map(np.asarray, layer.weights)
    for got, point, function in [
        (dx, x, lambda x: reference(x, kernel, bias, SMALL)),
        (dkernel, kernel, lambda kernel: reference(x, kernel, bias, SMALL)),
        (dbias, bias, lambda bias: reference(x, kernel, bias, SMALL)),
    ]:
        expected = numeric_gradient(
            lambda p, f=function: (f(p) * upstream).sum(), point
        )
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4)


def test_initial_kernels_follow_the_fan_in_of_their_map():
    layer = TableConv2D(((0,), tuple(range(50))), 3)
    layer.build((None, 9, 9, 50))
    kernel = np.abs(np.asarray(layer.kernel))
    assert kernel[:, :, 1:].max() <= 2.4 / 450 < 2.4 / 30 < kernel[:, :, 0].max()


def test_mixed_precision():
    x = RNG.normal(size=(1, 4, 4, 3)).astype("float32")
    layer = TableConv2D(SMALL, 3, dtype="mixed_bfloat16")
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    expected = reference(x, *map(np.asarray, layer.weights), SMALL)
    np.testing.assert_allclose(keras.ops.cast(y, "float32"), expected, atol=0.05)


def test_reload(reloaded):
    x = RNG.normal(size=(2, 6, 6, 3)).astype("float32")
    layer = TableConv2D(SMALL, (3, 2), scaled_tanh, "he_normal")
    loaded = reloaded(layer, x)
    np.testing.assert_allclose(
        loaded.predict(x, verbose=0), layer(x), rtol=1e-5, atol=1e-6
    )


def test_bad_tables():
    for table, words in [
        (((0,), ()), "Each row of the table"),
        (((1, 1),), "Each row of the table"),
        (((-1,),), "table is -1; it must be a whole number from 0"),
    ]:
        with pytest.raises(ValueError, match=words):
            TableConv2D(table)
    with pytest.raises(ValueError, match="names input map 5, but the input has 3"):
        TableConv2D()(np.zeros((1, 9, 9, 3), "float32"))
