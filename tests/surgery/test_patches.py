import keras
import numpy as np
import pytest
from keras import layers

import kerazoo
from kerazoo.analysis.gradients import value_and_gradient
from kerazoo.layers import CeilMaxPooling2D, PaddedMaxPooling2D
from kerazoo.surgery.graph import Graph
from kerazoo.surgery.patches import patch


def ones(filters, size, **options):
    return layers.Conv2D(filters, size, kernel_initializer="ones", **options)


# Layers in whose chain every pixel that is seen has a gradient above zero.
CHAINS = {
    "valid": [ones(1, 3), layers.AveragePooling2D(2), ones(1, (3, 1))],
    "same": [
        ones(1, 5, padding="same", strides=2),
        layers.AveragePooling2D(3, 2, padding="same"),
        ones(1, 3, padding="same", dilation_rate=2),
    ],
    "padded": [
        layers.ZeroPadding2D(((2, 1), (1, 3))),
        ones(1, 4, strides=3),
        layers.Cropping2D(((1, 0), (0, 1))),
    ],
    "up": [
        layers.AveragePooling2D(2),
        layers.UpSampling2D(2),
        layers.Conv2DTranspose(1, 3, 2, kernel_initializer="ones", padding="same"),
        layers.AveragePooling2D(2),
    ],
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_patch_is_where_there_is_a_gradient(name):
    x = inputs = keras.Input((21, 18, 1))
    for layer in CHAINS[name]:
        x = type(layer).from_config(layer.get_config())(x)
    model = keras.Model(inputs, x)
    graph, last = Graph(model), model.layers[-1].name
    image = np.zeros((1, 21, 18, 1), "float32")
    rows, columns = x.shape[1:3]
    for position in ((0, 0), (rows // 2, columns // 2), (rows - 1, columns - 1)):
        row, column = position
        _, slope = value_and_gradient(
            lambda one, y=row, x=column: model(one)[0, y, x, 0], image
        )
        there = np.argwhere(slope[0, ..., 0] > 0)
        expected = (*there.min(0), *(there.max(0) + 1))
        found = patch(graph, last, position)
        assert found == pytest.approx(expected), position


@pytest.mark.parametrize(
    ("pooling", "position", "expected"),
    [
        (CeilMaxPooling2D(3, 2), (0, 0), (0, 0, 3, 3)),
        (CeilMaxPooling2D(3, 2), (3, 3), (6, 6, 8, 8)),
        (PaddedMaxPooling2D(3, 2), (0, 0), (0, 0, 2, 2)),
        (PaddedMaxPooling2D(3, 2), (1, 2), (1, 3, 4, 6)),
    ],
)
def test_a_patch_of_other_poolings(pooling, position, expected):
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, pooling(inputs))
    assert patch(Graph(model), pooling.name, position) == expected


def test_within_the_image_it_is_as_large_as_the_ledger_says():
    model = kerazoo.resnet20_cifar(input_shape=(128, 128, 3))
    graph = Graph(model)
    for row in kerazoo.ledger(model).rows:
        # Of later layers the field is larger than the image.
        if row.receptive_field and row.name.startswith(("conv", "stage1", "stage2")):
            middle = row.shape[0] // 2, row.shape[1] // 2
            top, left, bottom, right = patch(graph, row.name, middle)
            assert (bottom - top, right - left) == row.receptive_field, row.name
    whole = patch(graph, "head_pool", (0, 0))
    assert whole == (0, 0, 128, 128)
