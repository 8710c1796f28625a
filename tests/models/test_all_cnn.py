import pytest
from keras import layers

import kerazoo


def test_nothing_but_convolutions_has_weights():
    for name in ("all_cnn_a", "all_cnn_b", "all_cnn_c"):
        model = kerazoo.create(name)
        weighted = [layer for layer in model.layers if layer.weights]
        assert all(type(layer) is layers.Conv2D for layer in weighted)


def test_tables_1_and_2():
    def rows(name):
        found = [lay for lay in kerazoo.create(name).layers if lay.weights]
        return [(c.kernel_size[0], c.filters, c.strides[0]) for c in found]

    tail = [(3, 192, 1), (1, 192, 1), (1, 10, 1)]
    assert rows("all_cnn_a") == [
        (5, 96, 1),
        (3, 96, 2),
        (5, 192, 1),
        (3, 192, 2),
        *tail,
    ]
    assert rows("all_cnn_b") == [
        *[(5, 96, 1), (1, 96, 1), (3, 96, 2)],
        *[(5, 192, 1), (1, 192, 1), (3, 192, 2)],
        *tail,
    ]
    assert rows("all_cnn_c") == [
        *[(3, 96, 1)] * 2,
        *[(3, 96, 2)],
        *[(3, 192, 1)] * 2,
        *[(3, 192, 2)],
        *tail,
    ]


@pytest.mark.parametrize(("padding", "positions"), [("valid", 6), ("same", 8)])
def test_the_average_is_over_the_positions_of_the_source(padding, positions):
    model = kerazoo.all_cnn_c(conv7_padding=padding)
    assert model.get_layer("conv9").output.shape[1:] == (positions, positions, 10)


def test_takes_larger_images_of_any_size():
    assert kerazoo.all_cnn_c(input_shape=(None, None, 1)).count_params() > 1e6


def test_unknown_padding():
    with pytest.raises(ValueError, match="conv7_padding 'full'"):
        kerazoo.all_cnn_c(conv7_padding="full")
