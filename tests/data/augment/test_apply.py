"""Augmentations against NumPy and Pillow, within their bounds, and their names."""

import collections

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps

from kerazoo import data
from kerazoo.data import draws
from kerazoo.data.augment import apply as augment
from kerazoo.data.augment import color, geometry, mixing, rand_augment
from kerazoo.data.splits import Arrays, Split

RNG = np.random.default_rng(0)
PHOTOS = np.stack(
    [
        np.stack(
            [
                128
                + 110
                * np.sin(np.mgrid[:24, :24][0] / (3 + i) + c)
                * np.cos(np.mgrid[:24, :24][1] / (4 + c))
                for c in range(3)
            ],
            -1,
        )
        for i in range(40)
    ]
).astype("uint8")
NOISE = RNG.integers(1, 256, (500, 12, 10, 3), "uint8")
ALL = sorted(augment.REGISTRY)


def split(images):
    size = len(images)
    source = Arrays(lambda: (images, np.arange(size) % 5), size, images.shape[1:])
    return Split(source, name="some", classes=list("01234"))


def run(images, *names, epoch=0, shape=None, **options):
    """Augmented images and labels of an epoch."""
    batches = data.Batches(
        split(images),
        64,
        image_shape=shape or images.shape[1:],
        augment=names,
        **options,
    )
    found = batches.epochs(epoch).take(batches.steps).as_numpy_iterator()
    return tuple(map(np.concatenate, zip(*found, strict=True)))


def spelled(name):
    return {"scale_jitter": "scale_jitter:24:48"}.get(name, name)


@pytest.mark.parametrize("name", ALL)
def test_each_is_deterministic_and_does_something(name):
    one, labels = run(PHOTOS, spelled(name))
    again, _ = run(PHOTOS, spelled(name), cache="none")
    later, _ = run(PHOTOS, spelled(name), epoch=1)
    assert one.shape == PHOTOS.shape
    assert one.dtype == (np.float32 if name == "mixup" else np.uint8)
    assert (one == again).all()
    assert (one != later).any() and (one != PHOTOS).any()
    assert one.min() >= 0 and one.max() <= 255
    assert len(labels) == len(PHOTOS)


@pytest.mark.parametrize("name", ALL)
def test_each_has_a_line_of_help(name):
    lines = data.augmentations()
    (spelling,) = [one for one in lines if one.split(":")[0] == name]
    assert lines[spelling].endswith(".") and len(lines[spelling]) < 88
    assert augment.parse(spelling) == augment.parse(name)


def test_flip_mirrors_half():
    images, _ = run(NOISE, "flip")
    mirrored = (images == NOISE[:, :, ::-1]).all((1, 2, 3))
    assert (mirrored | (images == NOISE).all((1, 2, 3))).all()
    # 250 expected, standard deviation 11.
    assert 200 < mirrored.sum() < 300


def test_vertical_flip_mirrors_half():
    images, _ = run(NOISE, "vertical_flip")
    mirrored = (images == NOISE[:, ::-1]).all((1, 2, 3))
    assert (mirrored | (images == NOISE).all((1, 2, 3))).all()
    assert 200 < mirrored.sum() < 300


@pytest.mark.parametrize("side", [9, 10])
def test_quarter_turns_keep_every_pixel(side):
    square = RNG.integers(1, 256, (500, side, side, 3), "uint8")
    images, _ = run(square, "rotate90")
    turned = np.stack([np.rot90(square, n, (1, 2)) for n in range(4)])
    found = (images == turned).all((2, 3, 4))
    assert (found.sum(0) == 1).all()
    # 125 expected, standard deviation 10.
    assert (np.abs(found.sum(1) - 125) < 45).all()


