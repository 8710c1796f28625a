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
