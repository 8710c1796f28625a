import keras
import numpy as np
import pytest
from keras import layers

import kerazoo

SMALL = {"input_shape": (8, 8, 3), "classes": 3}


def features(model, name, image):
    tensor = model.get_layer(name).output
    return np.array(keras.Model(model.input, tensor)(image, training=False))


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        ("relu", lambda x: np.maximum(x, 0)),
        ("vlrelu", lambda x: np.where(x > 0, x, x / 3)),
        ("tanh", np.tanh),
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
        ("maxout", lambda x: np.maximum(x[..., :32], x[..., 32:])),
    ],
)
def test_activations(activation, function):
    model = kerazoo.fitnet4(activation=activation, **SMALL)
    image = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    before = features(model, "stage1_conv1", image)
    after = features(model, "stage1_act1", image)
    np.testing.assert_allclose(after, function(before), atol=1e-6)


def test_pieces():
    model = kerazoo.fitnet4(conv_pieces=3, fc_pieces=4, **SMALL)
    assert model.get_layer("stage1_conv1").filters == 96
    assert model.get_layer("fc1").units == 2000


def test_shortcuts_add_the_input_of_every_pair():
    model = kerazoo.fitresnet4(**SMALL)
    sums = [layer for layer in model.layers if isinstance(layer, layers.Add)]
    assert len(sums) == 8
    for layer in model.layers:
        if layer.name.startswith("stage2_conv") and hasattr(layer, "kernel"):
            layer.kernel.assign(layer.kernel * 0)
    image = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    before = features(model, "stage2_pool", image)
    after = features(model, "stage2_conv6_add", image)
    np.testing.assert_array_equal(after[..., :48], before)
    np.testing.assert_array_equal(after[..., 48:], 0)


def test_unknown_activation():
    with pytest.raises(ValueError, match="activation 'rleu'; did you mean"):
        kerazoo.fitnet4(activation="rleu")
