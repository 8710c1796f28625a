"""What does each precision cost and lose, beside plain Keras, in one run?"""

import argparse
import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import kerazoo
from benchmarks import harness
from kerazoo import recipes
from kerazoo.precision import choose, use

BATCH = 8
PRECISIONS = ("float32", "mixed_bfloat16", "auto")


def stepper(build, precision):
    """A callable that trains a step under a precision, once its graph is made."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(BATCH, 224, 224, 3)).astype("float32")
    labels = rng.integers(0, 1000, BATCH)
    chosen = choose(precision)
    with use(chosen):
        keras.utils.set_random_seed(1)
        model = build()
        model.compile(
            keras.optimizers.SGD(0.01),
            "sparse_categorical_crossentropy",
            jit_compile=chosen.jit_compile,
        )
        loss = float(model.train_on_batch(images, labels))

    def step():
        with use(chosen):
            start = time.perf_counter()
            model.train_on_batch(images, labels)
            return time.perf_counter() - start

    return step, loss


def accuracy(network, data, precision, seeds):
    """Test accuracies of trainings that differ in their seed."""
    found = []
    for seed in range(1, seeds + 1):
        recipe = recipes.for_network(network).override(f"seed={seed}", f"data={data}")
        with tempfile.TemporaryDirectory() as folder:
            run = kerazoo.fit(
                network, recipe=recipe, run=f"{folder}/run", precision=precision
            )
            found.append(run.metrics.accuracy)
    return found


def steps():
    """Seconds of a training step of ResNet-50, the sides in turns."""
    sides, losses = {}, {}

    def plain():
        return keras.applications.ResNet50(weights=None)

    sides["plain Keras"], losses["plain Keras"] = stepper(plain, "float32")
    for precision in PRECISIONS:
        sides[precision], losses[precision] = stepper(kerazoo.resnet50, precision)
    measures = harness.turns(sides, repeats=5)
    return {
        name: {
            "seconds a ResNet-50 step": harness.summary(seconds),
            "times as fast as plain Keras": harness.ratio(
                measures["plain Keras"], seconds
            ),
            "first loss": losses[name],
        }
        for name, seconds in measures.items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", nargs="*", default=["digits"])
    parser.add_argument("--no-steps", action="store_true", help="Keep those there are.")
    arguments, _ = parser.parse_known_args()
    result = harness.earlier("precision")
    if not (arguments.no_steps and result):
        result |= steps()
    for data in arguments.data:
        for precision in PRECISIONS:
            found = accuracy("lenet5", data, precision, arguments.seeds)
            result[precision][f"lenet5 on {data}, accuracy by seed"] = found
    harness.save("precision", __doc__, result)


if __name__ == "__main__":
    main()
