"""The grid of images, the views for evaluation and the whitening layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerazoo import data
from kerazoo.data import resizing
from kerazoo.layers.whitening import GlobalContrastNormalization, ZCAWhitening

RNG = np.random.default_rng(0)


def test_show_draws_what_the_network_gets(digits, tmp_path):
    batches = data.Batches(digits.train, 4, image_shape=(8, 8, 1), augment=["flip"])
    path = tmp_path / "grid.png"
    labels = data.show(batches, path, count=5, side=16)
    grid = np.array(Image.open(path))
    # Three columns and two rows of 16x16 pixels with gaps of 4.
    assert grid.shape == (44, 64)
    images, expected = batches.take(5)
    assert (labels == expected).all()
    assert (grid[4:20:2, 24:40:2] == images[1, ..., 0]).all()
    assert (grid[25:40:2, 5:20:2] == images[3, ..., 0]).all()
    assert (grid[24:40, 44:60] == 255).all()
    assert [one.name for one in tmp_path.iterdir()] == ["grid.png"]


def test_show_says_where_it_cannot_write(digits, tmp_path):
    batches = data.Batches(digits.train, 4, image_shape=(8, 8, 1))
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"cannot be made, for .*file is no folder"):
        data.show(batches, tmp_path / "file" / "grid.png")


IMAGES = RNG.integers(0, 256, (3, 20, 30, 3), "uint8")


def test_ten_crop():
    ten = data.views(IMAGES, "ten_crop", 16).numpy()
    assert ten.shape == (3, 10, 16, 16, 3)
    expected = [
        IMAGES[:, :16, :16],
        IMAGES[:, :16, 14:],
        IMAGES[:, 4:, :16],
        IMAGES[:, 4:, 14:],
        IMAGES[:, 2:18, 7:23],
    ]
    for number, crop in enumerate(expected):
        assert (ten[:, number] == crop).all()
        assert (ten[:, number + 5] == crop[:, :, ::-1]).all()


def test_center_view():
    (center,) = data.views(IMAGES, "center", (20, 10)).numpy().swapaxes(0, 1)
    assert (center == IMAGES[:, :, 10:20]).all()


def test_flip_views():
    middle, mirrored = data.views(IMAGES, "flip", (20, 10)).numpy().swapaxes(0, 1)
    assert (middle == IMAGES[:, :, 10:20]).all()
    assert (mirrored == middle[:, :, ::-1]).all()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images of three sizes in a test folder, a class each."""
    root = tmp_path_factory.mktemp("views")
    for number, image in enumerate((IMAGES[0], IMAGES[1, :15], IMAGES[2].repeat(2, 0))):
        for part in ("train", "test"):
            place = root / part / str(number)
            place.mkdir(parents=True)
            Image.fromarray(image).save(place / "image.png")
    return root


@pytest.mark.parametrize(
    ("kind", "room"), [("center", 8), ("flip", 7), ("ten_crop", 8), ("googlenet", 7)]
)
def test_batches_of_views(folder, kind, room):
    part = data.load(f"folder:{folder}", validation=0).test
    batches = data.Batches(part, 2, image_shape=(14, 21, 3), resize="crop", views=kind)
    found, labels = batches.take(3)
    assert found.shape == (3, data.VIEWS[kind], 14, 21, 3)
    size = (14 * room // 7, 21 * room // 7)
    for some, label in zip(found, labels, strict=True):
        whole = np.asarray(Image.open(folder / "test" / str(label) / "image.png"))
        if kind != "googlenet":
            whole = resizing.resize(tf.constant(whole), size, "crop").numpy()
        expected = data.views(whole[None], kind, (14, 21))[0]
        np.testing.assert_array_equal(some, expected)


def test_batches_of_views_out_of_memory(digits):
    batches = data.Batches(digits.test, 4, image_shape=(8, 8, 1), views="flip")
    found, labels = batches.take(6)
    plain, expected = data.Batches(digits.test, 4, image_shape=(8, 8, 1)).take(6)
    assert (labels == expected).all()
    assert (found[:, 0] == plain).all()
    assert (found[:, 1] == plain[:, :, ::-1]).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"views": "flop"}, "Unknown kind of views 'flop'"),
        ({"views": "flip", "augment": ["flip"]}, "leave out the augmentations"),
    ],
)
def test_batches_of_views_refuse(digits, options, words):
    with pytest.raises(ValueError, match=words):
        data.Batches(digits.test, 4, image_shape=(8, 8, 1), **options)


def test_googlenet_views():
    smooth = tf.image.resize(IMAGES[:1], (100, 150))
    found = data.views(smooth, "googlenet", 224).numpy()
    assert found.shape == (1, 144, 224, 224, 3)
    assert (found[:, 72:] == found[:, :72, :, ::-1]).all()
    # The first scale is 256 pixels: its left square and then that square as a whole.
    scaled = tf.image.resize(smooth, (256, 384), antialias=True).numpy()
    assert np.allclose(found[0, 0], scaled[0, :224, :224], atol=1e-3)
    whole = tf.image.resize(scaled[:, :256, :256], (224, 224), antialias=True)
    assert np.allclose(found[0, 5], whole[0], atol=1e-3)


@pytest.mark.parametrize(
    ("kind", "size", "words"),
    [("ten_corp", 16, "ten_crop"), ("ten_crop", 21, "no views of 21x21")],
)
def test_views_refuse(kind, size, words):
    with pytest.raises(ValueError, match=words):
        data.views(IMAGES, kind, size)


def test_contrast_normalisation():
    images = RNG.integers(0, 256, (4, 6, 6, 3), "uint8")
    images[3] = 7
    out = np.array(GlobalContrastNormalization(scale=5.0)(images))
    assert np.allclose(out.mean((1, 2, 3)), 0, atol=1e-6)
    lengths = np.sqrt((out**2).sum((1, 2, 3)))
    assert np.allclose(lengths, [5, 5, 5, 0], atol=1e-4)
    centred = images[0] - images[0].mean()
    assert np.allclose(out[0], 5 * centred / np.linalg.norm(centred), atol=1e-5)


def correlated(count):
    base = RNG.normal(size=(count, 2, 2, 1))
    return (base + 0.5 * RNG.normal(size=(count, 2, 2, 3))).astype("float32") * 30


def test_zca_whitens_and_stays_near_the_image():
    images = correlated(5000)
    layer = ZCAWhitening(bias=0.0)
    layer.adapt(images)
    rows = np.array(layer(images)).reshape(5000, -1)
    assert np.allclose(np.cov(rows.T, bias=True), np.eye(12), atol=1e-3)
    # Of all whitening matrices only the symmetric one is ZCA.
    matrix = np.array(layer.matrix)
    assert np.allclose(matrix, matrix.T, atol=1e-5)
    assert not layer.trainable_weights


def test_zca_needs_more_images_than_values():
    with pytest.raises(ValueError, match="give more than 12"):
        ZCAWhitening().adapt(correlated(12))


@pytest.mark.parametrize("kind", ["gcn", "zca"])
def test_whitening_survives_saving(kind, tmp_path):
    images = np.clip(correlated(400) + 128, 0, 255).astype("uint8")
    layers = data.normalization(kind, images=images)
    network = keras.Sequential([keras.Input((2, 2, 3)), *layers])
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    assert np.allclose(network(images), again(images), atol=1e-6)
    assert np.abs(np.array(again(images))).max() > 0.5


def test_zca_says_what_it_needs():
    with pytest.raises(ValueError, match=r"images=batches\.take"):
        data.normalization("zca")
