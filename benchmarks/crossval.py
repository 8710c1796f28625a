"""What does a cross-validation cost beside the same loop over plain Keras?

Both sides train LeNet-5 on the same five folds of the digits for the same epochs with
the same recipe (without augmentation). The plain loop is StratifiedKFold, ``compile``
and ``fit`` on arrays; ours leaves a run folder for every fold, which resumes, and is
shared by one and by two processes. The clock of two includes the
start of the second.
"""

import argparse
import shutil
import tempfile
import time

from benchmarks import harness

NETWORK, FOLDS, BATCH, RATE = "lenet5", 5, 64, 2e-3


def plain(images, epochs):
    """Accuracies of a hand-written loop."""
    import keras
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    import kerazoo

    pixels = images.train.source.images[images.train.indices].astype("float32")
    pixels, labels = (
        np.asarray(keras.ops.image.resize(pixels, (28, 28))),
        images.train.labels,
    )
    scores = []
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=1)
    for train, test in splitter.split(pixels, labels):
        keras.utils.set_random_seed(1)
        scale = keras.layers.Normalization()
        scale.adapt(pixels[train])
        inputs = keras.Input((28, 28, 1))
        model = kerazoo.create(NETWORK, input_tensor=scale(inputs), classes=10)
        model.compile(
            keras.optimizers.Adam(RATE),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        model.fit(
            pixels[train], labels[train], batch_size=BATCH, epochs=epochs, verbose=0
        )
        scores.append(model.evaluate(pixels[test], labels[test], verbose=0)[1])
        keras.utils.clear_session()
    return scores


def main():
    import numpy as np

    from kerazoo import data, tuning
    from kerazoo.recipe import Optimizer, Recipe

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    images = data.load("digits", validation=0)
    recipe = Recipe(
        batch_size=BATCH,
        epochs=arguments.epochs,
        optimizer=Optimizer(name="adam", learning_rate=RATE),
    )
    scores = {}

    def ours(workers):
        folder = tempfile.mkdtemp()
        try:
            start = time.perf_counter()
            found = tuning.cross_validate(
                NETWORK,
                None,
                recipe,
                folder=folder,
                plan=tuning.FoldPlan(folds=FOLDS),
                execution=tuning.Execution(workers=workers),
            )
            seconds = time.perf_counter() - start
        finally:
            shutil.rmtree(folder)
        scores[f"kerazoo, {workers}"] = found.scores
        return seconds

    def by_hand():
        scores["plain Keras"] = plain(images, arguments.epochs)

    measures = harness.turns(
        {
            "plain Keras": by_hand,
            "one process": lambda: ours(1),
            "two processes": lambda: ours(2),
        },
        repeats=arguments.repeats,
    )
    harness.save(
        "crossval",
        __doc__.splitlines()[0],
        {
            "epochs": arguments.epochs,
            "seconds": {name: harness.summary(v) for name, v in measures.items()},
            "plain / one process": harness.ratio(
                measures["plain Keras"], measures["one process"]
            ),
            "one / two processes": harness.ratio(
                measures["one process"], measures["two processes"]
            ),
            "accuracy": {
                name: {"mean": float(np.mean(v)), "std": float(np.std(v))}
                for name, v in scores.items()
            },
        },
    )


if __name__ == "__main__":
    main()
