import importlib.util
import os
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import kerazoo
from kerazoo import data, precision
from kerazoo.serving import compiled, openvino_engine

RNG = np.random.default_rng(0)
NETWORKS = ("lenet5", "resnet20_cifar", "fractalnet20", "dsn", "enet_encoder")


def images(model, count):
    return RNG.normal(size=(count, *model.input_shape[1:])).astype("float32")


def with_statistics(model):
    """Batch norms of a network that has seen images, which folding must respect."""
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.moving_mean.assign(RNG.normal(size=layer.moving_mean.shape))
            layer.moving_variance.assign(RNG.uniform(1, 2, layer.moving_mean.shape))
    return model


@pytest.fixture
def bfloat16(monkeypatch):
    """A CPU that has it, for whom ``auto`` is another precision than float32."""
    monkeypatch.setattr(precision, "cpu_flags", lambda: {"avx512_bf16"})


@pytest.mark.parametrize("engine", ["keras", "openvino"])
@pytest.mark.parametrize("network", NETWORKS)
def test_equals_predict_on_batch(network, engine):
    keras.utils.set_random_seed(0)
    model = with_statistics(kerazoo.create(network))
    # XLA would take seconds for what is computed twice.
    model.jit_compile = False
    predict = kerazoo.predictor(model, precision="float32", engine=engine)
    for count in (1, 5):
        x = images(model, count)
        expected, given = model.predict_on_batch(x), predict(x)
        keras.tree.assert_same_structure(expected, given)
        keras.tree.map_structure(
            lambda e, g: np.testing.assert_allclose(g, e, rtol=1e-4, atol=1e-5),
            expected,
            given,
        )


def test_auto_is_close():
    keras.utils.set_random_seed(0)
    model = kerazoo.resnet20_cifar(classifier_activation=None)
    x = images(model, 4)
    expected = model.predict_on_batch(x)
    for engine in ("auto", "keras"):
        error = np.abs(kerazoo.predictor(model, engine=engine)(x) - expected).max()
        assert error < 0.03 * np.abs(expected).max(), engine


@pytest.fixture
def compiled_by(monkeypatch):
    """The names of the engines that compile."""
    names = []
    for name in ("_by_openvino", "_by_tensorflow"):
        real = getattr(compiled, name)

        def note(*arguments, name=name, real=real, **options):
            names.append(name.removeprefix("_by_"))
            return real(*arguments, **options)

        monkeypatch.setattr(compiled, name, note)
    return names


def test_auto_is_openvino_in_bfloat16(bfloat16, compiled_by, monkeypatch):
    model = kerazoo.lenet5()
    kerazoo.predictor(model)
    kerazoo.predictor(model, precision="float32")
    kerazoo.predictor(model, engine="keras")
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n: None if n == "openvino" else real(n)
    )
    kerazoo.predictor(model)
    assert compiled_by == ["openvino", *["tensorflow"] * 3]


def test_boxes_keep_all_their_digits(bfloat16, compiled_by):
    kerazoo.predictor(kerazoo.yolo_mini())
    assert compiled_by == ["tensorflow"]


@keras.saving.register_keras_serializable("tests")
class Gamma(layers.Layer):
    """OpenVINO has no such operation."""

    def call(self, x):
        return tf.math.lgamma(x)


def test_what_openvino_cannot(bfloat16):
    entry = keras.Input((4,))
    sums = layers.Dense(3, kernel_initializer="ones")(entry)
    model = keras.Model(entry, Gamma()(sums), name="odd")
    with pytest.raises(
        ValueError, match=r"does not run odd; .*the layer gamma .Gamma. has"
    ):
        kerazoo.predictor(model, engine="openvino")
    with pytest.warns(UserWarning, match="Keras predicts with odd") as said:
        predict = kerazoo.predictor(model)
    assert said[0].filename == __file__
    x = RNG.uniform(1, 2, (2, 4)).astype("float32")
    np.testing.assert_allclose(predict(x), model.predict_on_batch(x), rtol=0.05)


def test_other_answers_are_found(bfloat16, monkeypatch):
    real = openvino_engine.formats.to_openvino

    def wrong(model):
        return real(keras.models.clone_model(model))

    monkeypatch.setattr(openvino_engine.formats, "to_openvino", wrong)
    with pytest.raises(ValueError, match="does not say what lenet5 says"):
        kerazoo.predictor(kerazoo.lenet5(), engine="openvino")


def test_a_served_model_takes_raw_images_of_any_size(trained):
    model = trained.model()
    predict = kerazoo.predictor(model, precision="float32")
    for size in (8, 13):
        x = RNG.integers(0, 255, (2, size, size, 1), "uint8")
        np.testing.assert_allclose(predict(x), model.predict_on_batch(x), atol=1e-5)


