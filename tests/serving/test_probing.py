"""Features of trained networks, the file that they are kept in, a linear probe."""

import re

import numpy as np
import pytest

import kerazoo
from kerazoo import weights
from kerazoo.serving import probing
from kerazoo.serving.classification import verify_weights


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    file = tmp_path_factory.mktemp("features") / "digits.npz"
    return kerazoo.extract_features(
        "lenet5", "digits", weights="mnist", file=file
    ), file


def test_features_are_those_before_the_classifier(found):
    features, _ = found
    assert features.train.shape == (1442, 120)
    assert features.test.shape == (355, 120)
    images = kerazoo.data.load("digits", validation=0).test
    classify = kerazoo.classifier("lenet5", weights="mnist")
    import keras

    body = keras.Model(classify.model.input, classify.model.get_layer("conv5").output)
    expected = body(images.source.images[images.indices[:5]])
    np.testing.assert_allclose(
        features.test[:5], np.asarray(expected).reshape(5, 120), atol=1e-4
    )
    assert (features.test_labels == images.labels).all()


def test_a_probe_tells_more_than_the_network_itself(found):
    """MNIST's features know scikit-learn's digits, once somebody names them."""
    features, _ = found
    own = verify_weights("lenet5", "mnist", "digits")
    assert features.probe() > max(0.9, own.accuracy)


def test_a_file_is_read_and_another_ones_refused(found, monkeypatch):
    features, file = found
    monkeypatch.setattr(probing, "_body", lambda *_: pytest.fail("computed again"))
    again = kerazoo.extract_features("lenet5", "digits", weights="mnist", file=file)
    np.testing.assert_array_equal(again.train, features.train)
    assert again.key == features.key
    with pytest.raises(ValueError, match="whose weights or preparation are others"):
        kerazoo.extract_features("lenet5", "digits", weights="digits", file=file)


def test_the_key_is_of_file_options_and_preparation():
    import dataclasses

    chosen = weights.find_weights("lenet5", "mnist")
    key = probing.key_of
    images = dataclasses.replace(chosen.preprocessing, mean=(0.0,))
    others = [
        dataclasses.replace(chosen, preprocessing=images),
        dataclasses.replace(chosen, options={"pool": "avg"}),
        weights.find_weights("lenet5", "digits"),
    ]
    assert len({key(one) for one in (chosen, *others)}) == 4


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"weights": "imagenet"}, "Unknown weights of lenet5 'imagenet'"),
        ({"data": "digit_scenes/masks"}, "has no training and test images of classes"),
    ],
)
def test_what_cannot_be_computed(given, words):
    options = {"data": "digits", "weights": "mnist"} | given
    with pytest.raises(ValueError, match=re.escape(words)):
        kerazoo.extract_features("lenet5", options.pop("data"), **options)


def test_what_is_no_file_of_features(tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match="holds no features that kerazoo has written"):
        kerazoo.extract_features("lenet5", "digits", weights="mnist", file=path)
