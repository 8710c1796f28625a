import keras
import numpy as np
import pytest

import kerazoo


@pytest.mark.parametrize("final_relu", [True, False])
def test_final_relu(final_relu):
    model = kerazoo.nin_cifar(final_relu=final_relu, classifier_activation=None)
    # Some numbers are negative then, whatever kernels were drawn.
    model.get_layer("cccp6").bias.assign([-1e3] * 5 + [0] * 5)
    last = keras.Model(model.input, model.get_layer("cccp6").output)
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    maps = np.asarray(last(images, training=False))
    assert (maps.min() >= 0) == final_relu
    scores = model(images, training=False)
    np.testing.assert_allclose(scores, maps.mean((1, 2)), rtol=1e-5, atol=1e-8)


def test_takes_images_of_any_size():
    model = kerazoo.nin_cifar(input_shape=(None, None, 3))
    for side in (24, 41):
        images = np.ones((1, side, side, 3), "float32")
        np.testing.assert_allclose(np.sum(model(images)), 1, rtol=1e-5)


def test_poolings_of_pytorchs_copy():
    model = kerazoo.nin_cifar(second_pool="avg", pool_padding="symmetric")
    names = ("cccp2", "pool1", "cccp4", "pool2")
    part = keras.Model(model.input, [model.get_layer(name).output for name in names])
    x = np.random.default_rng(0).normal(size=(1, 32, 32, 3)).astype("float32")
    one, most, two, mean = (np.asarray(y) for y in part(x, training=False))

    def windows(maps):
        maps = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
        seen = np.lib.stride_tricks.sliding_window_view(maps, (3, 3), (1, 2))
        return seen[:, ::2, ::2]

    np.testing.assert_array_equal(most, windows(one).max((-2, -1)))
    np.testing.assert_allclose(mean, windows(two).mean((-2, -1)), rtol=1e-5, atol=1e-7)
    assert mean.shape == (1, 8, 8, 192)


def test_an_average_that_rounds_up_is_refused():
    with pytest.raises(ValueError, match="give pool_padding='symmetric' with it"):
        kerazoo.nin_cifar(second_pool="avg")
