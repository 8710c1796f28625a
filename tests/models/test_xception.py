import keras
import numpy as np

import kerazoo

RNG = np.random.default_rng(0)


def twins(model):
    """Our layers' names, and the layers of keras.applications.Xception."""
    found = {}
    convolutions = (la for la in model.layers if isinstance(la, keras.layers.Conv2D))
    shortcuts = [la for la in convolutions if la.kernel_size == (1, 1)]
    widths = {la.filters: la for la in shortcuts}
    for layer in model.layers:
        own = layer.name.replace("sepconv", "conv")
        if layer.name.startswith("block"):
            if own.endswith("_bn"):
                own = own.removesuffix("_bn").replace("conv", "bn")
            found[own] = layer
        elif isinstance(layer, keras.layers.BatchNormalization):
            # Keras leaves the shortcuts unnamed; each has a width of its own.
            block = {128: 2, 256: 3, 728: 4, 1024: 13}[layer.gamma.shape[0]]
            found[f"block{block}_bn0"] = layer
            found[f"block{block}_conv0"] = widths[layer.gamma.shape[0]]
    return found | {"predictions": model.get_layer("predictions")}


def test_equals_keras():
    size = (83, 97, 3)  # odd grids, on which pooling and shortcut must meet
    options = {"input_shape": size, "classes": 5, "classifier_activation": None}
    ours = kerazoo.xception(**options)
    theirs = keras.applications.Xception(weights=None, **options)
    twin = twins(theirs)
    for layer in ours.layers:
        if weights := layer.get_weights():
            if isinstance(layer, keras.layers.BatchNormalization):
                weights = [w + RNG.uniform(0.1, 0.6, w.shape) for w in weights]
            layer.set_weights(weights)
            twin[layer.name].set_weights(weights)
    assert ours.count_params() == theirs.count_params()
    images = RNG.normal(size=(2, *size)).astype("float32")
    expected = np.asarray(theirs(images, training=False))
    error = np.abs(ours(images, training=False) - expected).max()
    assert error < 1e-4 * np.abs(expected).max(), error


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
