"""Linear probes by depth."""

import json
import re

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo import data
from kerazoo.analysis import layer_plots, plots
from kerazoo.serving.depth_probe import _square, probe_layers
from kerazoo.serving.probing import probed


@pytest.fixture(scope="module")
def found(trained):
    return probe_layers(trained, features=1)


def test_layers_by_depth(found, trained):
    """LeNet-5: images, two convolutions with their pools, C5 and F6."""
    layers = [one.layer for one in found.points]
    assert layers[1:] == ["pool2", "pool4", "conv5", "fc6"]
    assert [one.depth for one in found.points] == [0, 1, 2, 3, 4]
    assert [one.features for one in found.points] == [1, 6, 16, 120, 84]
    assert found.network == "lenet5" and found.data == "digits"
    assert found.accuracy == pytest.approx(trained.metrics.accuracy, abs=0.01)


def test_hidden_layers_are_feature_detectors(found):
    """Nobody knows a digit by its grey; the deep layers' averages tell it."""
    grey, *_, conv5, fc6 = (one.accuracy for one in found.points)
    assert grey < 0.3
    assert min(conv5, fc6) > 0.9


def test_the_accuracy_is_that_of_a_probe_of_the_outputs(trained, digits):
    (point,) = probe_layers(trained, layers=["conv5"], images=300).points
    served = trained.model()
    body = keras.Model(served.input, served.get_layer("conv5").output)
    parts = []
    for part in (digits.train, digits.test):
        places = np.linspace(0, part.size - 1, 300).round().astype(int)
        images = part.source.images[part.indices[places]]
        outputs = body.predict(images, verbose=0)
        parts += [outputs.reshape(300, -1), part.labels[places]]
    assert point.features == 120 and point.depth == 3
    assert point.accuracy == pytest.approx(probed(*parts), abs=0.02)


def test_squares_are_the_smallest_that_leave_few_numbers():
    assert _square((28, 28, 6), 1024) == 3  # 10 x 10 x 6
    assert _square((28, 28, 1), 784) == 1
    assert _square((7, 7, 2048), 1024) == 7
    assert _square((1, 1, 4096), 1024) == 1


def test_a_blind_network_knows_nothing(digits):
    """Whose layers say the same of all images."""
    inputs = keras.Input((None, None, 1), dtype="uint8")
    x = keras.layers.Rescaling(0.0)(inputs)
    x = keras.layers.Conv2D(3, 3, padding="same", name="conv")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(inputs, keras.layers.Dense(10, name="predictions")(x))
    result = probe_layers(model, digits, images=200)
    assert [one.layer for one in result.points] == ["pool"]
    assert result.points[0].accuracy < 0.25
    assert result.accuracy < 0.25


def test_weights_of_a_network():
    result = probe_layers("lenet5", "digits", weights="mnist", images=100, count=2)
    assert [one.depth for one in result.points] == [0, 4]
    # MNIST's classes are called as those of the digits.
    assert result.accuracy > 0.5


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"layers": ["conv33"]},
            "Unknown layer or stage of lenet5 'conv33'; did you m",
        ),
        ({"data": "digit_scenes/masks"}, "has no training and test images of classes"),
        ({"weights": "mnist"}, "is a run, which has weights of its own"),
    ],
)
def test_what_cannot_be_probed(trained, given, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        probe_layers(trained, **given)


def test_models_need_data_and_scores():
    lenet = kerazoo.lenet5()
    with pytest.raises(ValueError, match="is no run, which knows its data; give some"):
        probe_layers(lenet)
    with pytest.raises(ValueError, match="leave weights and best out"):
        probe_layers(lenet, "digits", weights="mnist")
    maps = kerazoo.lenet5(include_top=False)
    with pytest.raises(ValueError, match="does not give the scores of classes alone"):
        probe_layers(keras.Model(maps.input, maps.get_layer("conv3").output), "digits")


def test_the_curve(found):
    figure = layer_plots.probes_by_depth({"trained": found, "again": found})
    (axes,) = figure.axes
    solid = [line for line in axes.lines if line.get_linestyle() == "-"]
    assert list(solid[0].get_ydata()) == [one.accuracy for one in found.points]
    assert len(axes.lines) == 4
    figure = layer_plots.probes_by_depth({"trained": found})
    plots.pixels(figure)
    (above,) = figure.axes[0].child_axes
    assert above.get_xticklabels()[1].get_text() == "pool2"
    with pytest.raises(ValueError, match="found is empty"):
        layer_plots.probes_by_depth({})


def test_the_command(trained, command, tmp_path):
    words = ("probe", trained.path, "--images", 100, "--layer", "conv5")
    status, _, errors = command(*words, "--save", "curve.jpg")
    assert status == 2 and "neither a PNG nor an SVG file" in errors
    status, out, errors = command(*words, "--save", "curve.png")
    assert status == 0, errors
    assert re.search(r"3 +conv5 +\d\d\.\d%", out) and "the network itself" in out
    assert (tmp_path / "curve.png").stat().st_size > 5000
    status, out, _ = command(*words, "--json")
    assert json.loads(out)["points"][0]["layer"] == "conv5"
    status, _, errors = command("probe", trained.path, "--step", 5)
    assert status == 2 and "has no weights of step 5; its snapshots are none" in errors


def test_arrays_are_data_too(trained, digits):
    x = digits.test.source.images[digits.test.indices]
    images = data.from_arrays(x, digits.test.labels, classes=digits.classes)
    assert probe_layers(trained, images, layers=["fc6"]).test < len(x)
