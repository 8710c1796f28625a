"""What does AlexNet's training step cost on this machine, and what is LRN's share?"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import kerazoo
from benchmarks import harness
from kerazoo.precision import choose, use

BATCH = 32


class WithoutNorm(keras.layers.Layer):
    """Takes the place of LRN and does nothing."""

    def call(self, inputs):
        return inputs


def step(network):
    """A callable that trains one compiled step on the same batch."""
    network.compile("sgd", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    images = rng.normal(size=(BATCH, *network.input_shape[1:])).astype("float32")
    labels = rng.integers(0, 1000, BATCH)

    def train():
        network.train_on_batch(images, labels)

    train()
    return train


def without_norm(network):
    """The same network with its normalisation layers taken out."""

    def swap(layer):
        if isinstance(layer, kerazoo.layers.LocalResponseNormalization):
            return WithoutNorm(name=layer.name)
        return type(layer).from_config(layer.get_config())

    return keras.models.clone_model(network, clone_function=swap)


def main():
    result = {"batch": BATCH}
    for precision in ("float32", "auto"):
        with use(choose(precision)):
            alexnet = kerazoo.alexnet()
            sides = {"alexnet": step(alexnet), "no LRN": step(without_norm(alexnet))}
            measures = harness.turns(sides, repeats=7)
        ratio = harness.ratio(measures["no LRN"], measures["alexnet"])
        result[precision] = {
            "seconds a step": harness.summary(measures["alexnet"]),
            "seconds without LRN": harness.summary(measures["no LRN"]),
            "images a second": BATCH / harness.summary(measures["alexnet"])["median"],
            "LRN's share": 1 - ratio["median"],
            "LRN's share, low and high": [1 - ratio["high"], 1 - ratio["low"]],
        }
    harness.save("alexnet_step", __doc__, result)


if __name__ == "__main__":
    main()