@pytest.mark.parametrize("engine", ["keras", "openvino"])
@pytest.mark.parametrize("members", [1, 2])
def test_images_are_resized_in_full_precision(members, engine):
    """Where ``auto`` is bfloat16, which does not tell 255 values apart."""
    raw = keras.Input((None, None, 3), dtype="uint8", name="raw")
    means = []
    for number in range(members):
        x = data.resizer((24 + number, 30), "bilinear", 3, name=f"resize{number}")(raw)
        x = layers.Rescaling(1.0, dtype="float32", name=f"member{number}_resized")(x)
        means.append(layers.AveragePooling2D(2)(x))
    x = RNG.integers(0, 255, (2, 41, 60, 3), "uint8")
    model = keras.Model(raw, means)
    expected = model.predict_on_batch(x)
    given = kerazoo.predictor(model, engine=engine)(x)
    # OpenVINO adds in bfloat16 too; a resizing in it would be off by whole levels.
    rounding = {"keras": 0, "openvino": 2**-8}[engine]
    for e, g in zip(expected, given, strict=True):
        np.testing.assert_allclose(g, e, rtol=rounding)


def test_several_inputs():
    one, two = keras.Input((4,), name="one"), keras.Input((4,), name="two")
    model = keras.Model([one, two], layers.Dense(3)(layers.Add()([one, two])))
    x = [RNG.normal(size=(2, 4)).astype("float32") for _ in range(2)]
    np.testing.assert_allclose(
        kerazoo.predictor(model, precision="float32")(x),
        model.predict_on_batch(x),
        rtol=1e-5,
    )


@pytest.mark.parametrize(
    "options",
    [
        {"engine": "keras", "largest_constant": 0},
        {"engine": "keras"},
        {"engine": "openvino"},
        {"engine": "openvino", "precision": "float32"},
    ],
)
def test_later_training_does_not_reach_it(options):
    model = kerazoo.lenet5()
    predict = kerazoo.predictor(model, **options)
    x = images(model, 2)
    before = predict(x)
    for weight in model.weights:
        weight.assign(weight + 1)
    np.testing.assert_array_equal(predict(x), before)
    assert np.abs(kerazoo.predictor(model, **options)(x) - before).max() > 0.01


def test_the_kernels_are_constants():
    """As many as asked for, and no bias, of which TensorFlow would make an addition."""
    model = kerazoo.mlp_256()
    kernels = [w.shape for w in model.weights if len(w.shape) == 2]

    def constants(**options):
        seen = []
        real = tf.convert_to_tensor

        def note(value, *rest, **more):
            if isinstance(value, np.ndarray) and not tf.executing_eagerly():
                seen.append(value.shape)
            return real(value, *rest, **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tf, "convert_to_tensor", note)
            kerazoo.predictor(model, engine="keras", **options)(images(model, 1))
        return seen

    assert constants() == kernels
    few = [shape for shape in kernels if np.prod(shape) <= 256 * 10]
    assert 0 < len(few) < len(kernels)
    assert constants(largest_constant=256 * 10) == few


def test_options_are_put_back():
    before = tf.config.optimizer.get_experimental_options()
    model = kerazoo.lenet5()
    predict, x = kerazoo.predictor(model), images(model, 1)
    threads = [threading.Thread(target=predict, args=(x,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = tf.config.optimizer.get_experimental_options()
    name = "auto_mixed_precision_onednn_bfloat16"
    assert after.pop(name, False) == before.pop(name, False)
    assert after == before


def test_wrong_arguments():
    with pytest.raises(ValueError, match="Unknown precision 'mixed_float16'"):
        kerazoo.predictor(kerazoo.lenet5(), precision="mixed_float16")

    class Subclassed(keras.Model):
        pass

    with pytest.raises(ValueError, match="functional"):
        kerazoo.predictor(Subclassed())
    with pytest.raises(ValueError, match="yolo_mini is a detector"):
        kerazoo.predictor(kerazoo.yolo_mini(), engine="openvino")


def test_openvino_is_an_extra(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n: None if n == "openvino" else real(n)
    )
    with pytest.raises(ValueError, match="openvino, which is not installed"):
        kerazoo.predictor(kerazoo.lenet5(), engine="openvino")


def test_other_backends():
    code = """
import keras, numpy as np, kerazoo
assert keras.backend.backend() == "jax"
model = kerazoo.lenet5()
x = np.ones((2, *model.input_shape[1:]), "float32")
given = kerazoo.predictor(model)(x)
assert np.allclose(given, model.predict_on_batch(x), atol=1e-6)
try:
    kerazoo.predictor(model, engine="openvino")
except ValueError as error:
    assert "Keras runs on jax" in str(error), error
else:
    raise AssertionError("OpenVINO without TensorFlow")
"""
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
