"""Trains the weights that the package ships, each the best of its seeds.

Every row is a command of ``kerazoo train``; the seed with the best last validation
accuracy is taken, and its test accuracy is the one that is told. Words are networks;
all by default. A run that is there already, in runs/weights, is not trained again.
"""

import hashlib
import importlib.metadata
import pathlib
import subprocess
import sys

import kerazoo
from benchmarks import harness
from kerazoo.serving.own_weights import save_run_weights
from kerazoo.weights import catalogue

PLACE = pathlib.Path(catalogue.__file__).with_name("trained")
RUNS = pathlib.Path("runs/weights")
QUESTION = "what are the weights worth that come with the package?"
# Network, data, recipe, seeds.
ROWS = (
    ("lenet5", "mnist", "lenet5", (1, 2, 3)),
    ("slide_cnn_a", "mnist", "slide_cnn", (1, 2, 3)),
    ("slide_cnn_b", "mnist", "slide_cnn", (1, 2, 3)),
    ("mlp_50", "mnist", "mlp", (1, 2, 3)),
    ("mlp_256", "mnist", "mlp", (1, 2, 3)),
    ("mlp_deep5", "mnist", "mlp", (1, 2, 3)),
    ("lenet5_original", "mnist", "lenet5_1998", (1, 2)),
    ("lenet5", "digits", "lenet5", (1, 2, 3)),
    ("slide_cnn_b", "digits", "slide_cnn", (1, 2, 3)),
)


def words(network, data, recipe, seed):
    return f"kerazoo train {network} --recipe {recipe} --data {data} --seed {seed}"


def train(network, data, recipe, seed):
    """The finished run of a seed."""
    place = RUNS / f"{network}-{data}-{seed}"
    if not (place / "metrics.json").exists():
        command = [*words(network, data, recipe, seed).split()[1:], "--run", str(place)]
        subprocess.run([sys.executable, "-m", "kerazoo", *command], check=True)
    return kerazoo.Run(place)


def version(data):
    """Of the data set."""
    if data == "digits":
        return f"scikit-learn {importlib.metadata.version('scikit-learn')}"
    import tensorflow_datasets as tfds

    return f"tensorflow_datasets {data} {tfds.builder_cls(data).VERSION}"


def make(network, data, recipe, seeds):
    """Trains, chooses and writes; what is told of it."""
    runs = {seed: train(network, data, recipe, seed) for seed in seeds}
    validation = {s: run.history[-1]["val_accuracy"] for s, run in runs.items()}
    seed = max(validation, key=validation.get)
    run, path = runs[seed], PLACE / f"{network}-{data}.safetensors"
    # A half is exact enough where the file would be large.
    half = kerazoo.find(network).total > 1_000_000
    facts = {
        "command": words(network, data, recipe, seed),
        "seed": seed,
        "validation_accuracy": {str(s): one for s, one in validation.items()},
        "data_version": version(data),
    }
    known = save_run_weights(
        run, path, name=f"kerazoo/{data}", half=half, training=facts
    )
    return {
        "command": facts["command"],
        "validation accuracy of each seed": list(validation.values()),
        "test accuracy": known.accuracy[0].top1,
        "bytes": path.stat().st_size,
    }


def write_sums():
    """The SHA-256 of every file, as the command sha256sum checks them."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(PLACE.glob("*.safetensors"))
    ]
    (PLACE / "SHA256SUMS").write_text("".join(lines))


def main():
    wanted = sys.argv[1:]
    result = harness.earlier("trained_weights") if wanted else {}
    for network, data, recipe, seeds in ROWS:
        if not wanted or network in wanted:
            result[f"{network}, {data}"] = make(network, data, recipe, seeds)
            write_sums()
            harness.save("trained_weights", QUESTION, result)


if __name__ == "__main__":
    main()
