"""How fast do networks train: plain Keras, kerazoo in float32 and by default?

Plain Keras is ``keras.applications`` where it has the network, otherwise our own graph
of Keras' own layers, compiled and fed with the same arrays. A step's share of the peak
takes three times the forward pass' multiply-adds over the best rate at which a product
of 4096x4096 was seen on the machine, in bfloat16 where the step computes in it. kerazoo
has the environment of its command, which turns oneDNN on where TensorFlow does not.
``--profile`` says instead where the time of kerazoo's step goes; LRN's part is measured
by leaving it out, for XLA compiles it and TensorFlow's profiler does not see into that.
``--torch`` adds torchvision's network in bfloat16 with channels last; TORCH_PYTHON
names a Python that has it, where this one has not.
"""

import argparse
import collections
import functools
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import harness, sides
from benchmarks.inference import PLAIN, TORCH, images, ours, plain

NETWORKS = (
    "alexnet",
    "vgg16",
    "googlenet",
    "inception_v3",
    "resnet50",
    "xception",
    "fractalnet20",
    "resnet20_cifar",
)
IN_TORCH = ("alexnet", "vgg16", "googlenet", "inception_v3", "resnet50")
KERAS = {
    PLAIN: ("plain", "float32"),
    "kerazoo, float32": ("kerazoo", "float32"),
    "kerazoo": ("kerazoo", "auto"),
}
# What an operation belongs to; the first pattern that its name fits. A name reads
# ``gradient_tape/resnet50_1/conv1_1/.../Conv2DBackpropFilter:_MklNativeConv2D...``.
KINDS = {
    "optimiser": r"^(sgd|momentum)\w*/",
    "batch norm": r"bn\w*/|batch_norm|FusedBatchNorm|BatchNormGrad",
    "depthwise convolution": r"[Dd]epthwise",
    "convolution": r"Conv2D",
    "dense layer": r"MatMul",
    "pooling": r"Pool",
    "change of type or layout": r":(Cast|Transpose|_Mkl\w*Transpose)$",
}


def batch_of(network):
    """Images in a step: at most some seconds of work, and memory for every side."""
    import kerazoo

    card = kerazoo.find(network)
    batch = 8 if card.input_shape[0] >= 128 else 64
    while batch * card.macs > 130e9:
        batch //= 2
    return batch


def stepper(
    network, origin, precision, change=lambda model: model, shape=None, batch=None
):
    """A function that trains a step on the same images, and its network."""
    import keras
    import numpy as np

    from kerazoo.layers.fast_paths import FusedCrossentropy
    from kerazoo.precision import choose
    from kerazoo.recipe import Optimizer
    from kerazoo.training import compilation

    made = plain(network) if origin == "plain" else ours(network, shape)
    model, batch = change(made), batch or batch_of(network)
    x = images(model.input_shape[1:], batch)
    *grid, classes = model.output_shape[1:]
    y = np.random.default_rng(0).integers(0, classes, (batch, *grid))
    sgd, options = keras.optimizers.SGD(0.01, momentum=0.9), {}
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if origin != "plain":
        if grid:
            # As kerazoo.fit learns a class for every pixel.
            loss = FusedCrossentropy()
        words = Optimizer(name="sgd", learning_rate=0.01, momentum=0.9)
        sgd = compilation.optimizer(words, words.learning_rate)
        options = {"jit_compile": choose(precision).jit_compile}
    model.compile(sgd, loss, **options)
    return functools.partial(model.train_on_batch, x, y), model


def serve_keras(network, origin, precision):
    if origin != "plain":
        # Before TensorFlow.
        import kerazoo.cli  # noqa: F401

    from kerazoo.precision import choose, use

    with use(choose(precision)):
        step, model = stepper(network, origin, precision)
        loss = float(step())
        kind = "bfloat16" if choose(precision).onednn else "float32"
        sides.serve(lambda word: step(), name=model.name, first_loss=loss, kind=kind)


def serve_peak():
    """Square products, the yardstick: 2 * 4096 ** 3 operations."""
    # Before TensorFlow.
    import kerazoo.cli  # noqa: F401

    import tensorflow as tf  # isort: skip

    values = tf.random.normal((4096, 4096))
    values = {kind: tf.cast(values, kind) for kind in ("float32", "bfloat16")}
    product = tf.function(lambda a: tf.reduce_sum(tf.linalg.matmul(a, a)[0]))
    sides.serve(lambda kind: product(values[kind]).numpy())


def peaks():
    """Operations a second in float32 and bfloat16."""
    with sides.opened({"peak": ("benchmarks.training_step", "-", "peak")}) as started:
        work = started["peak"].work
        measures = harness.turns(
            {kind: functools.partial(work, kind) for kind in ("float32", "bfloat16")},
            repeats=5,
        )
    return {kind: 2 * 4096**3 / min(spent) for kind, spent in measures.items()}


