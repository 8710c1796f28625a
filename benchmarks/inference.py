"""How fast do networks predict: plain Keras, kerazoo, onnxruntime, OpenVINO, LiteRT?

``--torch`` adds torchvision's network in bfloat16 with channels last; TORCH_PYTHON
names a Python that has it, where this one has not.
"""

import argparse
import functools
import os
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import harness, sides

NETWORKS = ("resnet50", "vgg16", "inception_v3", "xception", "alexnet", "googlenet")
BATCHES = (1, 8, 32)
PLAIN, BEST = "plain Keras", "kerazoo.predictor"
# Side: the network, how it predicts, and the precision.
KERAS = {
    PLAIN: ("plain", "predict_on_batch", "float32"),
    "kerazoo": ("kerazoo", "predict_on_batch", "float32"),
    "kerazoo, auto": ("kerazoo", "predict_on_batch", "auto"),
    "kerazoo, folded": ("kerazoo", "folded", "float32"),
    "kerazoo, folded, auto": ("kerazoo", "folded", "auto"),
    "kerazoo.predictor, float32": ("kerazoo", "predictor", "float32"),
    "kerazoo.predictor by Keras": ("kerazoo", "predictor by Keras", "auto"),
    BEST: ("kerazoo", "predictor", "auto"),
}
ONNX, OPENVINO = "onnxruntime", "OpenVINO, bfloat16"
TORCH = "torch, bfloat16, channels last"
# Engines run what ``kerazoo export`` writes. Side: the format, and the precision.
ENGINES = {
    ONNX: ("onnx", "float32"),
    "OpenVINO, float32": ("openvino", "float32"),
    OPENVINO: ("openvino", "bfloat16"),
    "LiteRT, int8": ("litert", "int8"),
}
SIDES = (*KERAS, *ENGINES)
# Images that integers are calibrated on: their answers do not matter here.
CALIBRATION = 8


def images(shape, batch):
    return _images(tuple(shape), int(batch))


@functools.cache
def _images(shape, batch):
    import numpy as np

    rng = np.random.default_rng(0)
    return rng.normal(size=(batch, *shape)).astype("float32")


def ours(network, shape=None):
    """Logits show what precision loses, where a softmax is all zeros and ones."""
    import kerazoo

    return kerazoo.create(network, input_shape=shape, classifier_activation=None)


def plain(network):
    """The twin in keras.applications, or our own graph of Keras' own layers."""
    import keras

    import kerazoo
    from benchmarks.build import TWINS

    if network in TWINS:
        twin = getattr(keras.applications, TWINS[network])
        return twin(weights=None, classifier_activation=None)
    return kerazoo.as_plain_keras(ours(network))


def serve_keras(network, origin, how, precision):
    import keras
    import numpy as np

    import kerazoo
    from kerazoo.precision import choose, use

    facts = {}
    with use(choose(precision)):
        model = plain(network) if origin == "plain" else ours(network)
        few = images(model.input_shape[1:], 2)
        # Operations that run one by one are in float32 under every option.
        exact = np.asarray(model(few, training=False))
        if how == "folded":
            model = kerazoo.fold_batchnorm(model)
        predict = model.predict_on_batch
        if how.startswith("predictor"):
            engine = "auto" if how == "predictor" else "keras"
            start = time.perf_counter()
            predict = kerazoo.predictor(model, precision=precision, engine=engine)
            predict(few)
            facts["seconds to the first prediction"] = time.perf_counter() - start
        sides.serve(
            lambda batch: predict(images(model.input_shape[1:], batch)),
            name=model.name,
            difference=difference(predict(few), exact),
            version=keras.version(),
            **facts,
        )


def export(network, format, path):
    """Writes our network for an engine, and what it says to two images beside it."""
    import pathlib

    import numpy as np

    import kerazoo
    from kerazoo.serving import formats, quantization
    from kerazoo.surgery.for_inference import for_inference

    model = ours(network)
    shape = model.input_shape[1:]
    if format == "litert":
        ready, kind = for_inference(model, elsewhere=True), formats.find(format)
        some = images(shape, CALIBRATION)
        quantization.write_int8(ready, kind, pathlib.Path(path), {}, some)
    else:
        kerazoo.export(model, path, format=format)
    np.save(f"{path}.npy", model.predict_on_batch(images(shape, 2)))
    np.save(f"{path}.shape.npy", shape)


