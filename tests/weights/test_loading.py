"""Weights into networks: options, other classes and channels, what is refused."""

import json
import pathlib
import re

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import kerazoo
from kerazoo import weights
from kerazoo.weights import own
from kerazoo.weights.loading import load_set, resolve

from .conftest import random_tensors, shapes

LOGITS = json.loads(
    pathlib.Path(__file__).with_name("akamaster_logits.json").read_text()
)
CHOSEN = weights.find_weights("resnet20_cifar", "chenyaofo/cifar10")


@pytest.fixture(scope="module")
def tensors():
    return random_tensors(shapes("chenyaofo_resnet20"))


@pytest.fixture
def published(tmp_path, tensors):
    """A file that is called as its publisher calls it."""
    path = tmp_path / CHOSEN.file.name
    save_file(tensors, path)
    return path


def test_a_file_brings_its_options(published, tensors):
    model = kerazoo.resnet20_cifar(weights=published)
    assert [la.name for la in model.layers if la.name == "stage2_block1_conv0"]
    kernel = np.asarray(model.get_layer("stage2_block1_conv0").kernel)
    wanted = tensors["layer2.0.downsample.0.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(kernel, wanted)


def test_an_option_that_contradicts_the_weights(published):
    words = (
        "shortcut is 'A', but the weights chenyaofo/cifar10 belong to .*shortcut='B'"
    )
    with pytest.raises(ValueError, match=words):
        kerazoo.resnet20_cifar(weights=published, shortcut="A")
    kerazoo.resnet20_cifar(weights=published, shortcut="B")


def test_another_number_of_classes_keeps_a_new_head_and_says_so(published):
    with pytest.warns(
        UserWarning, match="predictions is new, .* 3 classes in place of 10"
    ):
        model = kerazoo.resnet20_cifar(weights=published, classes=3)
    assert model.output.shape == (None, 3)
    assert np.asarray(model.get_layer("predictions").bias).sum() == 0


@pytest.mark.parametrize("channels", [1, 2, 5, 6])
def test_other_channels(published, tensors, channels):
    with pytest.warns(UserWarning, match=f"takes {channels} channels? in place of 3"):
        model = kerazoo.resnet20_cifar(
            weights=published, input_shape=(32, 32, channels)
        )
    kernel = np.asarray(model.get_layer("stem_conv1").kernel)
    original = tensors["conv1.weight"].transpose(2, 3, 1, 0)
    if channels == 1:
        np.testing.assert_allclose(kernel[..., 0, :], original.sum(2), atol=1e-6)
    else:
        np.testing.assert_allclose(
            kernel[:, :, channels - 1],
            original[:, :, (channels - 1) % 3] * 3 / channels,
            rtol=1e-6,
        )


def test_grey_images_are_seen_as_grey_rgb_ones(published):
    """One channel does what three equal ones do."""
    colored = kerazoo.resnet20_cifar(weights=published)
    with pytest.warns(UserWarning, match="takes 1 channel "):
        grey = kerazoo.resnet20_cifar(weights=published, input_shape=(32, 32, 1))
    image = np.random.default_rng(0).normal(size=(1, 32, 32, 1)).astype("float32")
    np.testing.assert_allclose(grey(image), colored(np.repeat(image, 3, -1)), atol=1e-5)


def test_without_the_top(published):
    body = kerazoo.resnet20_cifar(weights=published, include_top=False, pooling="avg")
    whole = kerazoo.resnet20_cifar(weights=published)
    image = np.ones((1, 32, 32, 3), "float32")
    pooled = keras.Model(whole.input, whole.get_layer("head_pool").output)
    np.testing.assert_allclose(body(image), pooled(image), atol=1e-6)


def test_a_name_prefixes_the_layers_and_the_weights_are_there(published):
    plain = kerazoo.resnet20_cifar(weights=published)
    named = kerazoo.resnet20_cifar(weights=published, name="copy")
    assert named.get_layer("copy_stem_conv1")
    for one, other in zip(plain.get_weights(), named.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_folder_that_holds_a_published_file(published):
    model = kerazoo.resnet20_cifar(weights=published.parent)
    assert model.get_layer("stage2_block1_conv0")
    with pytest.raises(ValueError, match=r"the folder .*, which holds no published"):
        kerazoo.resnet50(weights=published.parent)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("weights.pth", None, "there is no file"),
        ("weights.pth", b"x", "called like no published file of resnet20_cifar"),
        ("weights.pth", b"", "weights.pth is empty; get the file"),
        ("weights.safetensors", b"<html><body>404", "is a page, not a file"),
        ("resnet32-d509ac18.th", b"x", "published file of resnet32_cifar, not of"),
        ("cifar10_resnet20-4118986f.pt", b"<html>", "resnet20-4118986f.pt"),
        ("cifar10_resnet20-4118986f.pt", b"PK\x03\x04", "resnet20-4118986f.pt"),
    ],
)
def test_what_is_no_file_of_weights(tmp_path, name, content, words):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        kerazoo.resnet20_cifar(weights=path)


