import keras
import numpy as np
import pytest

from kerazoo.layers import FusedBatchNormalization

RNG = np.random.default_rng(0)
TENSORFLOW = keras.backend.backend() == "tensorflow"


def twins(shape, **options):
    """The fused layer and Keras' own with the same random weights."""
    fused = FusedBatchNormalization(**options)
    stock = keras.layers.BatchNormalization(**options)
    for layer in (fused, stock):
        layer.build((None, *shape[1:]))
    weights = [0.5 + RNG.random(w.shape).astype("float32") for w in fused.weights]
    fused.set_weights(weights)
    stock.set_weights(weights)
    return fused, stock


@pytest.mark.parametrize(
    "shape", [(4, 5, 7, 16), (2, 1, 1, 32), (1, 1, 1, 16), (4, 5, 7, 3), (6, 5)]
)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scale": False, "momentum": 0.7},
        {"center": False, "scale": False, "epsilon": 1e-5},
        {"renorm": True},
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_equals_keras(shape, options, training):
    if training and options.get("renorm") and shape[:3] == (1, 1, 1):
        pytest.skip("renorm has no deviation of a single value")
    # Sums of a few quarters are exact, so that no small variance is all rounding.
    x = (RNG.integers(-8, 20, shape) / 4).astype("float32")
    fused, stock = twins(shape, **options)
    for _ in range(3):
        np.testing.assert_allclose(
            fused(x, training=training), stock(x, training=training), atol=1e-5
        )
    for ours, theirs in zip(fused.weights, stock.weights, strict=True):
        assert ours.path.split("/")[-1] == theirs.path.split("/")[-1]
        np.testing.assert_allclose(
            np.asarray(ours), np.asarray(theirs), rtol=1e-5, atol=1e-6
        )


@pytest.mark.skipif(not TENSORFLOW, reason="the kernel is TensorFlow's")
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}])
def test_gradients_equal_those_of_keras(training, options):
    import tensorflow as tf

    x = tf.constant(3 + 2 * RNG.normal(size=(4, 5, 6, 16)), tf.float32)
    upstream = tf.constant(RNG.normal(size=x.shape), tf.float32)
    results = []
    for layer in twins(x.shape, **options):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(upstream * layer(x, training=training))
        weights = [v.value for v in layer.trainable_variables]
        results.append(tape.gradient(total, [x, *weights]))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(not TENSORFLOW, reason="the kernel is TensorFlow's")
def test_which_cases_are_fused(monkeypatch):
    import tensorflow as tf

    def kinds(shape, **options):
        layer = FusedBatchNormalization(**options)
        layer.build(shape)
        function = tf.function(lambda x: layer(x, training=True))
        graph = function.get_concrete_function(tf.TensorSpec(shape)).graph
        return {op.type for op in graph.get_operations()}

    def devices(kind):
        return [gpu] if kind == "GPU" and gpu else []

    monkeypatch.setattr(tf.config, "list_physical_devices", devices)
    for gpu in (None, "a GPU"):
        assert "FusedBatchNormV3" in kinds((None, None, None, 16))
        assert "FusedBatchNormV3" not in kinds((None, 4, 16, 16), axis=1)
        assert "FusedBatchNormV3" not in kinds((None, 4, 4, 16), synchronized=True)
        assert "FusedBatchNormV3" not in kinds((None, 16))
        # A CPU's fused kernel is slow for such a number of channels.
        assert ("FusedBatchNormV3" in kinds((None, 4, 4, 24))) == bool(gpu)


def test_frozen_layer_runs_and_keeps_its_averages():
    x = RNG.normal(size=(4, 3, 3, 16)).astype("float32")
    fused, stock = twins(x.shape)
    fused.trainable = stock.trainable = False
    before = fused.get_weights()
    np.testing.assert_allclose(
        fused(x, training=True), stock(x, training=True), atol=1e-5
    )
    for old, new in zip(before, fused.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    x = RNG.normal(size=(4, 8, 8, 16)).astype("float32")
    fused, stock = twins(x.shape, dtype=policy)
    y, expected = fused(x, training=True), stock(x, training=True)
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    np.testing.assert_allclose(
        keras.ops.cast(y, "float32"), keras.ops.cast(expected, "float32"), atol=0.04
    )
    for ours, theirs in zip(fused.weights, stock.weights, strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=1e-3)


def test_trains_like_keras():
    x = RNG.normal(size=(16, 6, 6, 3)).astype("float32")
    labels = np.arange(16) % 2
    losses = []
    for kind in (FusedBatchNormalization, keras.layers.BatchNormalization):
        keras.utils.set_random_seed(5)
        inputs = keras.Input((6, 6, 3))
        maps = keras.layers.Conv2D(16, 3)(inputs)
        maps = keras.layers.ReLU()(kind(momentum=0.5)(maps))
        scores = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(maps))
        model = keras.Model(inputs, scores)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.1), loss)
        losses.append([float(model.train_on_batch(x, labels)) for _ in range(4)])
        losses[-1].append(model.evaluate(x, labels, verbose=0))
    np.testing.assert_allclose(*losses, rtol=1e-4)


def test_is_saved_as_keras_own(tmp_path):
    x = RNG.normal(size=(16, 6, 6, 3)).astype("float32")
    inputs = keras.Input((6, 6, 3))
    layer = FusedBatchNormalization(momentum=0.9, scale=False, name="bn")
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    twin = again.get_layer("bn")
    assert type(twin) is keras.layers.BatchNormalization
    assert twin.get_config() == layer.get_config()
    np.testing.assert_allclose(again(x), model(x), atol=1e-6)
