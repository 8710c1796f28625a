"""The seminar's small convolutional network, as its slides train it."""

import dataclasses

from kerazoo.recipes.two_layer_net_improved import RECIPE as IMPROVED

RECIPE = dataclasses.replace(
    IMPROVED,
    name="slide_cnn_b",
    networks=("slide_cnn_b",),
    source="Deep-learning seminar slides, 2017: MNIST_classifier_CNN",
    options={},
    # The network begins as the slide's weight_init says.
    initializer=None,
)
