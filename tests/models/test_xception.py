import keras
import numpy as np

import kerazoo

RNG = np.random.default_rng(0)


def test_dropout_is_an_option():
    names = [la.name for la in kerazoo.xception(dropout=0).layers]
    assert "head_dropout" not in names


def test_pytorchs_reading():
    options = {"input_shape": (71, 71, 3), "classes": 3}
    model = kerazoo.xception(**options, pool_padding="symmetric", bn_epsilon=1e-5)
    norms = [la for la in model.layers if "_bn" in la.name]
    assert {la.epsilon for la in norms} == {1e-5}
    plain = kerazoo.xception(**options)
    plain.set_weights(model.get_weights())
    pools = [f"block{number}_pool" for number in (2, 3, 4, 13)]
    parts = [
        keras.Model(one.input, [one.get_layer(name).output for name in pools])
        for one in (model, plain)
    ]
    assert parts[0].output_shape == parts[1].output_shape
    for one in (model, plain):
        for layer in one.layers:
            if "_bn" in layer.name:
                layer.epsilon = 1e-5
    # The first grid to be pooled has 33 rows, the next 17, then 9 and 5: all are odd.
    images = RNG.normal(size=(1, 71, 71, 3)).astype("float32")
    for found, other in zip(*(part(images) for part in parts), strict=True):
        np.testing.assert_allclose(found, other, atol=1e-5)
