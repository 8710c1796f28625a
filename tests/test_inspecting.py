"""The commands that look at networks: ``audit``, ``compare``, ``draw``, ``field``."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

import kerazoo


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A model with biases that its card does not have, no model, and an image."""
    place = tmp_path_factory.mktemp("files")
    ours = kerazoo.create(
        "resnet18", input_shape=(32, 32, 3), classes=10, conv_bias=True
    )
    ours.save(place / "ours.keras")
    (place / "text.keras").write_text("nothing")
    Image.fromarray(np.zeros((40, 50, 3), "uint8")).save(place / "image.png")
    return place


def test_audit(command, files):
    status, out, errors = command(
        "audit", str(files / "ours.keras"), "--as", "resnet18", "--layers"
    )
    assert (status, errors) == (0, "")
    words = " ".join(out.split())
    assert (
        "4,800 biases before batch norms in 20 convolutions; the card has none" in words
    )
    assert "With conv_bias=True none remains." in words
    assert "stage1_block1_conv1: bias True; stage1_block1_conv1 has False" in words
    words = ["audit", str(files / "ours.keras"), "--as=resnet18", "--json"]
    record = json.loads(command(*words, "-o", "conv_bias=True")[1])
    assert record["differences"] == []
    assert record["options"] == {"conv_bias": True}
    record = json.loads(command(*words)[1])
    assert record["remaining"] == 0
    assert record["differences"][0]["found"] is True


def test_audit_of_a_run(command, trained):
    status, out, _ = command("audit", str(trained.path), "--as", trained.config.network)
    assert status == 0
    assert "equals the card" in " ".join(out.split())


def test_files_that_are_no_models(command, files):
    status, _, errors = command("audit", str(files / "text.keras"), "--as", "lenet5")
    assert status == 2
    assert "cannot be read as a Keras model" in errors


def test_compare(command, tmp_path):
    words = ["compare", "resnet20_cifar", "nin_cifar"]
    status, out, _ = command(*words, "--depths", str(tmp_path / "a.svg"))
    assert status == 0
    assert "8.75%" in out
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    networks = json.loads(command(*words, "--json")[1])["networks"]
    assert [one["depth"] for one in networks] == [20, 9]
    status, _, errors = command(*words, "--measure", "CIFAR-10 error")
    assert status == 2
    assert "give --bubbles or --depths" in errors


def test_draw(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = command("draw", "resnet20_cifar")
    assert status == 0
    assert "stage1_block1, stage2_block1" in out
    status, _, _ = command("draw", "resnet20_cifar", "--block", "stage2_block1")
    assert status == 0
    for name in ("resnet20_cifar.png", "resnet20_cifar-stage2_block1.png"):
        with Image.open(tmp_path / name) as image:
            assert min(image.size) > 200


def test_field(command, files, tmp_path):
    words = ["field", "resnet20_cifar", "stage1", "stage2"]
    image = str(files / "image.png")
    status, out, _ = command(*words, "--image", image, "--out", str(tmp_path / "a.png"))
    assert status == 0
    assert "can see 15x15 of 32x32 pixels" in out
    assert (tmp_path / "a.png").is_file()
    status, out, _ = command(
        "field", "lenet5", "conv1", "--effective", "--position=0,0"
    )
    assert status == 0
    assert "sees" in out
    status, out, _ = command(*words, "--size=64,48")
    assert "of 64x48 pixels" in out


def test_plot(command, trained, tmp_path):
    file = tmp_path / "a.svg"
    status, out, _ = command("plot", str(trained.path), "--out", str(file))
    assert status == 0
    assert "1 run drawn" in out
    assert "</svg>" in file.read_text()


def test_a_plain_copy_is_the_network_too(command, files):
    """What keeps no name and no layer of this package is the same network."""
    model = keras.models.load_model(files / "ours.keras")
    plain = kerazoo.as_plain_keras(model)
    assert kerazoo.audit(plain, "resnet18", {"conv_bias": True}).differences == ()
