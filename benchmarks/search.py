"""How many trials a minute does a search make, beside a plain keras-tuner script?

Both sides train LeNet-5 with the same hyper-parameters (a grid of learning rates), for
the same number of epochs, on the same images, and validate on the same share of them.
The plain script is written as the guides of keras-tuner and TFDS are: a function that
builds and compiles the model, `tfds.load`, `map`, `shuffle`, `batch`, `prefetch`, and
`tuner.search`. A second one caches the mapped images, as TFDS' guide on performance
advises. Each side runs in a process of its own, which has trained one trial before the
clock starts, so that neither imports nor preparing count.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

from benchmarks import harness

QUESTION = __doc__.splitlines()[0]
RATES = (3e-4, 1e-3, 3e-3, 1e-2)
SHARE = 0.1


def ours(name, epochs, rates, folder):
    """Seconds of the search by kerazoo, and its best score."""
    from kerazoo import data, tuning
    from kerazoo.recipe import Optimizer, Recipe

    recipe = Recipe(
        data=name,
        batch_size=64,
        epochs=epochs,
        validation=SHARE,
        optimizer=Optimizer(name="adam"),
    )
    images = data.load(name, validation=SHARE, seed=recipe.seed)

    def search(rates, place):
        start = time.perf_counter()
        found = tuning.search(
            "lenet5",
            images,
            recipe,
            folder=os.path.join(folder, place),
            plan=tuning.SearchPlan(space={"learning_rate": rates}, strategy="grid"),
            execution=tuning.Execution(verbose=False),
        )
        return time.perf_counter() - start, found.best.score

    search([1e-4, 2e-4], "warmup")
    return search(list(rates), "search")


def plain(name, epochs, rates, folder, cached=False):
    """Seconds of a plain keras-tuner script, and its best score."""
    import keras
    import keras_tuner
    import platformdirs
    import tensorflow as tf
    import tensorflow_datasets as tfds

    # Makes the digits known to TFDS.
    import kerazoo.data.digits  # noqa: F401
    from kerazoo import lenet5

    data_dir = os.environ.get("KERAZOO_DATA_DIR")
    if name == "digits":
        data_dir = data_dir or platformdirs.user_cache_dir("kerazoo")
    part = int(100 * (1 - SHARE))
    splits = [f"train[:{part}%]", f"train[{part}%:]"]
    train, validation = tfds.load(
        name, split=splits, as_supervised=True, data_dir=data_dir
    )

    def prepare(image, label):
        image = tf.image.resize(tf.cast(image, tf.float32) / 255, (28, 28))
        return image, label

    train = train.map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    validation = validation.map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    if cached:
        train, validation = train.cache(), validation.cache()
    train = train.shuffle(10_000).batch(64).prefetch(tf.data.AUTOTUNE)
    validation = validation.batch(64).prefetch(tf.data.AUTOTUNE)

    def search(rates, place):
        def build(hp):
            model = lenet5(classes=10)
            rate = hp.Choice("learning_rate", rates)
            model.compile(
                keras.optimizers.Adam(rate),
                "sparse_categorical_crossentropy",
                metrics=["accuracy"],
            )
            return model

        start = time.perf_counter()
        tuner = keras_tuner.GridSearch(
            build, "val_accuracy", directory=folder, project_name=place
        )
        tuner.search(train, validation_data=validation, epochs=epochs, verbose=0)
        return time.perf_counter() - start, tuner.oracle.get_best_trials()[0].score

    search([1e-4, 2e-4], "warmup")
    return search(list(rates), "search")


SIDES = {
    "kerazoo": ours,
    "plain": plain,
    "plain, cached": lambda *args: plain(*args, cached=True),
}


def measure(side, name, epochs, trials):
    """Trials a minute of one side, in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.search", "--side", side]
    words += ["--data", name, "--epochs", str(epochs), "--trials", str(trials)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(arguments=()):
    """Runs all sides in turns and writes the record."""
    parser = argparse.ArgumentParser(description=QUESTION)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", choices=SIDES)
    options = parser.parse_args(arguments)
    budget = (options.data, options.epochs, options.trials)
    if options.side:
        with tempfile.TemporaryDirectory() as folder:
            rates = RATES[: options.trials]
            seconds, score = SIDES[options.side](*budget[:2], rates, folder)
        print(json.dumps({"rate": 60 * len(rates) / seconds, "score": score}))
        return
    scores = {name: [] for name in SIDES}

    def side(name):
        def run():
            result = measure(name, *budget)
            scores[name].append(result["score"])
            return result["rate"]

        return run

    rates = harness.turns(
        {name: side(name) for name in SIDES}, repeats=options.repeats, warmup=0
    )
    result = {
        "data": options.data,
        "epochs": options.epochs,
        "trials": options.trials,
        "trials a minute": {n: harness.summary(values) for n, values in rates.items()},
        "best score": {
            name: harness.summary(values) for name, values in scores.items()
        },
        "kerazoo / plain": harness.ratio(rates["kerazoo"], rates["plain"]),
        "kerazoo / plain, cached": harness.ratio(
            rates["kerazoo"], rates["plain, cached"]
        ),
    }
    harness.save("search", QUESTION, result)


if __name__ == "__main__":
    main(sys.argv[1:])
