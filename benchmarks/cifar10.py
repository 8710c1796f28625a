"""How close to the papers' error on CIFAR-10 do the modern recipes come?

Every row is one command of the package, in a run folder that is kept, so that an
interrupted benchmark goes on where it stopped. Set ``KERAZOO_DATA_DIR`` to where TFDS
finds CIFAR-10, or let it download.
"""

import argparse
import pathlib

from benchmarks import harness

# Test error in per cent with flips and translations: He et al. 2016, arXiv 1603.05027,
# Table 4; ResNet-20 to -56 of He et al. 2015, arXiv 1512.03385, Table 6.
PAPERS = {
    "nin_cifar": 8.81,
    "dsn": 8.22,
    "fitnet4": 8.39,
    "highway19": 7.72,
    "all_cnn_c": 7.25,
    "elu18": 6.55,
    "fitresnet4": 5.84,
    "resnet20_cifar": 8.75,
    "resnet32_cifar": 7.51,
    "resnet56_cifar": 6.97,
    "resnet110_cifar": 6.61,
    "preresnet164_cifar": 5.46,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=PAPERS, default=["resnet20_cifar"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--runs", type=pathlib.Path, default="runs/cifar10")
    parser.add_argument("--data", default="cifar10")
    arguments = parser.parse_args()
    rows = harness.earlier("cifar10")
    for network in arguments.only:
        command = f"kerazoo train {network} --recipe modern --data {arguments.data}"
        results = [
            harness.train(
                f"{command} --seed {seed}", arguments.runs / f"{network}-{seed}"
            )
            for seed in range(1, arguments.seeds + 1)
        ]
        rows[network] = {
            "command": command,
            "paper's error in per cent": PAPERS[network],
            "error in per cent": [
                round(100 * (1 - result["accuracy"]), 2) for result in results
            ],
            "epochs": results[0]["epochs"],
            "seconds": [result["seconds"] for result in results],
        }
        harness.save("cifar10", __doc__.splitlines()[0], rows)


if __name__ == "__main__":
    main()
