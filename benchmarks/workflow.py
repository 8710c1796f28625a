"""What does ``kerazoo train`` cost beside a minimal Keras script of the same epochs?

The same network, batches, optimiser, schedule and precision on MNIST; what differs is
what the command does besides: summaries, states to resume from, metrics, pictures, the
saved model. Set ``KERAZOO_DATA_DIR`` to where TFDS finds MNIST, or let it download.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from benchmarks import harness

NETWORK, BATCH, VALIDATION = "lenet5", 64, 6000
KERAZOO, SCRIPT = "kerazoo train", "minimal Keras script"
SCRIPT_8 = "the script with steps_per_execution=8"


def script(epochs, steps_per_execution, folder):
    """What a user would write by hand."""
    import keras
    import tensorflow as tf
    import tensorflow_datasets as tfds

    from kerazoo import lenet5

    keras.utils.set_random_seed(1)
    directory = os.environ.get("KERAZOO_DATA_DIR")
    train, validation, test = tfds.load(
        "mnist",
        split=[f"train[{VALIDATION}:]", f"train[:{VALIDATION}]", "test"],
        as_supervised=True,
        data_dir=directory,
    )

    def prepare(image, label):
        return tf.image.resize(tf.cast(image, tf.float32), (32, 32)), label

    train = train.map(prepare, tf.data.AUTOTUNE).cache().shuffle(10_000)
    train = train.batch(BATCH).prefetch(tf.data.AUTOTUNE)
    validation = validation.map(prepare, tf.data.AUTOTUNE).batch(BATCH).cache()
    test = test.map(prepare, tf.data.AUTOTUNE).batch(BATCH)
    images = keras.Input((32, 32, 1))
    x = keras.layers.Rescaling(1 / 78.6, -33.3 / 78.6)(images)
    model = lenet5(input_tensor=x, classifier_activation=None)
    steps = -(-(60_000 - VALIDATION) // BATCH) * epochs
    warmup = round(0.15 * steps)
    rate = keras.optimizers.schedules.CosineDecay(
        2e-4, steps - warmup, 0.0, warmup_target=2e-3, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(5)],
        steps_per_execution=steps_per_execution,
    )
    model.fit(train, validation_data=validation, epochs=epochs, verbose=0)
    print(model.evaluate(test, verbose=0))
    model.save(pathlib.Path(folder, "model.keras"))


def run(command):
    """Seconds of a command in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        words = [word.format(folder=folder) for word in command]
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


def commands(epochs):
    settings = [
        *("--data", "mnist", "--epochs", str(epochs), "--precision", "float32"),
        *("--set", "augment=", "--run", "{folder}/run"),
    ]
    by_hand = ["-m", "benchmarks.workflow", "--script", "{folder}"]
    return {
        KERAZOO: ["-m", "kerazoo.cli", "train", NETWORK, *settings],
        SCRIPT: [*by_hand, str(epochs), "1"],
        SCRIPT_8: [*by_hand, str(epochs), "8"],
    }


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", nargs="*", type=int, default=[1, 5])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one epoch, one turn")
    parser.add_argument("--script", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.script:
        folder, epochs, together = arguments.script
        script(int(epochs), int(together), folder)
        return
    if arguments.quick:
        arguments.epochs, arguments.repeats = [1], 1
    result = harness.earlier("workflow")
    for epochs in arguments.epochs:
        sides = {
            name: lambda command=command: run(command)
            for name, command in commands(epochs).items()
        }
        measures = harness.turns(sides, repeats=arguments.repeats, warmup=0)
        result[f"{epochs} epochs"] = {
            name: {
                "seconds": harness.summary(seconds),
                "kerazoo's time over this": harness.ratio(measures[KERAZOO], seconds),
            }
            for name, seconds in measures.items()
        }
        harness.save("workflow", __doc__.splitlines()[0], result)


if __name__ == "__main__":
    main()
