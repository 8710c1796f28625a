"""The network of the page that runs LeNet-5 is Keras', layer by layer."""

import json
import pathlib
import runpy

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.weights import find_weights

for package in ("onnxruntime", "tf2onnx"):
    pytest.importorskip(package, reason="the page's network is exported as ONNX")

ROOT = pathlib.Path(__file__).parents[1]
SHAPES = {
    "conv1": (28, 28, 6),
    "pool2": (14, 14, 6),
    "conv3": (10, 10, 16),
    "pool4": (5, 5, 16),
    "conv5": (1, 1, 120),
    "fc6": (84,),
    "predictions": (10,),
}
# Keras 3.15 asks NumPy for what only an old one has, before it exports.
pytestmark = pytest.mark.filterwarnings(
    "ignore:In the future `np.object`:FutureWarning"
)


@pytest.fixture(scope="module")
def page():
    return runpy.run_path(str(ROOT / "docs/draw.py"))


@pytest.fixture(scope="module")
def exported(page, tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "lenet5.onnx"
    page["write_network"](path)
    return path


@pytest.fixture(scope="module")
def lenet5():
    """Every layer of the network as anyone would build it, from raw greys."""
    network = kerazoo.lenet5(weights="mnist")
    layers = keras.Model(
        network.inputs[0], {name: network.get_layer(name).output for name in SHAPES}
    )
    preprocessing = find_weights("lenet5", "mnist").preprocessing

    def run(images):
        outputs = layers((images - preprocessing.mean[0]) / preprocessing.std[0])
        return {name: np.asarray(output) for name, output in outputs.items()}

    return run


def test_the_exported_layers_are_those_of_keras(page, exported, lenet5):
    noise = np.random.default_rng(0).uniform(0, 255, (3, 28, 28, 1)).astype("float32")
    computed, expected = page["outputs"](exported, noise), lenet5(noise)
    for name, shape in SHAPES.items():
        assert computed[name].shape == (3, *shape)
        np.testing.assert_allclose(computed[name], expected[name], atol=2e-5)


def test_a_network_that_differs_is_not_written(page, tmp_path, monkeypatch):
    function = page["write_network"]
    outputs = page["outputs"]

    def wrong(path, images):
        return {**outputs(path, images), "conv3": np.zeros((10, 10, 10, 16))}

    monkeypatch.setitem(function.__globals__, "outputs", wrong)
    with pytest.raises(ValueError, match="conv3 of the exported LeNet-5 is off by"):
        function(tmp_path / "lenet5.onnx")
    assert not list(tmp_path.iterdir())


def test_without_npm_and_with_another_archive_nothing_is_kept(
    page, tmp_path, monkeypatch
):
    folder = tmp_path / "onnxruntime"
    (tmp_path / "other.tgz").write_bytes(b"something else")
    with pytest.raises(OSError, match="has another SHA-512"):
        page["unpack"](tmp_path / "other.tgz", folder)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(OSError, match="npm is not installed"):
        page["vendor"](folder)
    assert not folder.exists()
    # What is there is not fetched again.
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"version": page["VERSION"]}))
    page["vendor"](folder)
