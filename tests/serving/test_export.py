"""Networks for other programs: each file is run here by the program that it is for."""

import dataclasses
import json
import pathlib
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import kerazoo
from kerazoo import data
from kerazoo.layers import (
    CeilMaxPooling2D,
    GroupedConv2D,
    LocalResponseNormalization,
    Maxout,
    MaxPoolingWithIndices2D,
    MaxUnpooling2D,
)
from kerazoo.recipe import Recipe
from kerazoo.serving import comparison, export, formats
from kerazoo.surgery.join import joined
from kerazoo.training import Pipeline

RNG = np.random.default_rng(0)
PATHS = {
    "keras": "a.keras",
    "saved_model": "saved",
    "onnx": "a.onnx",
    "litert": "a.tflite",
    "openvino": "vino",
}


def ask(path, format, inputs):
    """What the program that a file is for says of raw images."""
    path = str(path)
    if format == "keras":
        model = keras.models.load_model(path)
        given = inputs if isinstance(model.input, dict) else inputs["raw"]
        return {k: np.asarray(v) for k, v in model(given).items()}
    if format == "saved_model":
        loaded = tf.saved_model.load(path)
        serve = loaded.signatures["serving_default"]
        return {k: v.numpy() for k, v in serve(**inputs).items()}
    if format == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        names = [one.name for one in session.get_outputs()]
        return dict(zip(names, session.run(names, inputs), strict=True))
    if format == "litert":
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter(path).get_signature_runner("serving_default")(**inputs)
    import openvino

    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    network = openvino.compile_model(f"{path}/model.xml", "CPU", exact)
    return {one.any_name: value for one, value in network(inputs).items()}


def images(count, height, width, channels=1):
    return RNG.integers(0, 256, (count, height, width, channels), "uint8")


def untrained(network, shape, normalization="standardize", **options):
    """A served network of a few classes, as a run would save it."""
    keras.utils.set_random_seed(0)
    regions = "regions" in kerazoo.find(network).options
    pipeline = Pipeline(
        network=network,
        recipe=Recipe(
            image_shape=shape,
            options=options,
            normalization=normalization,
            proposals="windows" if regions else None,
        ),
        classes=3,
        source_shape=(None, None, shape[-1]),
        mean=(120.0,) * shape[-1],
        std=(60.0,) * shape[-1],
    )
    return pipeline.for_serving(pipeline.for_training())


def served(name, body, channels=3, size=(16, 16)):
    """A served network around a body."""
    keras.utils.set_random_seed(0)
    raw = keras.Input((None, None, channels), dtype="uint8", name="raw")
    x = data.resizer(size, "bilinear", channels)(raw)
    x = layers.Rescaling(1 / 255, dtype="float32", name="resized")(x)
    return keras.Model(raw, body(x), name=name)


# Files -----------------------------------------------------------------------------


@pytest.mark.parametrize("format", PATHS)
def test_a_run_in_every_format(trained, tmp_path, format):
    path, model = tmp_path / PATHS[format], trained.model()
    done = kerazoo.export(trained, path, format=format)
    assert done.path == str(path) and done.format == format
    assert done.bytes == sum(
        one.stat().st_size
        for one in ([path] if path.is_file() else path.rglob("*"))
        if one.is_file()
    )
    assert done.outputs == ("logits", "probabilities")
    assert done.inputs == {"raw": (None, None, None, 1)}
    assert done.largest_difference < 1e-4 and done.agreement == 1
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    for count, height, width in ((1, 28, 28), (2, 8, 8), (3, 41, 17)):
        x = images(count, height, width)
        given = ask(path, format, {"raw": x})
        np.testing.assert_allclose(
            given["probabilities"], model.predict(x, verbose=0), atol=1e-4
        )
        assert given["logits"].shape == (count, 10)
    said = formats.notes(path)
    assert said["classes"] == list("0123456789") and said["data"] == "digits"
    if format in ("keras", "litert"):
        text = zipfile.ZipFile(path).read("labels.txt").decode()
    elif format == "onnx":
        import onnxruntime

        meta = onnxruntime.InferenceSession(path).get_modelmeta()
        text = "\n".join(json.loads(meta.custom_metadata_map["classes"]))
    else:
        text = (path / "labels.txt").read_text()
    assert text.split() == list("0123456789")


