"""The weights in the package: whole, documented, and worth what they say."""

import hashlib
import os

import numpy as np
import pytest

import kerazoo
from kerazoo import weights
from kerazoo.serving.classification import verify_weights
from kerazoo.weights.sources.own import TRAINED

FILES = sorted(TRAINED.glob("*.safetensors"))
SETS = [weights.read_set(path) for path in FILES]
NAMES = [path.stem for path in FILES]


def test_the_files_are_those_that_were_made():
    lines = (TRAINED / "SHA256SUMS").read_text().splitlines()
    sums = {name: digits for digits, name in map(str.split, lines)}
    assert sums == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FILES
    }
    assert {*NAMES} >= {"lenet5-mnist", "lenet5-digits"}
    assert sum(path.stat().st_size for path in FILES) < 60e6


@pytest.mark.parametrize("known", SETS, ids=NAMES)
def test_a_file_says_how_it_was_made(known):
    training = weights.read_training(known.path)
    assert known.name == f"kerazoo/{known.data}"
    assert training["command"].startswith(f"kerazoo train {known.network} --recipe ")
    assert f"--seed {training['seed']}" in training["command"]
    assert training["recipe"]["seed"] == training["seed"]
    assert len(training["history"]) == training["recipe"]["epochs"]
    assert training["data_version"]
    assert training["versions"]["keras"]
    seeds = training["validation_accuracy"]
    assert seeds[str(training["seed"])] == max(seeds.values())
    assert weights.find_weights(known.network, known.data).path == known.path


def test_the_best_on_hand_is_what_a_name_means(no_network):
    """Without a network connection, and nothing is looked for."""
    classify = kerazoo.classifier("lenet5", weights="mnist")
    assert classify.names == tuple("0123456789")
    assert not no_network.exists()


@pytest.mark.parametrize("known", SETS, ids=NAMES)
def test_the_accuracy_is_measured_again(known):
    if known.data != "digits" and not os.environ.get("KERAZOO_DATA_DIR"):
        pytest.skip(f"KERAZOO_DATA_DIR names no folder that has {known.data}")
    found = verify_weights(
        known.network,
        known.path,
        known.data,
        data_dir=os.environ.get("KERAZOO_DATA_DIR"),
    )
    # Trained in bfloat16 on some machines and measured in float32 on all; kept in 16
    # bits where it is large.
    assert abs(found.accuracy - known.accuracy[0].top1) <= 2 / found.images


def test_another_preparation_is_worth_less(no_network):
    """Raw pixels, or pixels in 0..1, in place of the weights' own range."""
    classify = kerazoo.classifier("lenet5", weights="digits")
    network = kerazoo.lenet5(weights="digits")
    data = kerazoo.data.load("digits", validation=0).test
    images, truth = data.source.images[data.indices], data.labels
    small = np.asarray(kerazoo.data.resizer((28, 28), "bilinear", 1)(images), "float32")

    def accuracy(scores):
        return (np.asarray(scores).argmax(-1) == truth).mean()

    right = accuracy(classify.probabilities(images))
    assert right > 0.95
    # A standardised image has a range of its own; these are far from it.
    assert accuracy(network(small / 255)) < right
