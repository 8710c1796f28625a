"""The formats that a network is exported to: how a file is written, and how it runs.

Every format is written from one graph, in which the weights are constants, and read
again by the engine that it is for.
"""

import contextlib
import dataclasses
import importlib.util
import json
import logging
import os
import pathlib
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, get_args

import keras
import numpy as np
import tensorflow as tf

from kerazoo import errors
from kerazoo.files import check_own

FormatName = Literal["keras", "saved_model", "onnx", "litert", "openvino"]
Inputs = Mapping[str, np.ndarray]
# What runs an exported network: arrays by the names of its inputs in, by those of its
# outputs out.
Engine = Callable[[Inputs], dict[str, np.ndarray]]
# Says what an export is; by it kerazoo knows its own.
NOTES, LABELS = "kerazoo.json", "labels.txt"
# As of onnxruntime 1.14, of 2023.
OPSET = 17
# tf2onnx copies constants some fifty times; larger ones are put in their places later.
LARGE = 2**20
# What converters log through.
LOGGERS = ("tf2onnx", "tensorflow", "absl", "root")


@dataclasses.dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        name: What it is called.
        ending: Of its file; of a folder what is put behind the name of the run.
        files: Of a folder the files that may be in it; none of a file.
        packages: What has to be installed, by the name of the module.
        write: Writes a network with notes of it to a path.
        load: Reads what was written.
        elsewhere: Whether something else than TensorFlow runs it.
        int8: Whether it can hold a network in 8-bit integers.
    """

    name: FormatName
    ending: str
    write: Callable[[keras.Model, pathlib.Path, Mapping[str, Any]], None]
    load: Callable[[pathlib.Path], Engine]
    packages: Mapping[str, str] = dataclasses.field(default_factory=dict)
    files: tuple[str, ...] = ()
    elsewhere: bool = True
    int8: bool = False

    def check_installed(self) -> None:
        """Asks for the packages.

        Raises:
            ValueError: Where one is not installed.
        """
        missing = [
            package
            for module, package in self.packages.items()
            if importlib.util.find_spec(module) is None
        ]
        if missing:
            raise ValueError(
                f"The format {self.name} needs {' and '.join(missing)}, which "
                f"{'is' if len(missing) == 1 else 'are'} not installed: install "
                'kerazoo\'s extra export (pip install -e ".[export]"), or these alone '
                f"(pip install {' '.join(missing)})."
            )

    def check_own(self, path: pathlib.Path) -> None:
        """Refuses what is there and no export of this format.

        Raises:
            ValueError: Where no export has written it.
        """
        if self.files:
            check_own(path, (*self.files, NOTES, LABELS), f"export to {self.name}")
        if notes(path) is None:
            raise ValueError(
                f"{path} was not written by kerazoo export, so that nothing is "
                "deleted; move it away, or give another path."
            )


def find(name: str) -> Format:
    """The format of a name.

    Raises:
        ValueError: For another name.
    """
    if name not in FORMATS:
        raise errors.unknown("format", name, FORMATS)
    return FORMATS[name]


def of_path(path: pathlib.Path) -> Format | None:
    """The format whose files end as a path does."""
    known = (one for one in FORMATS.values() if not one.files)
    return next((one for one in known if path.suffix == one.ending), None)


def notes(path: pathlib.Path) -> dict[str, Any] | None:
    """What an export says of itself; None of anything else."""
    try:
        if path.is_dir():
            return json.loads((path / NOTES).read_text(encoding="utf-8"))
        if path.suffix == ".onnx":
            import onnx

            written = onnx.load(path, load_external_data=False).metadata_props
            return json.loads({one.key: one.value for one in written}["kerazoo"])
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(NOTES))
    # Foreign files break their readers in ways of their own.
    except Exception:
        return None


def size(path: pathlib.Path) -> int:
    """Bytes of a file, or of all in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(one.stat().st_size for one in files if one.is_file())