def odd_layers(x):
    """What other zoos have not, and what converters are easily wrong about."""
    x = layers.Conv2D(8, 3, activation="relu", name="conv1")(x)
    x = LocalResponseNormalization(name="norm1")(x)
    x = CeilMaxPooling2D(3, 2, name="pool1")(x)
    x = GroupedConv2D(12, 3, groups=2, activation="relu", name="conv2")(x)
    x = LocalResponseNormalization(name="norm2")(x)
    x = CeilMaxPooling2D(3, 2, name="pool2")(x)
    x = layers.BatchNormalization(name="bn")(x)
    x = Maxout(2, name="maxout")(x)
    side = layers.GlobalAveragePooling2D(name="side")(x)
    side = layers.Dense(3, "softmax", name="aux1")(side)
    # Network in Network's head.
    x = layers.Conv2D(3, 1, name="scores")(layers.Dropout(0.5, name="drop")(x))
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Activation("softmax", name="predictions")(x)
    return {"aux1": side, "predictions": x}


def unpooling(x):
    """A class for every pixel."""
    x = layers.Conv2D(4, 3, padding="same", name="conv1")(x)
    x, where = MaxPoolingWithIndices2D(name="pool")(x)
    x = layers.PReLU(shared_axes=[1, 2], name="prelu")(x)
    x = MaxUnpooling2D(name="unpool")(x, where)
    return layers.Conv2DTranspose(3, 2, 2, activation="softmax", name="predictions")(x)


NETWORKS = {
    "odd layers": lambda: served("odd", odd_layers),
    "segmentation": lambda: served("segmenter", unpooling),
    "LeNet-5 of 1998": lambda: untrained("lenet5_original", (32, 32, 1)),
    "ensemble": lambda: joined(
        [served("one", odd_head), served("two", odd_head)], "votes"
    ),
}


def odd_head(x):
    x = layers.Conv2D(4, 3, kernel_initializer="he_normal", name="conv1")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return layers.Dense(3, "softmax", name="predictions")(x)


@pytest.mark.parametrize(
    ("network", "format"),
    [
        *(("odd layers", kind) for kind in ("onnx", "litert", "openvino")),
        *(("segmentation", kind) for kind in ("onnx", "litert")),
        ("LeNet-5 of 1998", "litert"),
        ("ensemble", "onnx"),
    ],
)
def test_networks_of_every_kind(tmp_path, network, format):
    model, path = NETWORKS[network](), tmp_path / PATHS[format]
    done = kerazoo.export(model, path, format=format)
    assert done.largest_difference < 1e-3 and done.agreement > 0.99
    x = images(2, 21, 34, model.inputs[0].shape[-1])
    given = ask(path, format, {"raw": x})
    assert set(given) == set(done.outputs)
    expected = model(x, training=False)
    if isinstance(expected, dict):
        expected = expected["predictions"]
    name = "predictions" if network == "ensemble" else "probabilities"
    np.testing.assert_allclose(given[name], expected, atol=1e-4)


@pytest.mark.parametrize(
    ("network", "format", "options"),
    [
        ("yolo_mini", "onnx", {"max_detections": 9}),
        ("faster_rcnn_mini", "litert", {"proposals": 12}),
        ("fast_rcnn_mini", "litert", {"proposals": 8}),
    ],
)
def test_detectors(tmp_path, network, format, options):
    model = untrained(network, (48, 48, 3), **options)
    path = tmp_path / PATHS[format]
    done = kerazoo.export(model, path, format=format)
    assert done.outputs == ("boxes", "classes", "scores")
    inputs = {"raw": images(2, 50, 61, 3)}
    if network == "fast_rcnn_mini":
        corners = RNG.uniform(0, 30, (2, 8, 2))
        found = np.concatenate([corners, corners + 18], -1)
        inputs["proposals"] = found.astype("float32")
    assert set(done.inputs) == set(inputs)
    expected = model(inputs if len(inputs) > 1 else inputs["raw"], training=False)
    assert (np.asarray(expected["classes"]) >= 0).any()
    given = ask(path, format, inputs)
    for name, one in given.items():
        np.testing.assert_allclose(one, expected[name], atol=1e-3)


