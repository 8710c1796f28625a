"""How does the error fall with the members, by seeds and by snapshots of one run?

AlexNet's seven networks in small: LeNet-5 trained from seven seeds, and, for the same
number of epochs in all, once through seven cosines with a snapshot at the end of each
(Huang et al. 2017), joined or averaged into one network (Izmailov et al. 2018). Runs
that are done are not repeated when the command is given again.
"""

import argparse
import pathlib
import tempfile

from benchmarks import harness

CYCLE = ("schedule.name=cosine", "schedule.warmup=0", "optimizer.learning_rate=0.003")


def runs(arguments):
    """The members of seven seeds, and the run with the snapshots."""
    from kerazoo import data, recipes, training

    images = data.load(arguments.data)
    recipe = recipes.find("lenet5").override(*CYCLE, f"epochs={arguments.epochs}")
    count, epochs = arguments.members, arguments.epochs
    wanted = {
        f"seed {seed}": recipe.override(f"seed={seed}") for seed in range(1, count + 1)
    }
    ends = [epochs * (n + 1) for n in range(count)]
    wanted["snapshots"] = recipe.override(
        f"epochs={ends[-1]}", f"schedule.cycles={count}", f"snapshots={ends}"
    )
    places = {}
    for name, recipe in wanted.items():
        place = pathlib.Path(arguments.folder, name.replace(" ", "_"))
        if not (place / "metrics.json").is_file():
            training.fit("lenet5", images, recipe, run=place, events=False, verbose=0)
        places[name] = place
    return places


def main():
    from kerazoo import tuning

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--members", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=3, help="of a member")
    parser.add_argument("--folder", default=None, help="where the runs are kept")
    arguments = parser.parse_args()
    arguments.folder = arguments.folder or tempfile.mkdtemp()
    places = runs(arguments)
    snapshots = places.pop("snapshots")
    result = {"data": arguments.data, "epochs of a member": arguments.epochs}
    for name, given, options in (
        ("seeds", places.values(), {}),
        ("seeds, voting", places.values(), {"rule": "votes"}),
        ("snapshots", [snapshots], {"snapshots": True}),
        ("snapshots, weights", [snapshots], {"snapshots": True, "rule": "weights"}),
    ):
        found = tuning.ensemble(list(given), **options)
        result[name] = {
            "members": [round(1 - one.score, 4) for one in found.members],
            "whole": round(1 - found.metrics.accuracy, 4),
            "correlation of errors": round(found.mean_correlation, 3),
            "error by members": [round(point.error, 4) for point in found.curve],
        }
    harness.save("ensembles", __doc__.splitlines()[0], result)


if __name__ == "__main__":
    main()
