"""How fast do networks predict: plain Keras, kerazoo's predictor, onnxruntime?

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
    BEST: ("kerazoo", "predictor", "auto"),
}
ONNX, TORCH = "onnxruntime", "torch, bfloat16, channels last"
SIDES = (*KERAS, ONNX)


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
        if how == "predictor":
            start = time.perf_counter()
            predict = kerazoo.predictor(model, precision=precision)
            predict(few)
            facts["seconds to the first prediction"] = time.perf_counter() - start
        sides.serve(
            lambda batch: predict(images(model.input_shape[1:], batch)),
            name=model.name,
            difference=difference(predict(few), exact),
            version=keras.version(),
            **facts,
        )


def export(network, path):
    """Writes our network as ONNX, and what it says to two images beside it."""
    import keras
    import numpy as np

    model = ours(network)
    few = images(model.input_shape[1:], 2)
    names = [layer.name for layer in model.layers]
    body, head = model, []
    if "flatten" in names:
        # tf2onnx runs out of 23 GB over VGG-16's dense layers.
        body = keras.Model(model.input, model.get_layer("flatten").input)
        head = model.layers[names.index("flatten") + 1 :]
    # Keras exports to ONNX only what has been called.
    body.predict_on_batch(few)
    body.export(path, format="onnx", verbose=False)
    if head:
        append_dense(path, head)
    np.save(f"{path}.npy", model.predict_on_batch(few))


def append_dense(path, head):
    """Flattening and dense layers behind the graph of a file."""
    import keras
    import onnx
    from onnx import helper, numpy_helper

    network = onnx.load(path)
    graph = network.graph
    x = graph.output[0].name

    def then(kind, *inputs):
        graph.node.append(helper.make_node(kind, inputs, [f"head{len(graph.node)}"]))
        return graph.node[-1].output[0]

    x = then("Flatten", x)
    for layer in head:
        if isinstance(layer, keras.layers.Dense):
            for name, value in zip("wb", layer.get_weights(), strict=True):
                array = numpy_helper.from_array(value, f"{layer.name}_{name}")
                graph.initializer.append(array)
            x = then("Gemm", x, f"{layer.name}_w", f"{layer.name}_b")
            if layer.activation is keras.activations.relu:
                x = then("Relu", x)
    scores = helper.make_tensor_value_info(x, onnx.TensorProto.FLOAT, None)
    del graph.output[:]
    graph.output.append(scores)
    onnx.save(network, path)


def serve_onnx(network):
    import numpy as np
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "network.onnx")
        # Another process, for TensorFlow would keep its memory and its threads here.
        words = ["--serve", network, "export", path]
        command = [sys.executable, "-m", "benchmarks.inference", *words]
        subprocess.run(command, check=True, stdout=sys.stderr)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        expected = np.load(f"{path}.npy")
    (entry,) = session.get_inputs()

    def run(batch):
        return session.run(None, {entry.name: images(entry.shape[1:], batch)})[0]

    sides.serve(
        run,
        difference=difference(run(2), expected),
        version=onnxruntime.__version__,
    )


def difference(outputs, expected):
    """The largest difference, as a share of the largest output."""
    import numpy as np

    return float(np.abs(outputs - expected).max() / np.abs(expected).max())


def measure(network, chosen, batches, repeats):
    """``{batch: {side: seconds, ...}}`` of one network, all sides in turns."""
    words = {ONNX: ("benchmarks.inference", network, "onnx")} if ONNX in chosen else {}
    words |= {
        name: ("benchmarks.inference", network, "keras", *map(str, KERAS[name]))
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
        kinds = {"onnx": serve_onnx, "export": export, "keras": serve_keras}
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
