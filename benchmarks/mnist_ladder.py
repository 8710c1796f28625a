"""How far does each rung of the seminar's ladder get on MNIST?

Every row is one command of the package; set ``KERAZOO_DATA_DIR`` to where TFDS finds
MNIST, or let it download.
"""

import argparse
import pathlib
import tempfile

from benchmarks import harness

# Network, arguments, what the slides say, what this package promises.
RUNGS = {
    "mlp_50": ("", "about 92 %", None),
    "mlp_256": ("", "about 92 %", 0.975),
    "mlp_deep5": ("", "about 97 to 98 %", 0.982),
    "lenet5_original": ("--recipe lenet5_1998", "", 0.985),
    "lenet5": ("--set augment=translate:0.06", "99 %", 0.990),
    "slide_cnn_a": ("", '"100 %"', 0.993),
    "slide_cnn_b": ("", '"100 %"', None),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=RUNGS)
    arguments = parser.parse_args()
    rows = harness.earlier("mnist_ladder")
    for network in arguments.only or RUNGS:
        options, slides, promise = RUNGS[network]
        command = f"kerazoo train {network} --data mnist {options}".strip()
        results = []
        for seed in range(1, arguments.seeds + 1):
            with tempfile.TemporaryDirectory() as folder:
                run = pathlib.Path(folder) / "run"
                results.append(harness.train(f"{command} --seed {seed}", run))
        rows[network] = {
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