def engine(format, precision, path):
    """What runs a file, from a batch to scores, and the version of it."""
    if format == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (entry,) = session.get_inputs()
        return lambda x: session.run(None, {entry.name: x})[0], onnxruntime.__version__
    if format == "openvino":
        import openvino

        hint = {"float32": "f32", "bfloat16": "bf16"}[precision]
        network = openvino.compile_model(
            f"{path}/model.xml", "CPU", {"INFERENCE_PRECISION_HINT": hint}
        )
        return lambda x: network(x)[0], openvino.__version__
    import ai_edge_litert
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=os.cpu_count())
    serve = interpreter.get_signature_runner("serving_default")
    (entry,) = serve.get_input_details()

    def run(x):
        (scores,) = serve(**{entry: x}).values()
        return scores

    return run, ai_edge_litert.__version__


def serve_file(network, format, precision):
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        endings = {"onnx": ".onnx", "litert": ".tflite", "openvino": ""}
        path = os.path.join(folder, f"network{endings[format]}")
        # Another process, for TensorFlow would keep its memory and its threads here.
        words = ["--serve", network, "export", format, path]
        command = [sys.executable, "-m", "benchmarks.inference", *words]
        subprocess.run(command, check=True, stdout=sys.stderr)
        run, version = engine(format, precision, path)
        expected, shape = np.load(f"{path}.npy"), np.load(f"{path}.shape.npy")
    sides.serve(
        lambda batch: run(images(shape, batch)),
        difference=difference(run(images(shape, 2)), expected),
        version=version,
    )


def difference(outputs, expected):
    """The largest difference, as a share of the largest output."""
    import numpy as np

    return float(np.abs(outputs - expected).max() / np.abs(expected).max())


def measure(network, chosen, batches, repeats):
    """``{batch: {side: seconds, ...}}`` of one network, all sides in turns."""
    words = {
        name: ("benchmarks.inference", network, "file", *ENGINES[name])
        for name in chosen
        if name in ENGINES
    }
    words |= {
        name: ("benchmarks.inference", network, "keras", *KERAS[name])
        for name in chosen
        if name in KERAS
    }
    if TORCH in chosen:
        words[TORCH] = ("benchmarks.torch_side", network, "inference")
    result = {}
    with sides.opened(words) as started:
        for batch in batches:
            measures = harness.turns(
                {n: functools.partial(s.work, batch) for n, s in started.items()},
                repeats=repeats,
            )
            rows = result[f"batch {batch}"] = {}
            for name, seconds in measures.items():
                rows[name] = {
                    "seconds": harness.summary(seconds),
                    "images a second": batch / harness.summary(seconds)["median"],
                    "times as fast as plain Keras": harness.ratio(
                        measures[PLAIN], seconds
                    ),
                }
                if ONNX in measures:
                    rows[name]["times as fast as onnxruntime"] = harness.ratio(
                        measures[ONNX], seconds
                    )
            if {BEST, OPENVINO} <= measures.keys():
                rows[BEST]["time over OpenVINO's"] = harness.ratio(
                    measures[BEST], measures[OPENVINO]
                )
        result["sides"] = {name: side.facts for name, side in started.items()}
    return result


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="*", default=NETWORKS)
    parser.add_argument("--batches", nargs="*", type=int, default=BATCHES)
    parser.add_argument("--sides", nargs="*", choices=SIDES, default=SIDES)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--torch", action="store_true")
    parser.add_argument("--quick", action="store_true", help="ResNet-50 at batch 8")
    parser.add_argument("--serve", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.serve:
        network, what, *rest = arguments.serve
        kinds = {"file": serve_file, "export": export, "keras": serve_keras}
        kinds[what](network, *rest)
        return
    if arguments.quick:
        arguments.networks, arguments.batches, arguments.repeats = ["resnet50"], [8], 5
    chosen = [*arguments.sides, *([TORCH] if arguments.torch else [])]
    harness.by_network(
        "inference",
        __doc__.splitlines()[0],
        arguments.networks,
        lambda name: measure(name, chosen, arguments.batches, arguments.repeats),
    )


if __name__ == "__main__":
    main()
