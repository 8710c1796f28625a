"""What does ``kerazoo train`` cost beside a minimal Keras script of the same epochs?

Both sides train the same network on the same images with the same batches, optimiser,
schedule and precision, evaluate the validation images after every epoch and the test
images once, and save one model. The script is what the guides of TFDS and Keras write:
``cache``, ``shuffle``, ``batch``, ``prefetch``, ``compile`` and ``fit``, with means and
deviations that its author knows. ``kerazoo train`` does besides: statistics of the
images, TensorBoard's events with histograms and pictures, states to resume from, a
history and a confusion matrix, two figures, calibration and the accuracy of every
class, and a model that takes raw images of any size. It holds decoded images in memory,
and takes several steps at a time where a step is short; the third side is the script
with the same ``steps_per_execution``. Set ``KERAZOO_DATA_DIR`` to where TFDS finds the
sets, or let it download them.
"""

import argparse
import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import harness

KERAZOO, SCRIPT = "kerazoo train", "minimal Keras script"
BATCH, RATE, WARMUP = 64, 2e-3, 0.15
SETTINGS = (
    "augment=",
    f"batch_size={BATCH}",
    "optimizer.name=adam",
    f"optimizer.learning_rate={RATE}",
    "optimizer.global_clipnorm=None",
    f"schedule.warmup={WARMUP}",
)
MOMENTS = {
    "mnist": ([33.3], [78.6]),
    "cifar10": ([125.3, 123.0, 113.9], [63.0, 62.1, 66.7]),
}


@dataclasses.dataclass(frozen=True)
class Case:
    """A training, and how many steps ``kerazoo train`` takes at a time there."""

    network: str
    data: str
    epochs: int
    together: int = 1

    def __str__(self):
        return f"{self.network}, {self.data}, {self.epochs} epochs"


CASES = (
    Case("lenet5", "mnist", 1, together=4),
    Case("lenet5", "mnist", 5, together=4),
    Case("resnet20_cifar", "cifar10", 1),
)


def script(case, together, folder):
    """What a user would write by hand."""
    import keras
    import tensorflow as tf
    import tensorflow_datasets as tfds

    from kerazoo import create

    keras.utils.set_random_seed(1)
    (train, validation, test), info = tfds.load(
        case.data,
        split=["train[10%:]", "train[:10%]", "test"],
        as_supervised=True,
        with_info=True,
        data_dir=os.environ.get("KERAZOO_DATA_DIR"),
    )
    train = (
        train.cache().shuffle(10_000, seed=1).batch(BATCH).prefetch(tf.data.AUTOTUNE)
    )
    validation = validation.batch(BATCH).cache().prefetch(tf.data.AUTOTUNE)
    test = test.batch(BATCH).prefetch(tf.data.AUTOTUNE)
    mean, std = MOMENTS[case.data]
    images = keras.Input(info.features["image"].shape)
    normalised = keras.layers.Normalization(mean=mean, variance=[s * s for s in std])
    model = create(
        case.network, input_tensor=normalised(images), classifier_activation=None
    )
    steps = len(train) * case.epochs
    warmup = round(WARMUP * steps)
    rate = keras.optimizers.schedules.CosineDecay(
        0.1 * RATE, steps - warmup, warmup_target=RATE, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(5)],
        steps_per_execution=together,
    )
    model.fit(train, validation_data=validation, epochs=case.epochs, verbose=0)
    print(model.evaluate(test, verbose=0), len(train), model.optimizer.iterations)
    model.save(pathlib.Path(folder, "model.keras"))


def commands(case):
    """The words of every side; ``{folder}`` stands for a folder of its own."""
    train = ["train", case.network, "--data", case.data, "--precision", "float32"]
    for setting in (*SETTINGS, f"epochs={case.epochs}"):
        train += ["--set", setting]
    sides = {KERAZOO: ["-m", "kerazoo", *train, "--run", "{folder}/run"]}
    for together in sorted({1, case.together}):
        name = SCRIPT + (f", steps_per_execution={together}" if together > 1 else "")
        words = ["-m", "benchmarks.workflow", "--case", str(CASES.index(case))]
        sides[name] = [*words, "--script", str(together), "{folder}"]
    return sides


def run(words, verbose):
    """Seconds of a command in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        words = [word.format(folder=folder) for word in words]
        start = time.perf_counter()
        output = None if verbose else subprocess.DEVNULL
        subprocess.run([sys.executable, *words], check=True, stdout=output)
        return time.perf_counter() - start


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", nargs="*", type=int, default=range(len(CASES)))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="the first case, one turn")
    parser.add_argument("--verbose", action="store_true", help="what both sides print")
    parser.add_argument("--script", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.script:
        together, folder = arguments.script
        script(CASES[arguments.case[0]], int(together), folder)
        return
    if arguments.quick:
        arguments.case, arguments.repeats = [0], 1
    result = harness.earlier("workflow")
    for case in [CASES[number] for number in arguments.case]:
        print(case, flush=True)
        sides = {
            name: lambda words=words: run(words, arguments.verbose)
            for name, words in commands(case).items()
        }
        measures = harness.turns(sides, repeats=arguments.repeats, warmup=0)
        result[str(case)] = {
            name: {
                "seconds": harness.summary(seconds),
                "kerazoo's time over this": harness.ratio(measures[KERAZOO], seconds),
            }
            for name, seconds in measures.items()
        }
        harness.save("workflow", __doc__.splitlines()[0], result)


if __name__ == "__main__":
    main()
