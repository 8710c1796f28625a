"""The pipeline's resize and the served network's: the same pixels."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from kerazoo import data
from kerazoo.data import resizing

# Equal, thin, of another proportion, larger, smaller, and of simple ratios.
HAVE = [(24, 30), (1, 1), (1, 200), (90, 3), (48, 60), (8, 10), (41, 60), (123, 101)]
SIZES = [(24, 30, 3), (24, 30, 1), (1, 5, 3), (97, 13, 1)]


def picture(have, channels=3, batch=()):
    rng = np.random.default_rng(sum(have))
    return rng.integers(0, 256, (*batch, *have, channels), "uint8")


def exact(line, size):
    """The matrix of a triangle filter in double precision, as a textbook has it."""
    scale = line / size
    reach = max(scale, 1)
    centers = (np.arange(size) + 0.5) * scale - 0.5
    weights = 1 - np.abs(np.arange(line) - centers[:, None]) / reach
    weights = np.maximum(weights, 0)
    return weights / weights.sum(1, keepdims=True)


def box(image, size, how):
    """What of an image is stretched to the size, cut and padded with NumPy."""
    (tall, wide), (height, width) = image.shape[:2], size
    if how == "bilinear":
        return image
    if how == "center":
        padded = np.pad(image, [[height, height], [width, width], [0, 0]])
        top, left = (tall + height) // 2, (wide + width) // 2
        return padded[top : top + height, left : left + width]
    fitting = np.array([wide * height // width, tall * width // height])
    if how == "pad":
        more = (np.maximum(fitting, image.shape[:2]) - image.shape[:2]) // 2
        return np.pad(image, [[more[0]] * 2, [more[1]] * 2, [0, 0]])
    sides = np.maximum(np.minimum(fitting, image.shape[:2]), 1)
    top, left = (np.array(image.shape[:2]) - sides) // 2
    return image[top : top + sides[0], left : left + sides[1]]


def reference(image, size, how):
    """The result before it is rounded, in double precision."""
    part = box(image, size, how).astype("float64")
    tall, wide = (exact(*pair) for pair in zip(part.shape[:2], size, strict=True))
    return np.stack([tall @ one @ wide.T for one in np.moveaxis(part, -1, 0)], -1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("how", resizing.RESIZES)
# Images of more values than any that is computed in bands, and of fewer.
@pytest.mark.parametrize("most", [0, 10**6])
def test_both_are_the_triangle_filter(how, size, most, monkeypatch):
    """To the nearest whole number, up to 0.01 of one."""
    monkeypatch.setattr(resizing, "MOST_VALUES", most)
    *size, channels = size
    served = data.resizer(size, how, channels)
    for have in HAVE:
        image = picture(have, channels)
        expected = reference(image, size, how)
        piped = resizing.resize(tf.constant(image), size, how).numpy()
        for got in (piped, np.asarray(served(image[None]))[0]):
            assert got.dtype == "uint8"
            assert got.shape == expected.shape
            assert np.abs(got - expected).max() <= 0.51, have


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("how", resizing.RESIZES)
def test_the_served_pixels_are_the_pipelines(how, size):
    """Batches and single images; one pixel in a thousand may differ by one."""
    *size, channels = size
    served, differing, pixels = data.resizer(size, how, channels), 0, 0
    for have in HAVE:
        for batch in (1, 4):
            images = picture(have, channels, (batch,))
            piped = resizing.resize(tf.constant(images), size, how).numpy()
            got = np.asarray(served(images)).astype(int)
            assert np.abs(got - piped).max() <= 1, have
            differing += (got != piped).sum()
            pixels += got.size
            one = resizing.resize(tf.constant(images[0]), size, how)
            np.testing.assert_array_equal(one, piped[0])
    assert differing <= (0 if how == "center" else pixels / 1000)


def test_halves_go_one_way():
    """Simple ratios make many, of which two sums may lie on different sides."""
    shares = []
    for have in (8, 28, 32, 96):
        for size in (8, 24, 32, 64):
            images = picture((have, have), 3, (4,))
            got = np.asarray(data.resizer((size, size), "bilinear", 3)(images))
            piped = resizing.resize(tf.constant(images), (size, size), "bilinear")
            shares.append((got != piped.numpy()).mean())
    assert np.mean(shares) <= 1e-4


@pytest.mark.parametrize("how", resizing.RESIZES)
def test_equal_sizes_change_nothing(how):
    images = picture((24, 30), 3, (2,))
    np.testing.assert_array_equal(data.resizer((24, 30), how, 3)(images), images)
    # A size that the graph does not know.
    whole = tf.function(
        lambda x: resizing.resize(x, (24, 30), how),
        input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)],
    )
    np.testing.assert_array_equal(whole(images), images)


@pytest.mark.parametrize("how", resizing.RESIZES)
def test_extremes(how):
    """White stays white, and no images give none."""
    white = np.full((1, 37, 53, 3), 255, "uint8")
    got = np.asarray(data.resizer((24, 30), how, 3)(white))
    assert got[0, 12, 15].tolist() == [255] * 3
    if how in ("bilinear", "crop"):
        assert (got == 255).all()
    assert np.asarray(data.resizer((24, 30), how, 3)(white[:0])).shape == (0, 24, 30, 3)


JAX = """
import numpy as np, tensorflow as tf, keras
from kerazoo import data
from kerazoo.data import resizing
assert keras.backend.backend() == "jax"
for how in resizing.RESIZES:
    for have in ((41, 60), (7, 90)):
        images = np.random.default_rng(0).integers(0, 256, (2, *have, 3), "uint8")
        piped = resizing.resize(tf.constant(images), (24, 30), how).numpy().astype(int)
        got = np.asarray(data.resizer((24, 30), how, 3)(images))
        assert np.abs(got - piped).max() <= 1
        assert (got != piped).mean() <= 1e-3
