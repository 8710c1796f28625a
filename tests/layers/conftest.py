"""Checks that every layer goes through, on whatever backend Keras runs."""

import keras
import numpy as np
import pytest


def _gradients(layer, x, upstream, **options):
    """Gradients of `sum(layer(x) * upstream)` by x and by each trainable weight."""
    x = keras.ops.convert_to_tensor(x)
    if not layer.built:
        layer(x)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        weights = [v.value for v in layer.trainable_variables]
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(layer(x, **options) * upstream)
        dx, *dweights = tape.gradient(total, [x, *weights])
    else:
        import jax

        def total(x, weights):
            state = [v.value for v in layer.non_trainable_variables]
            y, _ = layer.stateless_call(weights, state, x, **options)
            return (y * upstream).sum()

        weights = [v.value for v in layer.trainable_variables]
        dx, dweights = jax.grad(total, argnums=(0, 1))(x, weights)
    return np.asarray(dx), [np.asarray(d) for d in dweights]


@pytest.fixture
def gradients():
    return _gradients


@pytest.fixture
def numeric_gradient():
    """Central differences of a scalar NumPy function, in float64."""

    def gradient(function, x, step=1e-4):
        x = np.array(x, "float64")
        result = np.zeros_like(x)
        for i in np.ndindex(x.shape):
            kept = x[i]
            x[i] = kept + step
            above = function(x)
            x[i] = kept - step
            result[i] = (above - function(x)) / (2 * step)
            x[i] = kept
        return result

    return gradient


@pytest.fixture
def reloaded(tmp_path):
    """Saves a layer inside a model, loads it and demands equal outputs and config."""

    def reload(layer, x):
        inputs = keras.Input(x.shape[1:])
        model = keras.Model(inputs, layer(inputs))
        path = tmp_path / "model.keras"
        model.save(path)
        loaded = keras.saving.load_model(path)
        for old, new in zip(model.weights, loaded.weights, strict=True):
            np.testing.assert_array_equal(np.asarray(old), np.asarray(new))
        np.testing.assert_array_equal(
            model.predict(x, verbose=0), loaded.predict(x, verbose=0)
        )
        twin = loaded.get_layer(layer.name)
        assert type(twin) is type(layer)
        assert twin.get_config() == layer.get_config()
        return loaded

    return reload
