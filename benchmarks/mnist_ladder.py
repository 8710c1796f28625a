"""How far does each rung of the seminar's ladder get on MNIST?

Every row is one command of the package; set ``KERAZOO_DATA_DIR`` to where TFDS finds
MNIST, or let it download.
"""

import argparse
import pathlib
import tempfile

from benchmarks import harness

# Network, arguments, what the slides say of it, what this package promises; then the
# slides' exercises, of which they print no figure, by their recipes.
RUNGS = {
    "mlp_50": ("", "", None),
    "mlp_256": ("", "about 92 %", 0.975),
    "mlp_deep5": ("", "about 99 %", 0.982),
    "lenet5_original": ("--recipe lenet5_1998", "", 0.985),
    "lenet5": ("--set augment=translate:0.06", "", 0.990),
    "slide_cnn_a": ("", '"100 %"', 0.993),
    "slide_cnn_b": ("", "", None),
    "as on the slides: mlp_50, first": ("--recipe two_layer_net", "", None),
    "as on the slides: mlp_50, improved": (
        "--recipe two_layer_net_improved",
        "",
        None,
    ),
    "as on the slides: slide_cnn_b": ("--recipe slide_cnn_b", "", None),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=RUNGS)
    arguments = parser.parse_args()
    rows = harness.earlier("mnist_ladder")
    for rung in arguments.only or RUNGS:
        options, slides, promise = RUNGS[rung]
        network = rung.rpartition(": ")[2].partition(",")[0]
        command = f"kerazoo train {network} --data mnist {options}".strip()
        results = []
        for seed in range(1, arguments.seeds + 1):
            with tempfile.TemporaryDirectory() as folder:
                run = pathlib.Path(folder) / "run"
                results.append(harness.train(f"{command} --seed {seed}", run))
        rows[rung] = {
            "command": command,
            "slides": slides,
            "promise": promise,
            "test_accuracy": [result["accuracy"] for result in results],
            "epochs": results[0]["epochs"],
            "seconds": [result["seconds"] for result in results],
        }
        harness.save("mnist_ladder", __doc__.splitlines()[0], rows)


if __name__ == "__main__":
    main()