def test_a_detector_that_finds_nothing_is_compared_all_the_same(tmp_path, monkeypatch):
    options = {"max_detections": 9, "score_threshold": 0.9}
    model, kind = untrained("yolo_mini", (48, 48, 3), **options), formats.find("keras")
    path = tmp_path / "a.keras"
    assert kerazoo.export(model, path).agreement == 1
    assert (ask(path, "keras", {"raw": images(2, 9, 9, 3)})["classes"] == -1).all()
    spoiled = dataclasses.replace(kind, write=other_weights(kind.write))
    monkeypatch.setitem(formats.FORMATS, "keras", spoiled)
    with pytest.raises(RuntimeError):
        kerazoo.export(model, tmp_path / "b.keras")
    assert [one.name for one in tmp_path.iterdir()] == ["a.keras"]


def test_half_precision_becomes_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = served("halves", odd_head)
    finally:
        keras.config.set_dtype_policy("float32")
    done = kerazoo.export(model, tmp_path / "a.onnx")
    assert done.largest_difference < 1e-4
    x = images(2, 20, 30, 3)
    expected = model(x, training=False)
    given = ask(tmp_path / "a.onnx", "onnx", {"raw": x})["probabilities"]
    assert 0 < np.abs(given - np.asarray(expected, "float32")).max() < 0.02


def test_images_of_one_size(trained, tmp_path):
    path = tmp_path / "a.onnx"
    done = kerazoo.export(trained, path, image_size=28)
    assert done.inputs == {"raw": (None, 28, 28, 1)}
    x = images(2, 28, 28)
    expected = trained.model().predict(x, verbose=0)
    given = ask(path, "onnx", {"raw": x})["probabilities"]
    np.testing.assert_allclose(given, expected, atol=1e-5)
    with pytest.raises(Exception, match="Got invalid dimensions"):
        ask(path, "onnx", {"raw": images(2, 27, 28)})
    model = kerazoo.lenet5()
    with pytest.raises(ValueError, match="lenet5 takes images of 28x28 alone"):
        kerazoo.export(model, tmp_path / "b.onnx", image_size=(27, 28))


def test_a_sequential_model(tmp_path):
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(3, "softmax")]
    )
    done = kerazoo.export(model, tmp_path / "a.tflite")
    assert done.outputs == ("logits", "probabilities")


def test_large_kernels_are_in_the_file(tmp_path, monkeypatch):
    """They go round the converter, which takes gigabytes over them."""
    monkeypatch.setattr(formats, "LARGE", 100)
    model = served("large", odd_head, size=(8, 8))
    x = layers.Flatten()(model.get_layer("conv1").output)
    x = layers.Dense(3, "softmax", name="predictions")(x)
    model = keras.Model(model.input, x, name="large")
    done = kerazoo.export(model, tmp_path / "a.onnx")
    assert done.inputs.keys() == {"raw"} and done.largest_difference < 1e-4

    import onnx

    graph = onnx.load(tmp_path / "a.onnx").graph
    (kernel,) = [one for one in graph.initializer if "predictions_kernel" in one.name]
    expected = model.get_layer("predictions").kernel
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(kernel), expected)
    assert [one.name for one in graph.input] == ["raw"]


# What is wrong ---------------------------------------------------------------------


def other_weights(write):
    """A converter that gets a weight wrong."""

    def spoiled(model, path, said):
        before = model.get_weights()
        model.set_weights([one * 1.1 for one in before])
        write(model, path, said)
        model.set_weights(before)

    return spoiled


