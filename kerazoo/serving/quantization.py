"""A network in 8-bit integers, and what that costs."""

import dataclasses
import pathlib
import re
import tempfile
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerazoo import data as kerazoo_data
from kerazoo import tasks
from kerazoo.run import Metrics, Run
from kerazoo.serving import formats
from kerazoo.serving.formats import Engine
from kerazoo.surgery.for_inference import own_size
from kerazoo.surgery.graph import Graph

# Of ONNX, what is computed in integers; a softmax, for one, stays in float32.
OPERATIONS = (
    "Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Relu", "Clip", "MaxPool",
    "AveragePool", "GlobalAveragePool",
)  # fmt: skip
# Images of a step of calibration.
STEP = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Int8:
    """What 8-bit integers cost and save.

    Attributes:
        calibration: Training images from which the ranges of numbers were taken.
        float_bytes: Of the same network in float32, in the same format.
        images: Test images on which both files were measured.
        agreement: The share of them, or of their pixels, that both call the same.
        score: Accuracy in integers, or mean IoU of a segmentation.
        float_score: The same of the file in float32.
    """

    calibration: int
    float_bytes: int
    images: int
    agreement: float
    score: float
    float_score: float


def write_int8(
    model: keras.Model,
    kind: formats.Format,
    path: pathlib.Path,
    said: Mapping[str, Any],
    images: np.ndarray,
) -> None:
    """Writes a network in 8-bit integers.

    Args:
        model: The network, ready for export.
        kind: ``onnx`` or ``litert``.
        path: The file to write.
        said: Notes of it.
        images: Some of those that it was trained on, as it takes them.
    """
    write = {"onnx": _write_onnx, "litert": _write_litert}[kind.name]
    with tempfile.TemporaryDirectory() as folder:
        write(model, path, said, images, pathlib.Path(folder))


def _write_litert(model, path, said, images, folder):
    converter = formats.litert_converter(model, folder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([one[None]] for one in images)
    # What has no form in integers, as the cast of the pixels, stays in float32.
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
        tf.lite.OpsSet.TFLITE_BUILTINS,
    ]
    formats.write_litert(converter, path, said)


def _write_onnx(model, path, said, images, folder):
    import onnx
    from onnxruntime import quantization

    exact = folder / "float.onnx"
    formats.find("onnx").write(model, exact, said)
    before = _before_weights(model)
    (name,) = formats.specs(model)
    steps = iter(range(0, len(images), STEP))

    class Reader(quantization.CalibrationDataReader):
        def get_next(self):
            step = next(steps, None)
            return None if step is None else {name: images[step : step + STEP]}

    quantization.quantize_static(
        str(exact),
        str(path),
        Reader(),
        quant_format=quantization.QuantFormat.QDQ,
        op_types_to_quantize=list(OPERATIONS),
        per_channel=True,
        nodes_to_exclude=[
            node.name
            for node in onnx.load(exact).graph.node
            if before & {re.sub(r"_\d+$", "", part) for part in node.name.split("/")}
        ],
    )
    network = onnx.load(path)
    formats.describe_onnx(network, said)
    onnx.save(network, str(path))


def _before_weights(model):
    """The layers that only prepare the images."""
    graph, found = Graph(model), set[str]()
    for layer in model.layers:
        if not layer.weights and found.issuperset(graph.sources(layer.name)):
            found.add(layer.name)
    return found


class Measured:
    """A file, as tasks measure networks.

    Args:
        engine: What runs it.
        model: The network that it holds.

    Attributes:
        output: A tensor of the shape of its scores.
        guesses: The classes that it has found so far.
    """

    def __init__(self, engine: Engine, model: keras.Model) -> None:
        self._engine, self._name = engine, model.inputs[0].name
        self.output = next(iter(model.output.values()))
        self.guesses: list[np.ndarray] = []

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        """The probabilities of a batch."""
        outputs = self._engine({self._name: images})
        # Integers have few probabilities, but more logits.
        scores = outputs.get("logits")
        if scores is None:
            (shares,) = outputs.values()
        else:
            scores = np.exp(scores - scores.max(-1, keepdims=True, initial=-np.inf))
            shares = scores / scores.sum(-1, keepdims=True)
        self.guesses.append(shares.argmax(-1))
        return shares


def images_of(run: Run, given: kerazoo_data.ImageData | None) -> kerazoo_data.ImageData:
    """The images of a run, parted as in its training.

    Args:
        run: The run.
        given: What a caller says that they are, or None.

    Raises:
        ValueError: Where they cannot be found by name, or have other classes.
    """
    config, recipe = run.config, run.recipe
    in_memory = config.data.partition(":")[0] in ("arrays", "dataset")
    if given is None and (in_memory or config.parts):
        raise ValueError(
            f"{run.path} was trained on images that cannot be found by name, but int8 "
            "is calibrated on some of them; give as data what kerazoo.data.from_arrays "
            "or load returned then."
        )
    images = given or kerazoo_data.load(
        config.data,
        data_dir=config.data_dir,
        validation=recipe.validation,
        seed=recipe.seed,
    )
    run.check_task(images.name, images.task)
    if images.classes != config.classes:
        raise ValueError(
            f"data, the set {images.name}, has other classes than those that "
            f"{run.path} was trained on."
        )
    if images.test is None:
        raise ValueError(
            f"data, the set {images.name}, has no test images to measure int8 on."
        )
    return images


def calibration_images(
    run: Run, images: kerazoo_data.ImageData, model: keras.Model, count: int
) -> np.ndarray:
    """Some training images at the network's size, drawn by the seed of the run.

    Args:
        run: The run.
        images: Its images.
        model: Its network.
        count: How many; all where there are fewer.
    """
    size = images.train.size
    rng = np.random.default_rng(run.recipe.seed)
    drawn = np.sort(rng.choice(size, min(count, size), replace=False))
    some = images.train.subset(drawn)
    pixels, _ = _batches(run, some, model, min(STEP, len(drawn))).take(len(drawn))
    return pixels


def measured(
    run: Run, images: kerazoo_data.ImageData, model: keras.Model, engine: Engine
) -> tuple[Metrics, np.ndarray]:
    """What a file is worth on the test images of a run, and its guesses for them."""
    assert images.test
    file = Measured(engine, model)
    size = min(run.recipe.batch_size, images.test.size)
    batches = _batches(run, images.test, model, size)
    metrics = tasks.find(run.config.task).measure(file, batches, run.config.classes)
    # A last batch may be filled up.
    return metrics, np.concatenate(file.guesses)[: images.test.size]


def _batches(run, part, model, size):
    """Images of the size at which the network resizes nothing."""
    shape = (*own_size(model), run.config.image_shape[-1])
    # What is cut out of images of one size is cut out of these by the network.
    native = shape[:2] != tuple(run.config.image_shape[:2])
    resize = "bilinear" if native else run.recipe.resize
    return kerazoo_data.Batches(part, size, image_shape=shape, resize=resize)
