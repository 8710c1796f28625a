import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.models.enet import upsampling

IMAGE = np.random.default_rng(0).normal(size=(1, 32, 48, 3)).astype("float32")


@pytest.fixture(scope="module")
def small():
    keras.utils.set_random_seed(1)
    return kerazoo.enet(input_shape=(32, 48, 3), classes=5)


def test_gives_each_pixel_its_classes(small):
    scores = small(IMAGE, training=False)
    assert scores.shape == (1, 32, 48, 5)
    np.testing.assert_allclose(np.sum(scores, -1), 1, atol=1e-5)


def test_takes_images_of_open_size(small):
    free = kerazoo.enet(input_shape=(None, None, 3), classes=5)
    free.set_weights(small.get_weights())
    np.testing.assert_allclose(free(IMAGE), small(IMAGE), atol=1e-6)


@pytest.mark.parametrize(
    ("pool", "unpool", "before"),
    [
        ("stage1_block0_pool", "stage5_block0_unpool", "initial_prelu1"),
        ("stage2_block0_pool", "stage4_block0_unpool", "stage1_block4_out"),
    ],
)
def test_unpooling_returns_to_where_the_encoder_pooled(small, pool, unpool, before):
    source = small.get_layer(pool).input
    outputs = [source, *small.get_layer(unpool).input, small.get_layer(unpool).output]
    tensors = keras.Model(small.input, outputs)(IMAGE, training=False)
    encoded, values, _, unpooled = (np.array(tensor) for tensor in tensors)
    expected = np.zeros_like(unpooled)
    _, rows, columns, channels = values.shape
    for i, j, c in np.ndindex(rows, columns, channels):
        window = encoded[0, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, c]
        di, dj = np.unravel_index(window.argmax(), window.shape)
        expected[0, 2 * i + di, 2 * j + dj, c] = values[0, i, j, c]
    np.testing.assert_array_equal(unpooled, expected)


def test_the_transposed_convolution_stands_where_torchs_does():
    inputs = keras.Input((4, 4, 4))
    indices = keras.Input((4, 4, 8), dtype="int32")
    model = keras.Model([inputs, indices], upsampling(inputs, 8, indices, name="up"))
    layer, crop = model.get_layer("up_conv2"), model.get_layer("up_crop2")
    part = keras.Model(layer.input, crop.output)
    impulse = np.zeros((1, 4, 4, 2), "float32")
    impulse[0, 1, 2, 0] = 1
    found = np.array(part(impulse))
    # Torch, with padding 1 and output padding 1: row 2 * i - 1 + k takes kernel row k.
    expected = np.zeros((1, 8, 8, 2), "float32")
    expected[0, 1:4, 3:6] = np.array(layer.kernel)[..., 0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_dropout_of_the_first_bottlenecks_is_smaller(small):
    rates = {
        layer.name: layer.rate
        for layer in small.layers
        if isinstance(layer, keras.layers.SpatialDropout2D)
    }
    assert len(rates) == 22
    assert all(
        rate == (0.01 if name.startswith("stage1") else 0.1)
        for name, rate in rates.items()
    )


def test_the_encoder_classifies_images_or_positions():
    assert kerazoo.enet_encoder(input_shape=(32, 48, 3)).output_shape == (None, 19)
    model = kerazoo.enet_encoder_per_pixel(input_shape=(32, 48, 3))
    assert model.output_shape == (None, 4, 6, 19)
    np.testing.assert_allclose(np.sum(model(IMAGE), -1), 1, atol=1e-5)


@pytest.mark.parametrize("name", ["enet", "enet_encoder", "enet_encoder_per_pixel"])
def test_images_that_do_not_halve_three_times(name):
    with pytest.raises(ValueError, match=r"36x48; .* multiples of 8"):
        kerazoo.create(name, input_shape=(36, 48, 3))
