import keras
import numpy as np
import pytest

from kerazoo.layers import LocalResponseNormalization

RNG = np.random.default_rng(0)


def reference(x, n=5, k=2.0, alpha=1e-4, beta=0.75, alpha_mode="sum"):
    x = np.asarray(x, "float64")
    y = np.empty_like(x)
    alpha = alpha / n if alpha_mode == "mean" else alpha
    for i in range(x.shape[-1]):
        low, high = max(0, i - n // 2), i + n // 2 + 1
        energy = (x[..., low:high] ** 2).sum(-1)
        y[..., i] = x[..., i] / (k + alpha * energy) ** beta
    return y


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 4, 5, 11])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"alpha_mode": "mean"},
        {"n": 1, "k": 1.0, "alpha": 0.5},
        {"n": 3, "beta": 0.5, "alpha": 0.3},
        {"n": 9, "beta": 1.3, "alpha": 0.1},
    ],
)
def test_equals_the_formula(channels, options, training):
    x = 30 * RNG.normal(size=(2, 3, 5, channels)).astype("float32")
    y = LocalResponseNormalization(**options)(x, training=training)
    np.testing.assert_allclose(y, reference(x, **options), rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_gradient(beta, training, gradients, numeric_gradient):
    x = RNG.normal(size=(1, 2, 1, 7)).astype("float32")
    upstream = RNG.normal(size=x.shape).astype("float32")
    options = {"alpha": 0.4, "beta": beta}
    layer = LocalResponseNormalization(**options)
    dx, _ = gradients(layer, x, upstream, training=training)
    expected = numeric_gradient(lambda x: (reference(x, **options) * upstream).sum(), x)
    np.testing.assert_allclose(dx, expected, rtol=1e-4, atol=1e-5)


def test_gradient_at_zero_is_finite(gradients):
    x = np.zeros((1, 2, 2, 4), "float32")
    dx, _ = gradients(LocalResponseNormalization(), x, np.ones_like(x))
    np.testing.assert_allclose(dx, 2**-0.75, rtol=1e-6)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_does_not_overflow(policy, training):
    x = np.full((1, 1, 1, 5), 1000.0, "float32")
    y = LocalResponseNormalization(dtype=policy)(x, training=training)
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    y = keras.ops.cast(y, "float32")
    np.testing.assert_allclose(y, reference(x), rtol=5e-3)


def test_unknown_grid_and_reload(reloaded):
    layer = LocalResponseNormalization(3, 1.0, 0.1, 0.5, "mean", name="norm")
    assert layer(keras.Input((None, None, 6))).shape == (None, None, None, 6)
    reloaded(layer, RNG.normal(size=(2, 3, 3, 6)).astype("float32"))


def test_trains_in_a_compiled_step():
    x = RNG.normal(size=(8, 4, 4, 3)).astype("float32")
    inputs = keras.Input((4, 4, 3))
    maps = LocalResponseNormalization()(keras.layers.Conv2D(6, 3)(inputs))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(maps))
    model.compile(keras.optimizers.SGD(0.5), "mse")
    losses = [model.train_on_batch(x, np.ones((8, 6), "float32")) for _ in range(20)]
    assert losses[-1] < losses[0] / 2


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a SavedModel is TensorFlow's"
)
def test_exports(tmp_path):
    import tensorflow as tf

    inputs = keras.Input((None, None, 6))
    model = keras.Model(inputs, LocalResponseNormalization()(inputs))
    model.export(tmp_path / "saved", verbose=False)
    exported = tf.saved_model.load(tmp_path / "saved")
    x = 30 * RNG.normal(size=(2, 5, 4, 6)).astype("float32")
    np.testing.assert_allclose(exported.serve(x), reference(x), rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize(
    "options", [{"n": 4}, {"n": 0}, {"n": 2.5}, {"k": 0}, {"alpha": -1}]
)
def test_bad_numbers(options):
    with pytest.raises(ValueError, match="must"):
        LocalResponseNormalization(**options)


def test_bad_mode_and_unknown_channels():
    with pytest.raises(ValueError, match="Unknown alpha_mode 'max'"):
        LocalResponseNormalization(alpha_mode="max")
    with pytest.raises(ValueError, match="known number of channels"):
        LocalResponseNormalization()(keras.Input((4, 4, None)))
