import keras
import numpy as np
import pytest

import kerazoo

RNG = np.random.default_rng(0)


def test_equals_keras_with_its_conv_biases_folded():
    size = (65, 96, 3)  # an odd side shows on which side a stride pads
    theirs = keras.applications.ResNet50(
        weights=None, input_shape=size, classes=7, classifier_activation=None
    )
    ours = kerazoo.resnet50(input_shape=size, classes=7, classifier_activation=None)

    def name(convolution):
        if convolution == "stem_conv1":
            return "conv1"
        stage, block, number = convolution.split("_")
        stage = int(stage.removeprefix("stage")) + 1
        return f"conv{stage}_{block}_{number.removeprefix('conv')}"

    for layer in ours.layers:
        if isinstance(layer, keras.layers.Conv2D):
            twin = name(layer.name)
            kernel, _ = theirs.get_layer(f"{twin}_conv").get_weights()
            width = kernel.shape[-1]
            bias, gamma, beta, mean = RNG.uniform(-0.5, 0.5, (4, width))
            variance = RNG.uniform(0.5, 1.5, width)
            theirs.get_layer(f"{twin}_conv").set_weights([kernel, bias])
            norm = theirs.get_layer(f"{twin}_bn")
            norm.set_weights([1 + gamma, beta, mean, variance])
            layer.set_weights([kernel])
            own = ours.get_layer(layer.name.replace("conv", "bn"))
            # bn(x + bias) is the bn of x whose mean is lower by the bias.
            own.set_weights([1 + gamma, beta, mean - bias, variance])
            own.epsilon = norm.epsilon
    top = theirs.get_layer("predictions").get_weights()
    ours.get_layer("predictions").set_weights(top)
    assert ours.count_params() < theirs.count_params()  # the biases, and nothing else

    images = RNG.normal(size=(2, *size)).astype("float32")
    expected = np.asarray(theirs(images, training=False))
    error = np.abs(ours(images, training=False) - expected).max()
    assert error < 1e-4 * np.abs(expected).max(), error


def test_stride_in_moves_the_stride():
    v1, v15 = (
        kerazoo.resnet50(
            input_shape=(64, 64, 3), include_top=False, stride_in=stride_in
        )
        for stride_in in ("1x1", "3x3")
    )
    for stage in (2, 3, 4):
        names = [f"stage{stage}_block1_conv{n}" for n in (1, 2)]
        assert [v1.get_layer(n).strides for n in names] == [(2, 2), (1, 1)]
        assert [v15.get_layer(n).strides for n in names] == [(1, 1), (2, 2)]


@pytest.mark.parametrize("name", ["resnet50", "preresnet50", "preresnet164_cifar"])
def test_a_strange_stride_in_is_refused(name):
    with pytest.raises(ValueError, match="'7x7'; it must be one of 1x1, 3x3"):
        kerazoo.create(name, stride_in="7x7")
