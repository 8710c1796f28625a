import keras
import numpy as np
import pytest
from keras import layers

import kerazoo
from kerazoo.analysis.attribution import Explainable
from kerazoo.analysis.excitement import exciting_images
from kerazoo.analysis.feature_maps import feature_maps
from kerazoo.analysis.maximization import activation_maximization

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def network():
    return Explainable(kerazoo.classifier("slide_cnn_b", weights="mnist").model)


@pytest.fixture(scope="module")
def corners():
    """A unit that a bright corner of four pixels excites, and images of such."""
    inputs = keras.Input((12, 12, 1))
    conv = layers.Conv2D(2, 2, activation="relu", name="corner")
    x = layers.MaxPooling2D(2, name="pool")(conv(inputs))
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(2)(x))
    kernel = np.zeros((2, 2, 1, 2), "float32")
    kernel[..., 1] = [[[1], [1]], [[1], [-3]]]
    conv.set_weights([kernel, np.zeros(2, "float32")])
    images = np.zeros((5, 12, 12, 1), "float32")
    for number, place in ((1, (3, 4)), (3, (8, 1)), (4, (0, 9))):
        y, x = place
        images[number, y, x : x + 2] = images[number, y + 1, x] = number
    return model, images


def test_maps_are_those_of_the_layers():
    model = kerazoo.resnet20_cifar(input_shape=(32, 32, 3))
    image = RNG.normal(size=(32, 32, 3)).astype("float32")
    found = feature_maps(model, image)
    names = ["stage1_block3_relu", "stage2_block3_relu", "stage3_block3_relu"]
    assert [one.layer for one in found] == names
    assert [one.maps.shape for one in found] == [
        (32, 32, 16),
        (16, 16, 32),
        (8, 8, 64),
    ]
    expected = kerazoo.features(model, "stage2")(image[None])["stage2"]
    np.testing.assert_allclose(found[1].maps, expected[0], atol=1e-4)
    (one,) = feature_maps(model, image, ["stage2"])
    strongest = one.strongest(5)
    spread = one.maps.std((0, 1))
    assert spread[strongest].tolist() == sorted(spread, reverse=True)[:5]


def test_the_maps_begin_with_what_a_layer_detects(network):
    """Not with the image, normalized."""
    image = RNG.integers(0, 256, (28, 28, 1), "uint8")
    found = [one.layer for one in feature_maps(network, image)]
    assert found == ["bn1", "relu1", "bn2", "relu2"]


def test_images_that_excite_a_unit_most(corners):
    model, images = corners
    found = exciting_images(model, images, "corner", 1, count=2)
    assert [one.number for one in found] == [4, 3]
    assert [one.activation for one in found] == [12, 9]
    assert [one.position for one in found] == [(0, 9), (8, 1)]
    assert found[0].box == (0, 9, 2, 11)
    assert found[0].patch[..., 0].tolist() == [[4, 4], [4, 0]]
    # A position of the pooling sees three rows and columns.
    (pooled,) = exciting_images(model, images, "pool", 1, count=1)
    assert (pooled.activation, pooled.box) == (12, (0, 8, 3, 11))
    assert pooled.patch.max() == 4


def test_of_equal_images_the_first_stays(corners):
    model, images = corners
    same = images[[1, 4, 4, 3]]
    assert [one.number for one in exciting_images(model, same, "pool", 1, count=2)] == [
        1,
        2,
    ]


def test_an_image_is_made_for_a_unit_and_for_a_class(network):
    unit = activation_maximization(network, layer="conv2", unit=3, steps=30)
    assert unit.after > unit.before + 1
    assert unit.image.shape == (28, 28, 1)
    assert 0 <= unit.image.min() < unit.image.max() <= 255
    found = activation_maximization(network, 3, steps=60)
    assert (found.class_name, found.layer, found.unit) == ("3", None, 3)
    scores = np.asarray(network.scores_of(found.image[None]))[0]
    assert scores.argmax() == 3
    assert found.after == pytest.approx(scores[3], rel=1e-4)
    again = activation_maximization(network, 3, steps=60)
    np.testing.assert_allclose(found.image, again.image, atol=1e-2)


@pytest.mark.parametrize(
    ("function", "given", "words"),
    [
        (activation_maximization, {}, "Give a class_name, or a layer"),
        (activation_maximization, {"layer": "conv1"}, "Give a class_name"),
        (
            activation_maximization,
            {"layer": "conv1", "unit": 99},
            "has 10 feature maps",
        ),
        (activation_maximization, {"class_name": "x"}, "Unknown class_name 'x'"),
        (exciting_images, {"images": [], "layer": "conv1", "unit": 0}, "is empty"),
        (exciting_images, {"images": [1], "layer": "conv1", "unit": 0}, "images is 1"),
        (exciting_images, {"images": [], "layer": "fc3", "unit": 0}, "no extent"),
        (feature_maps, {"image": np.zeros((9, 9, 1), "uint8"), "layers": ["x"]}, "'x'"),
    ],
)
def test_what_means_nothing_is_refused(network, function, given, words):
    with pytest.raises(ValueError, match=words):
        function(network, **given)


def test_a_network_without_maps():
    with pytest.raises(ValueError, match="mlp_256 has no layer with an extent"):
        feature_maps(kerazoo.mlp_256(), np.zeros((28, 28, 1), "float32"))
