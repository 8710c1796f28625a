import keras
import numpy as np
from keras import layers

import kerazoo
from kerazoo.analysis.filters import first_filters


def test_kernels_of_the_first_convolution():
    model = kerazoo.slide_cnn_a()
    kernels = first_filters(model)
    assert kernels.shape == (3, 3, 1, 32)
    np.testing.assert_array_equal(kernels, model.get_layer("conv1").kernel)


def test_grouped_convolutions_are_convolutions():
    inputs = keras.Input((8, 8, 4))
    grouped = kerazoo.layers.GroupedConv2D(4, 3, groups=2)
    model = keras.Model(inputs, layers.Conv2D(2, 1)(grouped(inputs)))
    assert first_filters(model).shape == (3, 3, 2, 4)


def test_no_convolution_no_filters():
    assert first_filters(kerazoo.mlp_50()) is None
