import keras
import numpy as np
import pytest

import kerazoo
from kerazoo import recipes


def rates(**options):
    model = kerazoo.mlp_deep5(**options)
    return {la.name: la.rate for la in model.layers if hasattr(la, "rate")}


def test_dropout_of_every_layer_or_of_each():
    assert rates() == dict.fromkeys(("drop1", "drop2", "drop3", "drop4"), 0.3)
    # The slides' p = 0, 0, 0.5, 0, 0.25, of which the first is that of the pixels.
    assert rates(dropout=(0, 0, 0.5, 0, 0.25)) == {"drop2": 0.5, "drop4": 0.25}
    assert rates(dropout=(0, 0.5, 0, 0.25)) == {"drop2": 0.5, "drop4": 0.25}
    assert rates(dropout=(0.1, 0, 0.5, 0, 0)) == {"drop0": 0.1, "drop2": 0.5}
    options = kerazoo.find("mlp_deep5").parse_options({"dropout": "0,0.5,0,0.25"})
    assert rates(**options) == {"drop2": 0.5, "drop4": 0.25}


@pytest.mark.parametrize("dropout", [(0.1, 0.2), (), [0.1] * 6])
def test_a_share_for_every_hidden_layer(dropout):
    with pytest.raises(ValueError, match="for 4 hidden layers; give one for each"):
        kerazoo.mlp_deep5(dropout=dropout)


@pytest.mark.parametrize("dropout", ["many", (1.0, 0, 0, 0), None, {}, True])
def test_shares_are_numbers_below_one(dropout):
    with pytest.raises(ValueError, match=r"dropout is .* or a list of numbers"):
        kerazoo.mlp_deep5(dropout=dropout)


def test_batch_norm_stands_before_the_activation():
    model = kerazoo.mlp_50(batch_norm=True, activation="relu")
    names = [layer.name for layer in model.layers]
    assert names[2:] == ["hidden1", "bn1", "relu1", "predictions"]


@pytest.mark.parametrize(
    "network", ["mlp_50", "mlp_256", "mlp_deep5", "lenet5", "slide_cnn_a"]
)
def test_the_activation_is_that_of_every_hidden_layer(network):
    model = kerazoo.create(network, activation="elu")
    *hidden, scores = [la for la in model.layers if hasattr(la, "kernel")]
    assert {la.activation for la in hidden} == {keras.activations.elu}
    assert scores.activation is keras.activations.softmax


@pytest.mark.parametrize("network", ["mlp_50", "lenet5", "slide_cnn_a", "slide_cnn_b"])
def test_unknown_activations_are_refused(network):
    with pytest.raises(ValueError, match="'leaky_rleu'; did you mean leaky_relu"):
        kerazoo.create(network, activation="leaky_rleu")


def test_slide_cnn_b_with_another_activation():
    names = {la.name: la for la in kerazoo.slide_cnn_b(activation="tanh").layers}
    acts = [names[f"act{number}"].activation for number in (1, 2, 3)]
    assert acts == [keras.activations.tanh] * 3
    assert not {"relu1", "relu2", "relu3"} & names.keys()


def test_the_slides_two_nets_by_the_recipes_names():
    first = recipes.for_network("mlp_50", "paper")
    assert first.name == "two_layer_net"
    assert (first.initializer, first.loss) == ("uniform:0:1", "binary_crossentropy")
    improved = recipes.find("two_layer_net_improved")
    model = kerazoo.create("mlp_50", **improved.options)
    assert any(isinstance(la, keras.layers.BatchNormalization) for la in model.layers)
    assert 60_000 * improved.validation == pytest.approx(500)


def test_slide_cnn_b_starts_as_its_slide_says():
    keras.utils.set_random_seed(1)
    for layer in kerazoo.slide_cnn_b().layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            assert 0 < np.std(layer.gamma) < 0.05
            assert np.mean(layer.gamma) == pytest.approx(1, abs=0.02)
            assert (layer.epsilon, layer.momentum) == (1e-5, 0.9)
        elif layer.weights:
            assert np.std(layer.kernel) == pytest.approx(0.02, rel=0.15), layer.name
            assert not np.any(layer.bias)