def shifts(images, originals, reach):
    """The shift of each image, found by trying all of them."""
    padded = np.pad(originals, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    height, width = originals.shape[1:3]
    found = {}
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            top, left = reach - down, reach - right
            moved = padded[:, top : top + height, left : left + width]
            for number in np.flatnonzero((moved == images).all((1, 2, 3))):
                found[number] = (down, right)
    return found


def test_pad_crop_reaches_every_place():
    images, _ = run(NOISE, "pad_crop:2")
    found = shifts(images, NOISE, 2)
    assert len(found) == len(NOISE)
    counts = collections.Counter(found.values())
    assert len(counts) == 25 and max(counts.values()) < 45


def test_translate_stays_within_its_share():
    images, _ = run(NOISE, "translate:0.25")
    found = shifts(images, NOISE, 3)
    assert len(found) == len(NOISE)
    # A quarter of 12 rows is 3, of 10 columns 2.
    assert {down for down, _ in found.values()} == set(range(-3, 4))
    assert {right for _, right in found.values()} == set(range(-2, 3))


def test_warp_of_the_identity_changes_nothing():
    eye = tf.eye(3, batch_shape=[len(PHOTOS)])
    assert (geometry.warp(tf.constant(PHOTOS), eye).numpy() == PHOTOS).all()


@pytest.mark.parametrize("degrees", [90, -90, 180])
def test_quarter_turns_are_exact(degrees):
    angle = tf.fill([len(PHOTOS)], np.float32(np.deg2rad(degrees)))
    turned = geometry.warp(tf.constant(PHOTOS), geometry.turn(angle)).numpy()
    # NumPy turns against the clock.
    expected = np.rot90(PHOTOS, -degrees // 90, (1, 2))
    assert np.abs(turned.astype(int) - expected)[:, 1:-1, 1:-1].max() <= 1


def test_turn_is_pillows():
    angle = tf.fill([len(PHOTOS)], np.float32(np.deg2rad(-20)))
    turned = geometry.warp(tf.constant(PHOTOS), geometry.turn(angle)).numpy()
    for image, ours in zip(PHOTOS, turned, strict=True):
        theirs = np.array(Image.fromarray(image).rotate(20, Image.BILINEAR))
        assert np.abs(ours.astype(int) - theirs)[6:18, 6:18].max() <= 2


def test_warps_in_a_row_are_one():
    """Two opposite turns leave the image sharp, as one interpolation would."""
    steps = [augment.parse(name) for name in ("rotate:20", "shear:0.2")]
    numbers = tf.range(len(PHOTOS), dtype=tf.int64)
    epoch = tf.constant(0, tf.int64)
    truth = augment.Truth()
    both, _ = augment.apply(steps, tf.constant(PHOTOS), truth, 0, epoch, numbers)
    matrix = [
        step(draws.uniform(0, epoch, numbers, place, step.augmentation.draws))
        for place, step in enumerate(steps)
    ]
    once = geometry.warp(tf.constant(PHOTOS), matrix[0] @ matrix[1])
    assert (both.numpy() == once.numpy()).all()
    after = geometry.warp(geometry.warp(tf.constant(PHOTOS), matrix[0]), matrix[1])
    inside = np.s_[:, 8:16, 8:16]
    gap = both.numpy()[inside].astype(int) - after.numpy()[inside]
    assert np.abs(gap).mean() < 4


def test_lens_without_strength_changes_nothing():
    images, _ = run(PHOTOS, "lens:0")
    assert (images == PHOTOS).all()


def test_sample_between_pixels():
    images = tf.constant(PHOTOS, tf.float32)
    places = np.broadcast_to(np.mgrid[:24, :24, :1][:2, ..., 0], (40, 2, 24, 24))
    y, x = tf.unstack(tf.constant(places, tf.float32), axis=1)
    half = geometry.sample(images, y, x + 0.5)
    right = np.pad(PHOTOS, ((0, 0), (0, 0), (0, 1), (0, 0)))[:, :, 1:]
    expected = (PHOTOS.astype("float32") + right) / 2
    assert np.allclose(half, expected, atol=1e-3)


def test_lighting_moves_along_the_components():
    images = np.full((2000, 1, 1, 3), 128, "uint8")
    # Ten times the usual deviation, so that rounding does not matter.
    moved, _ = run(images, "lighting:1")
    shift = (moved.reshape(-1, 3).astype(float) - 128) / 255
    along = shift @ np.array(color.EIGENVECTORS)
    # The largest component is clipped at times and deviates by a little less.
    assert np.allclose(along.std(0), color.EIGENVALUES, rtol=0.1)


def test_lighting_refuses_grey():
    with pytest.raises(ValueError, match="needs RGB"):
        run(PHOTOS, "lighting", shape=(24, 24, 1))


def test_cutout_hides_a_square():
    images, _ = run(NOISE, "cutout:4")
    hidden = (images == 0).all(-1)
    assert (images[~hidden] == NOISE[~hidden]).all()
    assert hidden.sum((1, 2)).max() == 16
    # Corners keep at least two of its four rows.
    assert hidden.sum((1, 2)).min() >= 4


def test_beta_has_the_moments_of_beta():
    for alpha in (0.1, 0.2, 0.5, 1.0):
        numbers = tf.range(20000, dtype=tf.int64)
        u = draws.uniform(0, tf.constant(0, tf.int64), numbers, 0, 2 * mixing.TRIES)
        share = mixing.beta(u, alpha).numpy()
        assert abs(share.mean() - 0.5) < 0.015
        assert abs(share.var() - 1 / (4 * (2 * alpha + 1))) < 0.005


@pytest.mark.parametrize("name", ["mixup:1", "cutmix:1"])
def test_labels_mix_as_images_do(name):
    """Flat images, each of the colour of its label, show the label's shares."""
    values = (np.arange(50) % 5 * 50).astype("uint8")
    images = np.broadcast_to(values[:, None, None, None], (50, 40, 40, 1))
    mixed, labels = run(images, name)
    assert labels.dtype == np.float32 and np.allclose(labels.sum(1), 1)
    assert (labels.max(1) < 0.999).sum() > 30
    assert np.allclose(mixed.mean((1, 2, 3)), labels @ (np.arange(5) * 50), atol=0.01)


def box_of(ramp):
    """Sides of the box that a crop took, read off a ramp of row and column."""
    rows, columns = ramp[..., 0].astype(float), ramp[..., 1].astype(float)
    return np.ptp(rows), np.ptp(columns)


RAMP = np.broadcast_to(
    np.stack([*np.mgrid[:250, :200], np.zeros((250, 200))], -1).astype("uint8"),
    (60, 250, 200, 3),
)


def test_area_crop_keeps_to_its_areas_and_aspects():
    images, _ = run(RAMP, "area_crop:0.1:0.5", shape=(32, 32, 3))
    sides = np.array([box_of(image) for image in images]) + 4
    areas = sides.prod(1) / (250 * 200)
    aspects = sides[:, 1] / sides[:, 0]
    assert areas.min() > 0.07 and areas.max() < 0.56 and np.ptp(areas) > 0.3
    assert aspects.min() > 0.7 and aspects.max() < 1.43 and np.ptp(aspects) > 0.4


def test_scale_jitter_of_one_scale_is_a_plain_crop():
    images, _ = run(RAMP, "scale_jitter:200:200", shape=(64, 64, 3))
    tops, lefts = images[:, 0, 0, 0].astype(int), images[:, 0, 0, 1].astype(int)
    for image, top, left in zip(images, tops, lefts, strict=True):
        assert (image == RAMP[0, top : top + 64, left : left + 64]).all()
    assert tops.max() > 140 and tops.min() < 40 and lefts.max() > 100


def test_scale_jitter_scales():
    images, _ = run(RAMP, "scale_jitter:64:128", shape=(64, 64, 3))
    sides = np.array([box_of(image) for image in images])
    # The whole of the smaller side at 64, half of it at 128.
    assert sides.min() >= 94 and sides.max() <= 200 and np.ptp(sides[:, 0]) > 60


def test_scale_jitter_refuses_scales_below_the_size():
    with pytest.raises(ValueError, match="rise from 64"):
        run(RAMP, "scale_jitter:32:128", shape=(64, 64, 3))


def operated(name, sign=1.0, strength=0.3):
    size = len(PHOTOS)
    chosen = tf.fill([size], rand_augment.OPERATIONS.index(name))
    signs = tf.fill([size], sign)
    photos = tf.constant(PHOTOS)
    return rand_augment.operate(photos, None, chosen, signs, strength)[0].numpy()


PILLOW = {
    "identity": lambda image: image,
    "brightness": lambda image: ImageEnhance.Brightness(image).enhance(1.27),
    "color": lambda image: ImageEnhance.Color(image).enhance(1.27),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.27),
    "sharpness": lambda image: ImageEnhance.Sharpness(image).enhance(1.27),
    "posterize": lambda image: ImageOps.posterize(image, 7),
    "solarize": lambda image: ImageOps.solarize(image, 180),
    "autocontrast": ImageOps.autocontrast,
    "equalize": ImageOps.equalize,
}


@pytest.mark.parametrize("name", PILLOW)
def test_operations_are_pillows(name):
    ours = operated(name)
    for image, found in zip(PHOTOS, ours, strict=True):
        expected = np.array(PILLOW[name](Image.fromarray(image)))
        # Pillow rounds twice or cuts off where we round once.
        assert np.abs(found.astype(int) - expected).max() <= 2


@pytest.mark.parametrize("name", sorted(set(rand_augment.OPERATIONS) - set(PILLOW)))
def test_operations_move_both_ways(name):
    one, other = operated(name, 1.0), operated(name, -1.0)
    assert (one != PHOTOS).any() and (one != other).any()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["flop"], "did you mean flip"),
        (["flip:2"], "write flip without a value"),
        (["pad_crop:x"], "write pad_crop:<pixels>"),
        (["pad_crop:-1"], "at least 1"),
        (["pad_crop:nan"], "at least 1"),
        (["pad_crop:1:2"], "write pad_crop:<pixels>"),
        (["translate:2"], "from 0 to 1"),
        (["mixup:0"], "from 0.01 to 1"),
        (["flip", "area_crop"], "put one crop of the whole image first"),
        (["area_crop", "scale_jitter"], "put one crop"),
        (["mixup", "flip"], "mixing last"),
    ],
)
def test_one_sentence(names, words):
    with pytest.raises(ValueError, match=words):
        run(PHOTOS, *names)
