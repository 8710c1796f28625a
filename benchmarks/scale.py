"""How does the cost of training grow: with depth, data, image size, batch and devices?

Every curve has its points measured in turns and is fitted by a power of the work (least
squares of the logarithms): exponent 1 is a cost in proportion. Steps are those of a
warm network in float32 on one device. Devices and processes share the same cores and
the same batch, so that 0 would be perfect there, and what is above it is the price of
sharing: a second device on this machine can win nothing.
"""

import argparse
import functools
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks import harness

DEPTHS, ALL_DEPTHS = (20, 32, 44, 56, 110), (20, 32, 44, 56, 110, 1202)
LENGTHS = (4_000, 8_000, 16_000, 32_000, 64_000)
SIDES = (32, 48, 64, 96, 128)
BATCHES = (1, 4, 16, 64, 256)
# Of a training that is measured; the first epoch traces.
EPOCHS = 4
IMAGES = 41 * 32


def stepper(network, batch, side=None):
    """A function that trains a step on the same images, and the seconds to build."""
    import keras

    import kerazoo

    start = time.perf_counter()
    options = {"input_shape": (side, side, 3)} if side else {}
    model = kerazoo.create(network, classifier_activation=None, **options)
    spent = time.perf_counter() - start
    model.compile(
        keras.optimizers.SGD(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    draw = np.random.default_rng(0)
    x = draw.uniform(0, 1, (batch, *model.input_shape[1:])).astype("float32")
    y = draw.integers(0, 10, batch)
    return functools.partial(_step, model, x, y), spent


def _step(model, x, y):
    model.train_on_batch(x, y)


def curve(unit, measures):
    """Work, seconds and the fitted exponent.

    Args:
        unit: What work is counted in.
        measures: The seconds of every turn by work.
    """
    rows = [harness.summary(spent) for spent in measures.values()]
    seconds = [row["median"] for row in rows]
    slope, _ = np.polyfit(np.log(list(measures)), np.log(seconds), 1)
    return {
        "unit of work": unit,
        "work": list(measures),
        "seconds": seconds,
        "low": [row["low"] for row in rows],
        "high": [row["high"] for row in rows],
        "exponent": float(slope),
    }


def depth(depths, repeats):
    made = {n: stepper(f"resnet{n}_cifar", 16) for n in depths}
    steps = harness.turns({n: step for n, (step, _) in made.items()}, repeats=repeats)
    return {
        "Training step of ResNet-n for CIFAR, 16 images": curve("layers", steps),
        "Building ResNet-n for CIFAR": curve(
            "layers", {n: [spent] for n, (_, spent) in made.items()}
        ),
    }


def size(repeats):
    made = {side**2: stepper("resnet20_cifar", 16, side)[0] for side in SIDES}
    steps = harness.turns(made, repeats=repeats)
    return {"Training step of ResNet-20, 16 images": curve("pixels of an image", steps)}


def batch(repeats):
    made = {count: stepper("resnet20_cifar", count)[0] for count in BATCHES}
    steps = harness.turns(made, repeats=repeats)
    return {"Training step of ResNet-20, 32x32": curve("images in a batch", steps)}


def length(repeats):
    """Epochs of LeNet-5 as ``kerazoo train`` feeds it."""
    import keras

    import kerazoo
    from kerazoo.data import Batches
    from kerazoo.data.splits import Arrays, Split

    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (max(LENGTHS), 28, 28, 1), "uint8")
    labels = draw.integers(0, 10, max(LENGTHS))

    def epoch(count):
        arrays = Arrays(lambda: (images, labels), len(images), (28, 28, 1))
        split = Split(
            arrays, name="drawn", classes=map(str, range(10)), indices=np.arange(count)
        )
        batches = Batches(split, 64, image_shape=(28, 28, 1), shuffle=True)
        dataset = batches.epochs()
        return lambda: _fit(model, dataset, batches.steps)

    model = kerazoo.create("lenet5", classifier_activation=None)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    epochs = harness.turns({n: epoch(n) for n in LENGTHS}, repeats=repeats)
    return {"Epoch of LeNet-5": curve("images of the data", epochs)}


def _fit(model, dataset, steps):
    model.fit(dataset, steps_per_epoch=steps, shuffle=False, verbose=0)


def devices():
    """Epochs of ``kerazoo train``, as the events tell of them."""
    ways = {
        "logical devices": lambda n: ["train", "--devices", str(n)],
        "processes": lambda n: ["launch", "--processes", str(n), "--", "train"],
    }
    return {
        f"Epoch of ResNet-20 on the digits, shared by {name}": curve(
            name, {n: epochs(words(n)) for n in (1, 2)}
        )
        for name, words in ways.items()
    }


def epochs(words):
    """Seconds of every epoch of a command after the first."""
    from tensorboard.backend.event_processing import event_accumulator
    from tensorboard.util.tensor_util import make_ndarray

    # So the training images are whole batches, which all devices share alike.
    settings = ("image_shape=[32,32,3]", "validation=0.09", "batch_size=32")
    settings += (f"epochs={EPOCHS}",)
    words = [*words, "resnet20_cifar", "--data", "digits", "--precision", "float32"]
    for setting in settings:
        words += ["--set", setting]
    with tempfile.TemporaryDirectory() as folder:
        run = pathlib.Path(folder, "run")
        subprocess.run(
            [sys.executable, "-m", "kerazoo", *words, "--run", str(run)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        events = event_accumulator.EventAccumulator(
            str(run / "events" / "kerazoo"), size_guidance={"tensors": 0}
        ).Reload()
    speeds = [
        float(make_ndarray(event.tensor_proto))
        for event in events.Tensors("images_per_second")
    ]
    return [IMAGES / speed for speed in speeds[1:]]


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    curves = ("depth", "size", "batch", "length", "devices")
    parser.add_argument("--curves", nargs="*", choices=curves, default=curves)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--full", action="store_true", help="ResNet-1202 as well")
    parser.add_argument("--quick", action="store_true", help="three turns, no devices")
    arguments = parser.parse_args(words)
    repeats, chosen = arguments.repeats, list(arguments.curves)
    if arguments.quick:
        repeats, chosen = 3, [name for name in chosen if name != "devices"]
    measure = {
        "depth": lambda: depth(ALL_DEPTHS if arguments.full else DEPTHS, repeats),
        "size": lambda: size(repeats),
        "batch": lambda: batch(repeats),
        "length": lambda: length(min(5, repeats)),
        "devices": devices,
    }
    result = harness.earlier("scale")
    for name in chosen:
        start = time.perf_counter()
        print(name, flush=True)
        result |= measure[name]()
        print(f"  {time.perf_counter() - start:.0f} s", flush=True)
        harness.save("scale", __doc__.splitlines()[0], result)


if __name__ == "__main__":
    main()
