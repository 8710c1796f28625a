import pytest
from keras import activations, layers

import kerazoo


def convolutions(model):
    return [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]


@pytest.mark.parametrize(("name", "count"), [("elu11", 11), ("elu18", 19)])
def test_every_layer_but_the_last_is_an_elu(name, count):
    found = convolutions(kerazoo.create(name, input_shape=(4, 4, 3)))
    assert len(found) == count
    assert all(layer.activation is activations.elu for layer in found[:-1])
    assert found[-1].activation is activations.linear


def test_dropout_grows_from_stack_to_stack():
    rates = [la.rate for la in kerazoo.elu11().layers if isinstance(la, layers.Dropout)]
    assert rates == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_poolings_round_up():
    model = kerazoo.elu11(input_shape=(33, 33, 3))
    sides = [model.get_layer(f"stage{n}_pool").output.shape[1] for n in range(1, 7)]
    assert sides == [17, 9, 5, 3, 2, 1]