@pytest.mark.parametrize("format", ["keras", "saved_model"])
def test_a_file_with_other_answers_is_not_left(trained, tmp_path, monkeypatch, format):
    kind, path = formats.FORMATS[format], tmp_path / PATHS[format]
    kerazoo.export(trained, path, format=format)
    before = formats.size(path), formats.notes(path)
    spoiled = dataclasses.replace(kind, write=other_weights(kind.write))
    monkeypatch.setitem(formats.FORMATS, format, spoiled)
    sentence = (
        r"^The exported network does not say what the network says: on 1 random image "
        r"of 28x28 the logits differ by 0\.\d+ of the largest, where 0\.001 is "
        r"allowed; nothing was written\.$"
    )
    with pytest.raises(RuntimeError, match=sentence):
        kerazoo.export(trained, tmp_path / f"b{path.suffix}", format=format)
    with pytest.raises(RuntimeError):
        kerazoo.export(trained, path, format=format, overwrite=True)
    # What was there is still there, and nothing else is.
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert (formats.size(path), formats.notes(path)) == before


def test_differences_are_found(trained):
    """Of logits, of probabilities, of the size, and what is no number."""
    model = trained.model()
    expected = comparison.reference(model)

    def engine(inputs):
        logits = expected(inputs)["logits"]
        shares = np.exp(logits - logits.max(-1, keepdims=True))
        return {
            "logits": logits,
            "probabilities": shares / shares.sum(-1, keepdims=True),
        }

    assert comparison.compare(expected, engine, model).largest_difference < 1e-6
    for name, change in (
        ("logits", lambda x: x + 0.01 * np.abs(x).max()),
        ("probabilities", lambda x: x[..., ::-1]),
        ("logits", lambda x: x[:1]),
        ("logits", lambda x: x * np.nan),
    ):

        def wrong(inputs, name=name, change=change):
            outputs = engine(inputs)
            return outputs | {name: change(outputs[name])}

        with pytest.raises(RuntimeError, match="differ by"):
            comparison.compare(expected, wrong, model)


def test_differences_of_boxes_are_found():
    model = untrained("yolo_mini", (48, 48, 3), max_detections=9)
    expected = comparison.reference(model)
    found = comparison.compare(expected, expected, model)
    assert (found.largest_difference, found.agreement) == (0, 1)

    def moved(inputs):
        outputs = expected(inputs)
        return outputs | {"boxes": outputs["boxes"] + 20}

    def fainter(inputs):
        outputs = expected(inputs)
        return outputs | {"scores": outputs["scores"] * 0.9}

    with pytest.raises(RuntimeError, match=r"but \d"):
        comparison.compare(expected, moved, model)
    with pytest.raises(RuntimeError, match=r"scores differ by 0\.1 of the largest"):
        comparison.compare(expected, fainter, model)


class Smooth(layers.Layer):
    """TensorFlow's antialiasing, which other runtimes have not."""

    def call(self, inputs):
        return tf.image.resize(inputs, (4, 4), antialias=True)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor((None, 4, 4, inputs.shape[-1]), "float32")


@pytest.mark.parametrize("format", ["onnx", "litert", "openvino"])
def test_a_layer_without_a_form_is_named(tmp_path, format):
    model = served("net", lambda x: odd_head(Smooth(name="smooth")(x)))
    with pytest.raises(ValueError, match=r"the layer smooth \(Smooth\)") as caught:
        kerazoo.export(model, tmp_path / PATHS[format], format=format)
    text = str(caught.value)
    assert text.startswith(f"net does not become {format}: ") and "\n" not in text
    assert not list(tmp_path.iterdir())


def test_a_layer_that_no_error_names_is_looked_for(tmp_path):
    model = served("net", odd_head)

    def refuse(model, path, said):
        if "mean" in [layer.name for layer in model.layers]:
            raise TypeError("something is wrong")

    kind = dataclasses.replace(
        formats.FORMATS["keras"], write=refuse, load=lambda path: None
    )
    assert export.first_unfit(model, kind, tmp_path) == "mean"
    assert export.named_layer(model, "of net/mean_1/Mean: no kernel") == "mean"
    assert export.named_layer(model, "a/b/c and mean") is None