@contextlib.contextmanager
def hushed() -> Iterator[pathlib.Path]:
    """Keeps what converters and engines write as errors in a file, which it yields.

    They write to the descriptor, through ``logging`` and as warnings, of what is well
    as of what is not.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        said = pathlib.Path(folder, "said")
        file = stack.enter_context(open(said, "w", encoding="utf-8", errors="replace"))
        handler = logging.StreamHandler(file)
        for name in LOGGERS:
            logger = logging.getLogger(None if name == "root" else name)
            stack.callback(setattr, logger, "propagate", logger.propagate)
            stack.callback(setattr, logger, "handlers", logger.handlers)
            logger.propagate, logger.handlers = False, [handler]
        with contextlib.suppress(OSError):
            shown = os.dup(2)
            stack.callback(os.close, shown)
            stack.callback(os.dup2, shown, 2)
            os.dup2(file.fileno(), 2)
        yield said


def frozen(model: keras.Model, given: Mapping[str, Any] | None = None) -> Any:
    """The network as a TensorFlow function in which its weights are constants.

    Args:
        model: From a tensor or several to a dictionary.
        given: Weights, by a name, that are arguments of the function all the same.

    Returns:
        A ``tf.function`` of the inputs by name; of the dictionaries ``inputs`` and
        ``weights`` where weights are given.
    """
    given = given or {}
    names = {id(weight): name for name, weight in given.items()}
    parts = [
        [(names.get(id(one)), keras.ops.convert_to_numpy(one)) for one in part]
        for part in (model.trainable_variables, model.non_trainable_variables)
    ]

    def call(inputs, weights):
        here = [
            [tf.constant(a) if name is None else weights[name] for name, a in part]
            for part in parts
        ]
        entries = [inputs[one.name] for one in keras.tree.flatten(model.input)]
        entry = keras.tree.pack_sequence_as(model.input, entries)
        outputs, _ = model.stateless_call(*here, entry, training=False)
        return outputs

    inputs = specs(model)
    if given:
        shapes = {n: tf.TensorSpec(w.shape, "float32", n) for n, w in given.items()}
        return tf.function(call, input_signature=[inputs, shapes], autograph=False)
    return tf.function(
        lambda inputs: call(inputs, {}), input_signature=[inputs], autograph=False
    )


def specs(model: keras.Model) -> dict[str, Any]:
    """The inputs of a network by name, as TensorFlow writes them down."""
    return {
        one.name: tf.TensorSpec(one.shape, one.dtype, one.name)
        for one in keras.tree.flatten(model.input)
    }


def _write_keras(model, path, said):
    model.save(path)
    _append(path, said)


def _load_keras(path):
    model = keras.models.load_model(path)

    def run(inputs):
        given = dict(inputs)
        if not isinstance(model.input, dict):
            (given,) = inputs.values()
        outputs = model(given, training=False)
        return {name: np.asarray(one) for name, one in outputs.items()}

    return run


def _write_saved_model(model, path, said):
    # A function beside the signature would hold all weights once more.
    signature = {"serving_default": frozen(model).get_concrete_function()}
    tf.saved_model.save(tf.Module(), str(path), signatures=signature)
    _describe(path, said)


def _load_saved_model(path):
    loaded = tf.saved_model.load(str(path))

    def run(inputs):
        # The function lives as long as what it was loaded with.
        serve = loaded.signatures["serving_default"]
        outputs = serve(**{name: tf.constant(one) for name, one in inputs.items()})
        return {name: one.numpy() for name, one in outputs.items()}

    return run


def _write_onnx(model, path, said):
    import onnx
    import tf2onnx

    large = {
        f"{layer.name}_kernel": layer.weights[0]
        for layer in model.layers
        if isinstance(layer, keras.layers.Dense)
        and np.prod(layer.weights[0].shape) > LARGE
    }
    function = frozen(model, large)
    network, _ = tf2onnx.convert.from_function(
        function, input_signature=function.input_signature, opset=OPSET
    )
    graph = network.graph
    for one in list(graph.input):
        if one.name in large:
            array = keras.ops.convert_to_numpy(large[one.name])
            graph.initializer.append(onnx.numpy_helper.from_array(array, one.name))
            graph.input.remove(one)
        elif one.type.tensor_type.shape.dim:
            _name_axes(one)
    for one in graph.output:
        one.type.tensor_type.shape.dim[0].dim_param = "batch"
    network.producer_name = "kerazoo"
    describe_onnx(network, said)
    onnx.save(network, str(path))


def _name_axes(entry):
    """Names the axes of an input that may have any length."""
    axes = entry.type.tensor_type.shape.dim
    names = ("batch", "height", "width", "channels") if len(axes) == 4 else ("batch",)
    for axis, name in zip(axes, names, strict=False):
        if not axis.HasField("dim_value"):
            axis.dim_param = name


def describe_onnx(network: Any, said: Mapping[str, Any]) -> None:
    """Puts notes into the metadata of an ONNX network, and its class names there."""
    import onnx

    properties = {"kerazoo": json.dumps(said)}
    if said.get("classes"):
        properties["classes"] = json.dumps(said["classes"])
    onnx.helper.set_model_props(network, properties)


def _load_onnx(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    names = [one.name for one in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(None, dict(inputs)), strict=True))


def litert_converter(model: keras.Model, folder: pathlib.Path) -> Any:
    """TensorFlow's converter of a network that it is given in an empty folder."""
    _write_saved_model(model, folder, {})
    return tf.lite.TFLiteConverter.from_saved_model(str(folder))


