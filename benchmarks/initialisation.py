"""Which beginnings let FitNet 4 learn: LSUV, orthonormal, He, Xavier by activation?

The study of Mishkin & Matas (arXiv 1511.06422, Table 3) on CIFAR-10. ``--full`` is its
recipe, for a GPU: 90,000 steps of 128 images. Without it a CPU sees 20,000 images of
16x16 five times in batches of 25, which tells what begins to learn, not what is best in
the end. Cells that are done are not repeated when the command is given again.
"""

import argparse
import pathlib
import tempfile

from benchmarks import harness
from kerazoo.run import Run

INITIALIZERS = {
    "LSUV": "lsuv",
    "orthonormal": "orthonormal",
    "He": "msra",
    "Xavier": "xavier",
}
ACTIVATIONS = ("maxout", "relu", "vlrelu", "tanh", "sigmoid")
SMALL = ("image_shape=16,16,3", "batch_size=25", "steps=None", "schedule.name=constant")
# Twice as often right as one that guesses.
LEARNS = 0.20


def train(initializer, activation, arguments):
    """One cell: what the last epoch and the test images say."""
    from kerazoo import data, recipes, training
    from kerazoo.training.state import Diverged

    recipe = recipes.find("fitnet4_lsuv").override(
        f"initializer={initializer}", f'options={{"activation": "{activation}"}}'
    )
    if (initializer, activation) == ("xavier", "maxout"):
        recipe = recipe.override("optimizer.momentum=0.5")
    splits = {}
    if not arguments.full:
        recipe = recipe.override(*SMALL, f"epochs={arguments.epochs}")
        splits = {
            "train_split": f"train[:{arguments.images}]",
            "test_split": f"test[:{arguments.images // 10}]",
        }
    images = data.load("cifar10", validation=0, **splits)
    place = pathlib.Path(arguments.folder) / f"{initializer}-{activation}"
    try:
        run = Run(place) if (place / "metrics.json").is_file() else None
        run = run or training.fit(
            "fitnet4", images, recipe, run=place, events=False, verbose=0
        )
    except Diverged as error:
        return {"converges": False, "reason": str(error).partition(";")[0]}
    last = run.history[-1]
    return {
        "converges": last["accuracy"] > LEARNS,
        "train_loss": round(last["loss"], 4),
        "train_accuracy": round(last["accuracy"], 4),
        "test_accuracy": round(run.metrics.accuracy, 4),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the paper's recipe")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--folder", default=None, help="where the runs are kept")
    parser.add_argument("--only", nargs="*", help="as in LSUV:relu")
    arguments = parser.parse_args()
    if arguments.folder is None:
        arguments.folder = tempfile.mkdtemp()
    size = "full" if arguments.full else f"{arguments.images} x {arguments.epochs}"
    result = harness.earlier("initialisation")
    rows = result.setdefault(size, {})
    for name, initializer in INITIALIZERS.items():
        for activation in ACTIVATIONS:
            cell = f"{name}:{activation}"
            if cell in rows or (arguments.only and cell not in arguments.only):
                continue
            rows[cell] = train(initializer, activation, arguments)
            print(cell, rows[cell], flush=True)
            harness.save("initialisation", __doc__.splitlines()[0], result)


if __name__ == "__main__":
    main()
