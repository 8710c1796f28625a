"""PReLU and spatial dropout by fewer operations: what Keras gives, sooner."""

import keras
import numpy as np
import pytest

from kerazoo.layers.fast_paths import FusedPReLU, FusedSpatialDropout2D

TENSORFLOW = keras.backend.backend() == "tensorflow"
RNG = np.random.default_rng(0)
SHAPE = (3, 4, 5, 6)


def twins(**options):
    """A fast layer and Keras' own with the same slopes, some of them over 1."""
    layers = [FusedPReLU(**options), keras.layers.PReLU(**options)]
    for layer in layers:
        layer.build(SHAPE)
    slopes = RNG.uniform(-0.5, 1.5, layers[0].alpha.shape)
    for layer in layers:
        layer.alpha.assign(slopes)
    return layers


def call(layer, x, training):
    # Keras' own does not ask whether it is training.
    return layer(x, training=training) if type(layer) is FusedPReLU else layer(x)


@pytest.mark.skipif(not TENSORFLOW, reason="other backends run Keras' own code")
@pytest.mark.parametrize("shared_axes", [None, (1, 2), (1,), (3,)])
@pytest.mark.parametrize("training", [True, False])
def test_values_and_gradients_are_those_of_keras(shared_axes, training):
    import tensorflow as tf

    x = RNG.normal(size=SHAPE).astype("float32")
    upstream = RNG.normal(size=SHAPE).astype("float32")
    found = []
    for layer in twins(shared_axes=shared_axes):
        given = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(given)
            y = call(layer, given, training)
            total = tf.reduce_sum(y * upstream)
        found.append([y, *tape.gradient(total, [given, layer.alpha.value])])
    for ours, keras_own in zip(*found, strict=True):
        np.testing.assert_allclose(ours, keras_own, rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(not TENSORFLOW, reason="other backends run Keras' own code")
def test_half_as_many_operations():
    import tensorflow as tf

    def operations(layer):
        @tf.function
        def step(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = call(layer, x, True)
            return tape.gradient(y, [x, layer.alpha.value])

        graph = step.get_concrete_function(tf.TensorSpec((None, *SHAPE[1:]))).graph
        heavy = {"Relu", "Neg", "Mul", "Sub", "AddV2", "AddN", "ReluGrad", "Sum"}
        heavy |= {"SelectV2", "Greater", "Minimum"}
        return sum(op.type in heavy for op in graph.get_operations())

    fast, keras_own = map(operations, twins(shared_axes=(1, 2)))
    assert 2 * fast <= keras_own + 2, (fast, keras_own)


@pytest.mark.parametrize("training", [True, False])
def test_the_same_maps_are_dropped(training):
    x = RNG.normal(size=SHAPE).astype("float32")
    ours = FusedSpatialDropout2D(0.4, seed=3)(x, training=training)
    keras_own = keras.layers.SpatialDropout2D(0.4, seed=3)(x, training=training)
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(ours), keras.ops.convert_to_numpy(keras_own)
    )


@pytest.mark.parametrize(
    "fast, plain",
    [
        (FusedPReLU(shared_axes=(1, 2)), keras.layers.PReLU),
        (FusedSpatialDropout2D(0.3), keras.layers.SpatialDropout2D),
    ],
    ids=["PReLU", "SpatialDropout2D"],
)
def test_is_saved_as_keras_own(tmp_path, fast, plain):
    inputs = keras.Input(SHAPE[1:])
    keras.Model(inputs, fast(inputs)).save(tmp_path / "model.keras")
    (_, layer) = keras.saving.load_model(tmp_path / "model.keras").layers
    assert type(layer) is plain
    assert layer.get_config() == fast.get_config()
