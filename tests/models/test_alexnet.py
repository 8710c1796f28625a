import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.layers import GroupedConv2D


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def small(**options):
    return kerazoo.alexnet(input_shape=(67, 67, 3), classes=3, **options)


def test_norm_order():
    first = "LocalResponseNormalization", "CeilMaxPooling2D"
    paper, slides = kinds(small()), kinds(small(norm_order="pool_norm"))
    assert tuple(paper[2:4]) == first
    assert tuple(slides[2:4]) == first[::-1]


def test_the_paper_s_towers():
    model = small(groups=2)
    grouped = [x.name for x in model.layers if isinstance(x, GroupedConv2D)]
    assert grouped == ["conv2", "conv4", "conv5"]


def test_initialisation_of_section_5():
    keras.utils.set_random_seed(1)
    model = small()
    ones = {"conv2", "conv4", "conv5", "fc6", "fc7"}
    for layer in model.layers:
        if layer.weights and layer.name != "predictions":
            kernel, bias = layer.get_weights()
            assert abs(kernel.std() - 0.01) < 0.001, layer.name
            assert (bias == (layer.name in ones)).all(), layer.name
    # A shared initialiser would give layers of one shape the same numbers.
    wide = kerazoo.alexnet(input_shape=(67, 67, 3), include_top=False)
    again = kerazoo.alexnet(input_shape=(67, 67, 3), include_top=False)
    assert not np.array_equal(
        wide.get_layer("conv3").get_weights()[0],
        again.get_layer("conv3").get_weights()[0],
    )


@pytest.mark.parametrize("option", ["norm_order", "lrn_alpha_mode"])
def test_an_option_s_value_must_exist(option):
    with pytest.raises(ValueError, match="neither"):
        small(**{option: "neither"})