def measure(network, chosen, repeats, torch, peak):

    words = {
        name: ("benchmarks.training_step", network, "keras", *KERAS[name])
        for name in chosen
    }
    batch = batch_of(network)
    if torch and network in IN_TORCH:
        words[TORCH] = ("benchmarks.torch_side", network, "training")
    with sides.opened(words) as started:
        measures = harness.turns(
            {n: functools.partial(s.work, batch) for n, s in started.items()},
            repeats=repeats,
        )
        facts = {name: side.facts for name, side in started.items()}
    rows = {
        name: {
            "seconds": harness.summary(seconds),
            "images a second": batch / harness.summary(seconds)["median"],
            "times as fast as plain Keras": harness.ratio(measures[PLAIN], seconds),
            f"share of the peak in {facts[name].get('kind', 'bfloat16')}": None,
        }
        for name, seconds in measures.items()
    }
    return {"batch": batch, "rows": rows, "sides": facts, "peak": peak}


def shares(result):
    """The results with every side's share of the best peak that any of them saw.

    A peak that was measured in a busy moment would flatter its run.
    """
    import kerazoo

    measured = {name: row for name, row in result.items() if "rows" in row}
    for network, row in measured.items():
        # A step is a forward pass and two backward ones; a multiply-add is two.
        work = 6 * kerazoo.find(network).macs * row["batch"]
        for side in row["rows"].values():
            for name in [name for name in side if name.startswith("share of")]:
                kind = name.split()[-1]
                best = max(row["peak"][kind] for row in measured.values())
                side[name] = work / side["seconds"]["median"] / best
    return result


def profile(network, precision):
    """Prints every kind of operation's share of a step."""
    from benchmarks.alexnet_step import without_norm
    from kerazoo.precision import choose, use

    with use(choose(precision)):
        step, _ = stepper(network, "kerazoo", precision)
        norm = 0
        if has_lrn(network):
            rest, _ = stepper(network, "kerazoo", precision, without_norm)
            measures = harness.turns({"all": step, "rest": rest}, repeats=5)
            ratio = harness.ratio(measures["rest"], measures["all"])
            norm, step = max(0, 1 - ratio["median"]), rest
        spent = operations(step)
    total = sum(spent.values())
    shares = {kind: (1 - norm) * ns / total for kind, ns in spent.most_common()}
    print(json.dumps({"LRN": norm} | shares if norm else shares))


def operations(step):
    """Nanoseconds of every kind of operation in three steps."""
    import tensorflow as tf
    from jax.profiler import ProfileData

    with tempfile.TemporaryDirectory() as folder:
        step(), step()
        tf.profiler.experimental.start(folder)
        step(), step(), step()
        tf.profiler.experimental.stop()
        (path,) = glob.glob(f"{folder}/**/*.xplane.pb", recursive=True)
        planes = ProfileData.from_file(path).planes
    spent = collections.Counter()
    for plane in planes:
        if plane.name == "/host:CPU":
            for line in plane.lines:
                for event in line.events:
                    # Operations alone are called ``name:Type``.
                    if re.search(r"\w:\w+$", event.name):
                        spent[kind_of(event.name)] += event.duration_ns
    return spent


def kind_of(operation):
    for kind, pattern in KINDS.items():
        if re.search(pattern, operation):
            return kind
    return "element by element"


def profiled(network, precision):
    words = ["--serve", network, "profile", precision]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.training_step", *words],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def has_lrn(network):
    import kerazoo

    kinds = {type(layer) for layer in kerazoo.create(network).layers}
    return kerazoo.layers.LocalResponseNormalization in kinds


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="*", default=NETWORKS)
    parser.add_argument("--all", action="store_true", help="every network")
    parser.add_argument("--sides", nargs="*", choices=KERAS, default=[*KERAS])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--torch", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--quick", action="store_true", help="ResNet-50 alone")
    parser.add_argument("--serve", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.serve:
        network, what, *rest = arguments.serve
        if what == "peak":
            serve_peak()
        else:
            {"keras": serve_keras, "profile": profile}[what](network, *rest)
        return
    if arguments.quick:
        arguments.networks, arguments.repeats = ["resnet50"], 5
    if arguments.all:
        import kerazoo

        arguments.networks = kerazoo.list_models()
    if arguments.profile:

        def rows(network):
            return {"profile": {p: profiled(network, p) for p in ("float32", "auto")}}

    else:
        peak = peaks()

        def rows(network):
            return measure(
                network, arguments.sides, arguments.repeats, arguments.torch, peak
            )

    harness.by_network(
        "training_step", __doc__.splitlines()[0], arguments.networks, rows, shares
    )


if __name__ == "__main__":
    main()
