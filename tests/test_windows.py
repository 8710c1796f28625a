import itertools

import keras
import pytest
from keras import layers

import kerazoo


def made(*steps, size):
    x = inputs = keras.Input((*size, 1))
    for step in steps:
        x = step(x)
    return keras.Model(inputs, x).output_shape[1:3]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, (3, 1)])
def test_as_keras_has_it(stride, padding):
    for size, kernel in itertools.product([(9, 12), (16, 7)], [1, 3, (5, 2)]):
        convolution = layers.Conv2D(1, kernel, stride, padding)
        pooling = layers.MaxPooling2D(kernel, stride, padding)
        sizes = kerazoo.output_size(size, kernel, stride, padding)
        assert made(convolution, size=size) == sizes
        assert made(pooling, size=size) == sizes


@pytest.mark.parametrize("padding", [1, 2, (0, 3)])
def test_padding_and_dilation_as_keras_has_them(padding):
    pads = layers.ZeroPadding2D(padding)
    for kernel, stride, dilation in [(3, 2, 1), (4, 3, 1), (3, 1, 2), ((2, 3), 1, 3)]:
        convolution = layers.Conv2D(1, kernel, stride, dilation_rate=dilation)
        assert made(pads, convolution, size=(11, 14)) == kerazoo.output_size(
            (11, 14), kernel, stride, padding, dilation
        )


def test_rounding_up_keeps_the_window_that_sticks_out():
    for size, kernel, stride, padding in itertools.product(
        range(3, 12), (2, 3), (1, 2, 3, 4), (0, 1)
    ):
        begins = range(-padding, size + padding, stride)
        whole = [one for one in begins if one + kernel <= size + padding]
        beyond = [one for one in begins if one == whole[-1] + stride and one < size]
        sticks_out = whole[-1] + kernel < size + padding and beyond
        given = size, kernel, stride, padding
        assert kerazoo.output_size(*given) == len(whole)
        up = kerazoo.output_size(*given, rounding="ceil")
        assert up == len(whole) + bool(sticks_out)
        if not padding and stride <= kernel:
            layer = kerazoo.layers.CeilMaxPooling2D(kernel, stride)
            assert made(layer, size=(size, size)) == (up, up)


def test_one_number_gives_one_and_a_pair_a_pair():
    assert kerazoo.output_size(32, 5) == 28
    assert kerazoo.output_size(28, 2, 2) == 14
    assert kerazoo.output_size((227, 300), 11, 4) == (55, 73)
    assert kerazoo.output_size(5, (3, 1)) == (3, 5)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"size": 4, "kernel": 5}, "kernel is 5 on a size of 4 where it has no place"),
        ({"size": 1, "kernel": 5, "padding": 1}, "of 1, 3 with its padding, where"),
        ({"size": (8, 4), "kernel": 5}, "on a size of 4 where"),
        ({"size": 4, "kernel": 3, "dilation": 2}, "is 3, 5 with its dilation, on"),
        ({"size": 4, "kernel": 3, "padding": "full"}, "padding is 'full'"),
        ({"size": 4, "kernel": 3, "rounding": "up"}, "rounding"),
    ],
)
def test_what_has_no_place_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        kerazoo.output_size(**given)
