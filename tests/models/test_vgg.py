import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.models import vgg

RNG = np.random.default_rng(0)
SMALL = {"input_shape": (32, 32, 3), "classes": 3}


@pytest.mark.parametrize("name", ["VGG16", "VGG19"])
def test_equals_keras(name):
    options = {"input_shape": (32, 48, 3), "classes": 5, "classifier_activation": None}
    theirs = getattr(keras.applications, name)(weights=None, **options)
    ours = kerazoo.create(name.lower(), **options)
    weights = [RNG.normal(0, 0.05, w.shape) for w in theirs.get_weights()]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    images = RNG.normal(size=(2, 32, 48, 3)).astype("float32")
    expected = np.asarray(theirs(images))
    error = np.abs(ours(images) - expected).max()
    assert error < 1e-4 * np.abs(expected).max(), error


@pytest.mark.parametrize(
    ("shallow", "deep", "copied"),
    [("vgg11", "vgg16", 7), ("vgg11_bn", "vgg13_bn", 11), ("vgg11_lrn", "vgg16c", 7)],
)
def test_initialize_from_copies_what_the_paper_says(shallow, deep, copied):
    source = kerazoo.create(shallow, **SMALL, name="trained")
    target = kerazoo.create(deep, **SMALL)
    before = {la.name: la.get_weights() for la in target.layers}
    names = vgg.initialize_from(target, source)
    assert len(names) == copied
    assert {"stage1_conv1", "stage3_conv2", "fc6", "predictions"} <= set(names)
    for layer in target.layers:
        if layer.name in names:
            expected = source.get_layer(f"trained_{layer.name}").get_weights()
        else:
            expected = before[layer.name]
        for weight, value in zip(layer.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(weight, value)


@pytest.mark.parametrize(
    "options", [{"classes": 4}, {"input_shape": (64, 32, 3)}, {"include_top": False}]
)
def test_initialize_from_refuses_what_does_not_fit(options):
    deep = kerazoo.vgg13(**SMALL)
    first = deep.get_layer("stage1_conv1")
    before = first.get_weights()[0]
    with pytest.raises(ValueError, match="vgg13 cannot start from vgg11; give"):
        vgg.initialize_from(deep, kerazoo.vgg11(**(SMALL | options)))
    np.testing.assert_array_equal(
        deep.get_layer("stage1_conv1").get_weights()[0], before
    )


def test_initialize_from_refuses_another_family():
    other = kerazoo.mlp_50()
    with pytest.raises(ValueError, match="cannot start from"):
        vgg.initialize_from(other, other)


def test_a_strange_lrn_alpha_mode_is_refused():
    with pytest.raises(ValueError, match="'sum' or 'mean'"):
        kerazoo.vgg11_lrn(lrn_alpha_mode="max")
