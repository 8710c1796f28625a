import numpy as np
import pytest

import kerazoo
from kerazoo.layers import digit_codewords


def test_published_count():
    assert kerazoo.lenet5_original().count_params() == 60_000


def test_the_nearest_target_wins():
    """A network whose F6 draws a digit's target gives that digit the best score."""
    model = kerazoo.lenet5_original(classifier_activation=None)
    f6 = model.get_layer("f6")
    for digit, codeword in enumerate(digit_codewords()):
        # scaled_tanh(a) = 1 where 1.7159 * tanh(2a / 3) = 1.
        bias = np.array(codeword) * 1.5 * np.arctanh(1 / 1.7159)
        f6.set_weights([np.zeros((120, 84)), bias])
        scores = model(np.zeros((1, 32, 32, 1)), training=False)[0].numpy()
        assert scores.argmax() == digit
        np.testing.assert_allclose(scores[digit], 0, atol=1e-4)
        assert (np.delete(scores, digit) < -8).all()


def test_readings_of_the_taught_network():
    model = kerazoo.lenet5(pool="avg", activation="tanh")
    assert type(model.get_layer("pool2")).__name__ == "AveragePooling2D"
    assert model.get_layer("fc6").activation.__name__ == "tanh"
    with pytest.raises(ValueError, match=r"Unknown pool .sum.*avg, max"):
        kerazoo.lenet5(pool="sum")


def test_images_that_are_not_padded():
    model = kerazoo.lenet5(padding="valid")
    assert model.count_params() == 44_426
    assert model.get_layer("conv5").output.shape == (None, 1, 1, 120)


def test_caffes_convolutions_are_linear():
    model = kerazoo.lenet_caffe()
    kinds = {
        layer.name: layer.activation.__name__
        for layer in model.layers
        if hasattr(layer, "kernel")
    }
    assert kinds == {
        "conv1": "linear",
        "conv2": "linear",
        "fc3": "relu",
        "predictions": "softmax",
    }