"""


@pytest.mark.slow
def test_jax_gives_the_same_pixels():
    pytest.importorskip("jax", reason="the extra `test` brings jax")
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", JAX]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("how", resizing.RESIZES)
@pytest.mark.parametrize("have", [(16, 16), (40, 30), (9, 31), (8, 12)])
def test_what_is_found_returns_to_its_place(how, have):
    """A rising plane is resized and comes back, where it was seen."""
    rows, columns = np.mgrid[: have[0], : have[1]]
    plane = (3 * rows + 2 * columns + 20).astype("uint8")[..., None]
    small = resizing.resize(tf.constant(plane), (16, 16), how).numpy()
    back, known = resizing.restored(small.astype("float32"), (16, 16), have, how)
    assert back.shape == plane.shape
    assert known.shape == have
    whole = {"crop": have[0] == have[1], "center": max(have) <= 16}
    assert known.all() == whole.get(how, True)
    # At the edges, and where black was filled in, the plane does not go on.
    inner = known.copy()
    inner[[0, 1, 2, -3, -2, -1]] = False
    inner[:, [0, 1, 2, -3, -2, -1]] = False
    edges = ~known
    for axis in (0, 1):
        for step in (-2, -1, 1, 2):
            inner &= ~np.roll(edges, step, axis)
    assert np.abs(back - plane)[inner].max(initial=0) <= 3


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("have", [(301, 224), (224, 500), (40, 33), (256, 256)])
def test_a_share_is_cut_out_as_pillow_does(have, interpolation):
    """Scaled to a shorter side, then the middle; within two levels of Pillow."""
    from PIL import Image

    size, share = 56, 0.875
    rng = np.random.default_rng(1)
    small = rng.integers(0, 256, (12, 12, 3), "uint8")
    image = np.asarray(Image.fromarray(small).resize(have[::-1], Image.BICUBIC))
    short = int(size / share + 0.01)
    tall, wide = (short * side // min(have) for side in have)
    filters = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
    whole = Image.fromarray(image).resize((wide, tall), filters[interpolation])
    top, left = round((tall - size) / 2), round((wide - size) / 2)
    wanted = np.asarray(whole)[top : top + size, left : left + size].astype(int)
    served = data.resizer(
        (size, size), "crop", 3, share=share, interpolation=interpolation
    )
    found = np.asarray(served(image[None]))[0].astype(int)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= 2
    assert np.abs(found - wanted).mean() < 0.3


@pytest.mark.parametrize(("how", "share"), [("pad", 0.5), ("crop", 0)])
def test_a_share_is_of_a_crop(how, share):
    with pytest.raises(ValueError, match="of a crop alone"):
        data.resizer((8, 8), how, 3, share=share)
