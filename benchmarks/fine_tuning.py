"""ResNet-20 from akamaster's weights, which learnt CIFAR-10's PNG images.

On a JPEG copy of them, 78 steps of 128 images: the head alone, all layers with batch
norms frozen or trained. On scikit-learn's digits at 32 pixels: three epochs of the
recipe fine_tuning, and the same budget from random weights. One seed each. Takes
minutes on two cores; the weights' file is downloaded, or lies where KERAZOO_WEIGHTS_DIR
says.
"""

import dataclasses
import tempfile

import kerazoo
from benchmarks import harness
from kerazoo import recipes
from kerazoo.recipe import Optimizer, Schedule
from kerazoo.serving.classification import verify_weights

NETWORK, WEIGHTS = "resnet20_cifar", "akamaster/cifar10"
QUESTION = "what does a network gain that begins with trained weights?"
STEPS = {"epochs": 1, "steps": 78, "unfreeze_at": None, "batch_size": 128}
PLAIN = {"data": "cifar10", "validation": 0, "augment": (), "resize": "bilinear"}
# A few images, seen a few times.
SHORT = {"epochs": 3, "unfreeze_at": 1}
WAYS = {
    "the head": {"freeze": ("body",), "batch_norm": "frozen"},
    "all, batch norms frozen": {"freeze": (), "batch_norm": "frozen"},
    "all, batch norms trained": {"freeze": (), "batch_norm": "train"},
}


def accuracy(recipe, weights):
    with tempfile.TemporaryDirectory() as folder:
        run = kerazoo.fit(
            NETWORK,
            recipe=recipe,
            weights=weights,
            run=f"{folder}/run",
            events=False,
            verbose=2,
        )
        return run.metrics.accuracy


def on_the_copy():
    base = recipes.find("fine_tuning").replace(STEPS | PLAIN)
    base = dataclasses.replace(
        base,
        optimizer=Optimizer(name="sgd", learning_rate=0.01, momentum=0.9),
        schedule=Schedule(),
    )
    before = verify_weights(NETWORK, WEIGHTS, "cifar10").accuracy
    return {
        "nothing": before,
        **{name: accuracy(base.replace(way), WEIGHTS) for name, way in WAYS.items()},
    }


def on_digits():
    tuned = recipes.find("fine_tuning").replace(
        {"data": "digits", "augment": (), "resize": "bilinear"} | SHORT
    )
    new = tuned.replace(
        {
            "weights": None,
            "normalization": "standardize",
            "freeze": (),
            "unfreeze_at": None,
            "batch_norm": "train",
            "optimizer.stage_rate": None,
            "image_shape": (32, 32, 3),
        }
    )
    return {
        "from trained weights": accuracy(tuned, WEIGHTS),
        "from trained weights, batch norms trained": accuracy(
            tuned.replace({"batch_norm": "train"}), WEIGHTS
        ),
        "from random ones": accuracy(new, None),
    }


def main():
    result = {
        "accuracy on the JPEG copy of CIFAR-10 by what learns": on_the_copy(),
        "accuracy on digits": on_digits(),
    }
    harness.save("fine_tuning", QUESTION, result)


if __name__ == "__main__":
    main()