def test_a_folder_called_as_the_data_does_not_hide_the_weights(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mnist").mkdir()
    assert resolve("lenet5", "mnist").name == "kerazoo/mnist"
    with pytest.raises(ValueError, match="weights is the folder mnist"):
        resolve("lenet5", "./mnist")


def test_one_class_and_one_channel_are_said_in_the_singular(published):
    with pytest.warns(UserWarning) as said:
        kerazoo.resnet20_cifar(weights=published, classes=1, input_shape=(32, 32, 1))
    words = "; ".join(str(one.message) for one in said)
    assert "takes 1 channel in place of 3" in words
    assert "weights for 1 class in place of 10" in words


def test_a_file_of_other_shapes(tmp_path, tensors):
    path = tmp_path / CHOSEN.file.name
    save_file(tensors | {"layer1.0.conv2.weight": np.zeros((16, 8, 3, 3), "f4")}, path)
    words = (
        r"do not fit resnet20_cifar with these options: stage1_block1_conv2/kernel is "
        r"\[3, 3, 8, 16\] there and \[3, 3, 16, 16\] here. They belong to "
        r"resnet20_cifar\(input_shape=\(32, 32, 3\), classes=10, shortcut='B'\)"
    )
    with pytest.raises(ValueError, match=words):
        kerazoo.resnet20_cifar(weights=path)


def test_without_a_network_the_place_is_named(no_network, monkeypatch):
    """Before the network is built."""
    monkeypatch.setattr("keras.layers.Conv2D", lambda *_, **__: pytest.fail("it is"))
    words = f"resnet50_weights.* is not in {re.escape(str(no_network))}"
    with pytest.raises(ValueError, match=words):
        kerazoo.resnet50(weights="imagenet")
    assert not no_network.exists()


def test_a_file_that_was_put_there_by_hand(no_network, tensors):
    """Of whatever content: the publisher's hash is held against it."""
    no_network.mkdir(parents=True)
    path = no_network / CHOSEN.file.name
    save_file(tensors, path)
    with pytest.raises(ValueError, match="is not the published file"):
        kerazoo.resnet20_cifar(weights="chenyaofo/cifar10")
    assert path.is_file()


# kerazoo's own files ------------------------------------------------------------------


@pytest.fixture
def own_file(tmp_path):
    model = kerazoo.lenet5(classes=3)
    path = tmp_path / "digits.safetensors"
    known = weights.WeightSet(
        network="lenet5",
        name="mine",
        data="mine",
        classes=3,
        rules="kerazoo",
        preprocessing=weights.Preprocessing(
            size=(28, 28), mean=(20.0,), std=(200.0,), order="grey", resize="bilinear"
        ),
        labels=("a", "b", "c"),
        accuracy=(weights.Accuracy(top1=0.5),),
    )
    weights.save_weights(model, known, path, training={"seed": 1})
    return path, model, known


def test_an_own_file_says_all_that_is_known(own_file):
    path, model, known = own_file
    assert own.is_own(path)
    found = weights.read_set(path)
    assert found.path == str(path)
    assert (found.network, found.labels, found.preprocessing, found.accuracy) == (
        known.network, known.labels, known.preprocessing, known.accuracy
    )  # fmt: skip
    assert weights.read_training(path) == {"seed": 1}
    again = kerazoo.lenet5(weights=path)
    for one, other in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_own_file_of_another_network(own_file):
    with pytest.raises(ValueError, match="holds weights of lenet5, not of mlp_50"):
        kerazoo.mlp_50(weights=own_file[0])


def test_an_own_file_that_lacks_a_layer(own_file, tmp_path):
    path, *_ = own_file
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        metadata = json.loads(file.read(size))["__metadata__"]
    given = load_file(path)
    del given["conv1/bias"]
    save_file(given, tmp_path / "less.safetensors", metadata=metadata)
    with pytest.raises(ValueError, match="the file lacks conv1/bias"):
        kerazoo.lenet5(weights=tmp_path / "less.safetensors")


def test_tensors_are_called_by_layer_and_variable(own_file):
    path, *_ = own_file
    names = [*load_file(path)]
    assert names == sorted(names)
    assert names[0].startswith("conv1/")
    assert "predictions/kernel" in names


@pytest.mark.parametrize("read", [own.read_set, own.read_training])
def test_what_kerazoo_has_not_written(tmp_path, read):
    with pytest.raises(ValueError, match=r"there is no file .*none"):
        read(tmp_path / "none")
    with pytest.raises(ValueError, match="there is no file"):
        read(tmp_path)
    for metadata in ({}, {"kerazoo": "{}"}, {"kerazoo": "[]"}):
        save_file({"x": np.zeros(1)}, tmp_path / "x.safetensors", metadata=metadata)
        with pytest.raises(ValueError, match="is no file of weights that kerazoo has"):
            read(tmp_path / "x.safetensors")


def test_half_of_the_bits(own_file, tmp_path):
    path, model, known = own_file
    weights.save_weights(model, known, tmp_path / "half.safetensors", half=True)
    halved = tmp_path / "half.safetensors"
    assert halved.stat().st_size < 0.6 * path.stat().st_size
    again = kerazoo.lenet5(weights=halved)
    for one, other in zip(again.get_weights(), model.get_weights(), strict=True):
        assert one.dtype == "float32"
        np.testing.assert_allclose(one, other, atol=1e-3)


# The real ones ------------------------------------------------------------------------


@pytest.mark.parametrize(("depth", "right"), [(20, 20), (32, 19), (44, 20), (56, 20)])
def test_akamasters_networks_on_exact_images(shared, depth, right):
    """Twenty test images of CIFAR-10 as they are, and PyTorch's logits for them."""
    (file,) = (shared / "weights/akamaster").glob(f"resnet{depth}-*")
    images = sorted((shared / "weights/images").glob("cifar10_*.png"))
    classify = kerazoo.classifier(f"resnet{depth}_cifar", weights=file)
    truth = [int(path.stem[-1]) for path in images]
    found = classify.probabilities(images)
    assert (found.argmax(-1) == truth).sum() == right
    # Logits are known up to a constant; those of classes that are not ruled out.
    wanted = np.array(LOGITS[str(depth)])
    wanted -= np.log(np.exp(wanted).sum(-1, keepdims=True))
    seen = found > 1e-30
    assert seen.sum() > 150
    assert np.abs(np.log(found[seen]) - wanted[seen]).max() < 2e-3
    assert classify(images[0])[0][0].label == "cat"


def test_a_set_is_loaded_into_a_model_that_is_there(published):
    model = kerazoo.resnet20_cifar(shortcut="B")
    chosen = resolve("resnet20_cifar", published)
    report = load_set(model, chosen)
    assert report.filled == 107
    assert not report.adapted
    assert not report.new
