"""A served model in the formats of other runtimes, with the same answers there."""

import importlib.util

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerazoo.data.resizing import RESIZES
from kerazoo.recipe import Recipe
from kerazoo.training import Pipeline

# Others than the network's 33x40 pixels, and the same.
SIZES = [(41, 60), (33, 40), (90, 7), (5, 5)]
# The interpreter moves to a package of its own.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:\s*Warning. tf.lite.Interpreter is deprecated:UserWarning",
    # Keras 3.15 looks for a name that NumPy 2 may define anew.
    "ignore:In the future `np.object`:FutureWarning",
)


def served(resize, normalization="standardize", channels=3):
    """An untrained network whose answers depend on every pixel, and no softmax."""
    keras.utils.set_random_seed(0)
    pipeline = Pipeline(
        network="lenet5",
        recipe=Recipe(
            resize=resize, normalization=normalization, image_shape=(33, 40, channels)
        ),
        classes=10,
        source_shape=(None, None, channels),
        mean=(120.0, 110.0, 100.0)[:channels],
        std=(60.0, 65.0, 70.0)[:channels],
    )
    model = pipeline.for_serving(pipeline.for_training())
    model.layers[-1].activation = keras.activations.linear
    return model


def images(model, size, count=2):
    shape = (count, *size, model.input_shape[-1])
    return np.random.default_rng(0).integers(0, 256, shape, "uint8")


def check(model, run, sizes=SIZES):
    for size in sizes:
        x = images(model, size)
        expected = model.predict(x, verbose=0)
        assert np.ptp(expected) > 0.1
        np.testing.assert_allclose(run(x), expected, atol=0.01 * np.ptp(expected))


def lite(content):
    """What runs a LiteRT file of any image size."""
    interpreter = tf.lite.Interpreter(model_content=content)

    def run(x):
        (into,), (out,) = (
            interpreter.get_input_details(),
            interpreter.get_output_details(),
        )
        interpreter.resize_tensor_input(into["index"], x.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(into["index"], x)
        interpreter.invoke()
        return interpreter.get_tensor(out["index"])

    return run


@pytest.mark.parametrize("resize", RESIZES)
def test_litert(tmp_path, resize):
    model = served(resize)
    path = tmp_path / "model.tflite"
    model.export(path, format="litert", verbose=False)
    check(model, lite(path.read_bytes()))


def test_litert_by_the_converter_of_tensorflow(trained):
    model = trained.model()
    check(model, lite(tf.lite.TFLiteConverter.from_keras_model(model).convert()))


def test_litert_of_one_size(tmp_path):
    """Where the image's size is fixed and the batch's is not."""
    model, path = served("pad"), tmp_path / "model.tflite"
    signature = [keras.InputSpec(shape=(None, 41, 60, 3), dtype="uint8")]
    model.export(path, format="litert", verbose=False, input_signature=signature)
    check(model, lite(path.read_bytes()), SIZES[:1])


@pytest.mark.parametrize("resize", RESIZES)
def test_saved_model(tmp_path, resize):
    model = served(resize)
    model.export(tmp_path / "model", format="tf_saved_model", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "model")
    check(model, lambda x: loaded.serve(x).numpy())


def onnx(model, path):
    """What runs the ONNX file that the model is exported to."""
    import onnxruntime

    # Keras exports to ONNX what has been called.
    model(images(model, (1, 1)))
    model.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path)
    # Constants that became inputs would have to be given, too.
    (one,) = session.get_inputs()
    return lambda x: session.run(None, {one.name: x})[0]


needs_onnx = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("onnx", "onnxruntime", "tf2onnx"))),
    reason="onnx, onnxruntime or tf2onnx is not installed; the extra `bench` has them",
)


@needs_onnx
@pytest.mark.parametrize("resize", RESIZES)
def test_onnx(tmp_path, resize):
    model = served(resize)
    check(model, onnx(model, str(tmp_path / "model.onnx")))


@needs_onnx
@pytest.mark.parametrize("kind", ["mean", "gcn", "minus_one_one"])
def test_onnx_with_another_normalization(tmp_path, kind):
    model = served("bilinear", kind, channels=1)
    check(model, onnx(model, str(tmp_path / "model.onnx")))


@needs_onnx
def test_onnx_of_a_run(trained, tmp_path):
    model = trained.model()
    check(model, onnx(model, str(tmp_path / "model.onnx")))
