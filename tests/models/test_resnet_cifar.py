import sys

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.models.resnet_cifar import resnet_cifar


def test_shortcut_a_takes_every_second_pixel_and_adds_zeros():
    model = kerazoo.resnet20_cifar()
    entry = model.get_layer("stage1_block3_relu").output
    exit = model.get_layer("stage2_block1_pad0").output
    part = keras.Model(model.input, [entry, exit])
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    x, y = part(images, training=False)
    assert y.shape == (2, 16, 16, 32)
    np.testing.assert_array_equal(y[..., :16], x[:, ::2, ::2])
    np.testing.assert_array_equal(y[..., 16:], 0)


def test_shortcut_b_projects():
    names = [layer.name for layer in kerazoo.resnet20_cifar(shortcut="B").layers]
    projections = [n for n in names if n.endswith("conv0")]
    assert projections == ["stage2_block1_conv0", "stage3_block1_conv0"]


def test_any_depth_of_the_formula():
    model = resnet_cifar(depth=8, classes=4)
    weighted = [la for la in model.layers if hasattr(la, "kernel")]
    assert len(weighted) == 8
    assert model.name == "resnet_cifar"
    assert "resnet_cifar" not in kerazoo.list_models()


@pytest.mark.parametrize("depth", [2, 18, 21])
def test_a_depth_off_the_formula_is_refused(depth):
    with pytest.raises(ValueError, match=r"must be 6n \+ 2: 8, 14, 20"):
        resnet_cifar(depth=depth)


@pytest.mark.parametrize("depth", ["20", 20.0, True])
def test_a_depth_is_a_whole_number(depth):
    with pytest.raises(ValueError, match=r"depth is .* must be a whole number from 1"):
        resnet_cifar(depth=depth)


def test_a_strange_shortcut_is_refused():
    with pytest.raises(ValueError, match="shortcut 'C'; it must be one of A, B"):
        kerazoo.resnet20_cifar(shortcut="C")


def test_builds_with_work_linear_in_depth():
    def calls(depth):
        """Calls of Python's functions, which no other process slows down."""
        count = 0

        def counted(frame, event, argument):
            nonlocal count
            count += event == "call"

        sys.setprofile(counted)
        try:
            resnet_cifar(depth=depth)
        finally:
            sys.setprofile(None)
        return count

    calls(8)
    # Four times the depth; a quadratic cost would make it sixteen.
    assert calls(128) / calls(32) < 6


def test_a_graph_deeper_than_pythons_stack_is_rebuilt():
    model = resnet_cifar(depth=308, input_shape=(8, 8, 3))  # a path of 1,071 layers
    again = keras.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    x = np.ones((1, 8, 8, 3), "float32")
    np.testing.assert_array_equal(again(x), model(x))


def test_zeros_may_stand_around_the_channels():
    model = kerazoo.resnet20_cifar(zeros="centre")
    entry = model.get_layer("stage1_block3_relu").output
    exit = model.get_layer("stage2_block1_pad0").output
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    x, y = keras.Model(model.input, [entry, exit])(images, training=False)
    np.testing.assert_array_equal(y[..., 8:24], x[:, ::2, ::2])
    np.testing.assert_array_equal(y[..., :8], 0)
    np.testing.assert_array_equal(y[..., 24:], 0)
