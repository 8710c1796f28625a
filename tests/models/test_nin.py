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
