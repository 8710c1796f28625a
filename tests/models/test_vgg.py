import keras
import numpy as np
import pytest

import kerazoo

RNG = np.random.default_rng(0)
SMALL = {"input_shape": (32, 32, 3), "classes": 3}


@pytest.mark.parametrize("name", ["VGG16", "VGG19"])
def test_equals_keras(name):
    options = {"input_shape": (32, 48, 3), "classes": 5, "classifier_activation": None}
    theirs = getattr(keras.applications, name)(weights=None, **options)
    ours = kerazoo.create(name.lower(), pool_mode="floor", **options)
    weights = [RNG.normal(0, 0.05, w.shape) for w in theirs.get_weights()]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    images = RNG.normal(size=(2, 32, 48, 3)).astype("float32")
    expected = np.asarray(theirs(images))
    error = np.abs(ours(images) - expected).max()
    assert error < 1e-4 * np.abs(expected).max(), error


def test_a_strange_lrn_alpha_mode_is_refused():
    with pytest.raises(ValueError, match="one of mean, sum"):
        kerazoo.vgg11_lrn(lrn_alpha_mode="max")