def test_what_is_wrong_is_said_at_once(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "kerazoo.run.Run.model", lambda *_, **__: pytest.fail("it is at work")
    )
    (tmp_path / "foreign.onnx").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "diary.txt").write_text("mine")
    model = kerazoo.mlp_50(input_shape=(8, 8, 1))
    for given, options, sentence in (
        ("a.onx", {}, "says no format; let it end in .keras, .onnx, .tflite"),
        ("a.onnx", {"format": "onx"}, "Unknown format 'onx'; did you mean onnx"),
        ("a.onnx", {"format": "litert"}, "format litert ends in .tflite"),
        ("a.onnx", {"format": "openvino"}, "ends as a file of the format onnx"),
        (
            "a.keras",
            {"int8": True},
            "int8 is asked of the format keras",
        ),
        ("folder", {"format": "onnx"}, "folder is a folder; give a file"),
        ("foreign.onnx", {}, "is there already; give another path, or overwrite"),
        ("foreign.onnx", {"overwrite": True}, "was not written by kerazoo export"),
        (
            "folder",
            {"format": "openvino", "overwrite": True},
            "holds diary.txt, which no export to openvino has written",
        ),
        ("foreign.onnx/a.onnx", {}, "foreign.onnx is no folder"),
        ("foreign.onnx/a", {"format": "saved_model"}, "foreign.onnx is no folder"),
    ):
        with pytest.raises(ValueError) as caught:
            kerazoo.export(trained, tmp_path / given, **options)
        assert sentence in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="path is None; say where a model"):
        kerazoo.export(model)
    with pytest.raises(ValueError, match="a model knows none; give a run"):
        kerazoo.export(model, tmp_path / "a.onnx", int8=True)
    with pytest.raises(ValueError, match="best is of a run"):
        kerazoo.export(model, tmp_path / "a.onnx", best=True)
    dense = keras.layers.Dense(3)
    with pytest.raises(ValueError, match="has no graph of layers; give a functional"):
        kerazoo.export(keras.Sequential([dense]), tmp_path / "a.onnx")
    vectors = keras.Sequential([keras.Input((4,)), dense])
    with pytest.raises(ValueError, match="give a network that takes one batch of"):
        kerazoo.export(vectors, tmp_path / "a.onnx")
    assert (tmp_path / "foreign.onnx").read_text() == "mine"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder", "foreign.onnx"]


@pytest.mark.parametrize(
    ("format", "missing"),
    [
        ("litert", ("ai_edge_litert",)),
        ("openvino", ("openvino",)),
        ("onnx", ("tf2onnx", "onnxruntime")),
    ],
)
def test_a_missing_package_is_named(trained, tmp_path, monkeypatch, format, missing):
    real = formats.importlib.util.find_spec
    monkeypatch.setattr(
        formats.importlib.util,
        "find_spec",
        lambda name, *rest: None if name in missing else real(name, *rest),
    )
    names = [one.replace("_", "-") for one in missing]
    verb = "is" if len(names) == 1 else "are"
    with pytest.raises(ValueError) as caught:
        kerazoo.export(trained, tmp_path / PATHS[format], format=format)
    assert str(caught.value) == (
        f"The format {format} needs {' and '.join(names)}, which {verb} not installed: "
        'install kerazoo\'s extra export (pip install -e ".[export]"), or these alone '
        f"(pip install {' '.join(names)})."
    )