def _write_litert(model, path, said):
    with tempfile.TemporaryDirectory() as folder:
        write_litert(litert_converter(model, pathlib.Path(folder)), path, said)


def write_litert(converter: Any, path: pathlib.Path, said: Mapping[str, Any]) -> None:
    """Converts, and writes a LiteRT file with its notes behind it."""
    path.write_bytes(converter.convert())
    _append(path, said)


def _load_litert(path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=os.cpu_count())
    serve = interpreter.get_signature_runner("serving_default")
    return lambda inputs: serve(**inputs)


def to_openvino(model: keras.Model) -> Any:
    """The network as OpenVINO's, whose inputs and outputs have the names of Keras'.

    Args:
        model: From a tensor or several to a dictionary. It must live as long as what is
            returned, and change no weight.
    """
    import openvino

    def call(inputs):
        entries = [inputs[one.name] for one in keras.tree.flatten(model.input)]
        entry = keras.tree.pack_sequence_as(model.input, entries)
        return model(entry, training=False)

    # Its variables become constants there, which share their memory.
    function = tf.function(call, input_signature=[specs(model)], autograph=False)
    network = openvino.convert_model(function)
    names = list(specs(model))
    for one in network.inputs:
        (name,) = {n for n in names if n in {m.partition(":")[0] for m in one.names}}
        one.tensor.set_names({name})
        one.node.friendly_name = name
    for one in network.outputs:
        # TensorFlow's own name of the operation is there too.
        one.tensor.set_names(one.names & set(model.output))
    return network


def _write_openvino(model, path, said):
    import openvino

    network = to_openvino(model)
    network.set_rt_info(json.dumps(said), ["kerazoo"])
    openvino.save_model(network, path / "model.xml", compress_to_fp16=False)
    _describe(path, said)


def _load_openvino(path):
    import openvino

    # By itself it takes bfloat16 where the CPU has it.
    precise = {"INFERENCE_PRECISION_HINT": "f32"}
    core = openvino.Core()
    network = core.compile_model(core.read_model(path / "model.xml"), "CPU", precise)

    def run(inputs):
        outputs = network(dict(inputs))
        return {one.any_name: np.array(value) for one, value in outputs.items()}

    return run


def _texts(said):
    """The notes as files."""
    texts = {NOTES: json.dumps(said, indent=2) + "\n"}
    if said.get("classes"):
        texts[LABELS] = "".join(f"{' '.join(one.split())}\n" for one in said["classes"])
    return texts


def _describe(folder, said):
    """Puts notes into the folder of an export."""
    for name, text in _texts(said).items():
        (folder / name).write_text(text, encoding="utf-8")


def _append(path, said):
    """Puts notes behind a file, as a ZIP archive that its readers pass over."""
    with zipfile.ZipFile(path, "a") as archive:
        for name, text in _texts(said).items():
            archive.writestr(name, text)


FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        Format("keras", ".keras", _write_keras, _load_keras, elsewhere=False),
        Format(
            "saved_model",
            "-saved_model",
            _write_saved_model,
            _load_saved_model,
            files=("saved_model.pb", "fingerprint.pb", "variables/*", "assets/*"),
            elsewhere=False,
        ),
        Format(
            "onnx",
            ".onnx",
            _write_onnx,
            _load_onnx,
            {name: name for name in ("onnx", "tf2onnx", "onnxruntime")},
            int8=True,
        ),
        Format(
            "litert",
            ".tflite",
            _write_litert,
            _load_litert,
            {"ai_edge_litert": "ai-edge-litert"},
            int8=True,
        ),
        Format(
            "openvino",
            "-openvino",
            _write_openvino,
            _load_openvino,
            {"openvino": "openvino"},
            files=("model.xml", "model.bin"),
        ),
    )
}
assert tuple(FORMATS) == get_args(FormatName)
