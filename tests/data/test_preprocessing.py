"""Normalisation layers: their arithmetic, and that they survive saving."""

import keras
import numpy as np
import pytest

from kerazoo import data

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), "uint8")
MEAN, STD = (100.0, 120.0, 90.0), (50.0, 60.0, 0.0)

EXPECTED = {
    "none": IMAGES,
    "minmax": IMAGES / 255,
    "minus_one_one": IMAGES / 127.5 - 1,
    "lenet": IMAGES / 255 * 1.275 - 0.1,
    "mean": IMAGES - np.array(MEAN),
    # The last channel never varied in training.
    "standardize": (IMAGES - np.array(MEAN)) / (50, 60, 1),
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_arithmetic_and_saving(kind, tmp_path):
    layers = data.normalization(kind, mean=MEAN, std=STD)
    activation = keras.layers.Activation("linear")
    network = keras.Sequential([keras.Input((4, 4, 3)), *layers, activation])
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    for some in (network, again):
        assert np.allclose(some(IMAGES), EXPECTED[kind], atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("minmaks", {}, "did you mean minmax"),
        ("standardize", {"mean": MEAN}, "needs the std"),
        ("mean", {"std": STD}, "needs the mean"),
    ],
)
def test_one_sentence(kind, given, words):
    with pytest.raises(ValueError, match=words):
        data.normalization(kind, **given)