def test_a_run_that_has_not_ended(trained, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text((trained.path / "config.json").read_text())
    with pytest.raises(ValueError, match="run has not ended; give the command again"):
        kerazoo.export(run)


def test_own_exports_are_overwritten(trained, tmp_path):
    path = tmp_path / "saved"
    kerazoo.export(trained, path, format="saved_model")
    assert "classes" in formats.notes(path)
    model = kerazoo.mlp_50(input_shape=(8, 8, 1))
    kerazoo.export(model, path, format="saved_model", overwrite=True)
    assert "classes" not in formats.notes(path)
    assert not (path / "labels.txt").exists()
    # Of the run itself nothing is.
    file = trained.path / "model.keras"
    with pytest.raises(ValueError, match="was not written by kerazoo export"):
        kerazoo.export(trained, file, overwrite=True)


# In 8-bit integers -----------------------------------------------------------------


@pytest.mark.parametrize("format", ["onnx", "litert"])
def test_integers(trained, tmp_path, format):
    path = tmp_path / PATHS[format]
    done = kerazoo.export(trained, path, int8=True, calibration=60)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    found = done.int8
    assert found.calibration == 60 and found.images == trained.metrics.images
    assert done.bytes < 0.5 * found.float_bytes
    assert found.float_score == pytest.approx(trained.metrics.accuracy, abs=1e-6)
    assert abs(found.score - found.float_score) < 0.05
    assert 0.9 < found.agreement <= 1
    # They are not what floats say, and near it.
    assert 1e-4 < done.largest_difference < 0.3
    size = (28, 28) if format == "litert" else (None, None)
    assert done.inputs == {"raw": (None, *size, 1)}
    x = images(3, 28, 28)
    given = ask(path, format, {"raw": x})
    expected = trained.model().predict(x, verbose=0)
    assert np.abs(given["probabilities"] - expected).max() < 0.2
    if format == "onnx":
        import onnx

        graph = onnx.load(path).graph
        kinds = {onnx.TensorProto.INT8: 0, onnx.TensorProto.FLOAT: 0}
        for one in graph.initializer:
            if one.data_type in kinds:
                kinds[one.data_type] += int(np.prod(one.dims))
        integers, floats = kinds.values()
        assert integers > 60_000 and floats < 1_000
        assert formats.notes(path)["classes"] == list("0123456789")


def test_integers_cannot_resize_in_litert(trained, tmp_path):
    with pytest.raises(ValueError, match="leave image_size out for those of 28x28"):
        kerazoo.export(trained, tmp_path / "a.tflite", int8=True, image_size=20)
    assert not list(tmp_path.iterdir())


def test_integers_that_say_something_else_are_refused(trained, tmp_path, monkeypatch):
    from kerazoo.serving import quantization

    monkeypatch.setattr(
        quantization,
        "calibration_images",
        # As if all the world were black.
        lambda run, images, model, count: np.zeros((count, 28, 28, 1), "uint8"),
    )
    with pytest.raises(RuntimeError, match=r"In 8-bit integers .* 80% is needed"):
        kerazoo.export(trained, tmp_path / "a.tflite", int8=True, calibration=8)
    assert not list(tmp_path.iterdir())


# The command -----------------------------------------------------------------------


def test_the_command(trained, command, tmp_path):
    status, out, errors = command("export", trained.path, "a.keras")
    assert (status, errors) == (0, "")
    rows = dict(line.split("  ", 1) for line in out.splitlines())
    assert rows["exported"].strip() == "a.keras"
    assert rows["takes"].strip() == "raw: images of any size"
    status, out, errors = command(
        "export", trained.path, "a.keras", "--overwrite", "--image-size", "20,30",
        "--json",
    )  # fmt: skip
    assert (status, errors) == (0, "")
    record = json.loads(out)
    assert record["format"] == "keras" and record["int8"] is None
    assert record["inputs"] == {"raw": [None, 20, 30, 1]}
    assert record["bytes"] == pathlib.Path("a.keras").stat().st_size
    status, out, errors = command("export", trained.path, "a.keras")
    assert (status, out) == (2, "") and "--overwrite" in errors


@pytest.mark.parametrize("given", [{"calibration": 8}, {"data": "digits"}])
def test_what_is_for_eight_bits_alone(trained, tmp_path, given):
    if "data" in given:
        given = {"data": kerazoo.data.load("digits")}
    (name,) = given
    with pytest.raises(ValueError, match=f"{name} is for eight bits alone"):
        kerazoo.export(trained, tmp_path / "a.onnx", **given)
    assert not list(tmp_path.iterdir())
