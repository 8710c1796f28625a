"""Generated scenes: pure functions of their place, with boxes around their masks."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import kerazoo
from kerazoo import colors, data
from kerazoo.data import scenes
from kerazoo.data.boxes import Objects

NUMBERS = tf.range(40, dtype=tf.int64)


@pytest.fixture(scope="module")
def drawn():
    return scenes.draw("train", 3, 5, NUMBERS, 64)


def test_a_scene_depends_on_its_place_alone(drawn):
    one = scenes.draw("train", 3, 5, NUMBERS[7:8], 64)
    np.testing.assert_array_equal(one.images[0], drawn.images[7])
    np.testing.assert_array_equal(one.masks[0], drawn.masks[7])
    for seed, epoch in ((4, 5), (3, 6)):
        other = scenes.draw("train", seed, epoch, NUMBERS[7:8], 64)
        assert (other.images[0] != drawn.images[7]).numpy().any()


def test_boxes_lie_around_the_pixels_of_their_digits(drawn):
    masks, boxes, digits = (
        one.numpy() for one in (drawn.masks, drawn.boxes, drawn.digits)
    )
    assert set(np.unique((digits >= 0).sum(1))) == {1, 2, 3, 4}
    for mask, some, names in zip(masks, boxes, digits, strict=True):
        covered = np.zeros_like(mask)
        for (x1, y1, x2, y2), digit in zip(some, names, strict=True):
            if digit < 0:
                assert (x1, y1, x2, y2) == (-1, -1, -1, -1)
                continue
            inside = mask[y1:y2, x1:x2] == digit + 1
            edges = inside[0], inside[-1], inside[:, 0], inside[:, -1]
            assert all(edge.any() for edge in edges)
            covered[y1:y2, x1:x2] = 1
        assert not mask[covered == 0].any()


def test_digits_are_brighter_than_what_is_behind_them(drawn):
    light = drawn.images.numpy().max(-1)
    ink = drawn.masks.numpy() > 0
    assert light[ink].mean() > light[~ink].mean() + 60


def test_no_part_draws_a_digit_of_another():
    parts = [scenes.glyphs(part, 1)[0].reshape(-1, 64) for part in scenes.SIZES]
    assert [len(part) for part in parts] == [1297, 145, 355]
    rows = [{row.tobytes() for row in part} for part in parts]
    assert not (rows[0] & rows[1] or rows[0] & rows[2] or rows[1] & rows[2])


def test_training_scenes_are_fresh_and_others_are_not():
    images = data.load("digit_scenes/masks?size=32", seed=2)
    assert images.task == "segmentation"
    options = {"image_shape": (32, 32, 3), "seed": 1}

    def epochs(part):
        batches = images.batches(part, batch_size=50, **options)
        steps = batches.steps
        taken = list(batches.epochs().take(2 * steps).as_numpy_iterator())
        return [
            np.concatenate([x for x, _ in half])
            for half in (taken[:steps], taken[steps:])
        ]

    first, second = epochs("test")
    np.testing.assert_array_equal(first, second)
    batches = images.batches("train", batch_size=50, **options)
    images_, masks = next(iter(batches.epochs(0)))
    np.testing.assert_array_equal(images_, next(iter(batches.dataset))[0])
    expected = scenes.draw("train", 2, 0, tf.range(50, dtype=tf.int64), 32)
    np.testing.assert_array_equal(images_, expected.images)
    np.testing.assert_array_equal(masks, expected.masks)
    assert (next(iter(batches.epochs(1)))[0] != images_).numpy().any()


def truth(part="train", count=20, **options):
    """The first scenes with boxes, and their objects."""
    batches = data.load("digit_scenes/boxes?size=64", seed=3).batches(
        part, batch_size=count, image_shape=(64, 64, 3), **options
    )
    return batches.take(count)


def test_scenes_with_boxes():
    drawn = scenes.draw("train", 3, 0, NUMBERS[:20], 64)
    images, found = truth()
    np.testing.assert_array_equal(images, drawn.images)
    np.testing.assert_array_equal(found.boxes, drawn.boxes)
    np.testing.assert_array_equal(found.classes, drawn.digits)
    assert found.boxes.dtype == np.float32
    assert data.load("digit_scenes/boxes").classes == tuple("0123456789")


def test_boxes_follow_a_flip():
    _, found = truth(augment=("flip",))
    _, still = truth()
    there = still.classes >= 0
    np.testing.assert_array_equal(found.classes, still.classes)
    flipped = still.boxes.copy()
    flipped[..., [0, 2]] = 64 - still.boxes[..., [2, 0]]
    same = (found.boxes == still.boxes).all(-1) | ~there
    moved = (found.boxes == flipped).all(-1) | ~there
    assert (same.all(1) | moved.all(1)).all()
    assert not same.all()
    assert not moved.all()


def test_boxes_follow_resizing():
    images = data.load("digit_scenes/boxes?size=64", seed=3)
    _, still = truth()
    batches = images.batches("train", batch_size=20, image_shape=(32, 128, 3))
    _, found = batches.take(20)
    there = (still.classes >= 0) & (found.classes >= 0)
    assert there.sum() > 20
    expected = still.boxes[there] * [2, 0.5, 2, 0.5]
    # A pixel of the scene, which is two in x: half of the rows are gone.
    np.testing.assert_allclose(found.boxes[there], expected, atol=2)


def test_no_network_takes_boxes_yet():
    with pytest.raises(ValueError, match="is for detection; give other data"):
        kerazoo.fit("lenet5", "digit_scenes/boxes")


def test_boxes_are_drawn(tmp_path):
    images = data.load("digit_scenes/boxes?size=64")
    batches = images.batches("test", batch_size=4, image_shape=(64, 64, 3))
    found = data.show(batches, tmp_path / "scenes.png", count=4)
    assert isinstance(found, Objects)
    with Image.open(tmp_path / "scenes.png") as picture:
        seen = {color for _, color in picture.getcolors(2**20)}
    shades = colors.palette(11)[1:]
    for one in np.unique(found.classes[found.classes >= 0]):
        assert tuple(shades[one].tolist()) in seen


def test_an_epoch_is_entered_at_any_step():
    images = data.load("digit_scenes/masks?size=32")
    batches = images.batches(
        "train",
        batch_size=300,
        image_shape=(32, 32, 3),
        shuffle=True,
        augment=("flip",),
    )
    whole = list(batches.epochs(1).take(batches.steps).as_numpy_iterator())
    late = next(batches.epochs(1, 4).as_numpy_iterator())
    np.testing.assert_array_equal(whole[4][0], late[0])
    np.testing.assert_array_equal(whole[4][1], late[1])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("digit_scenes", "names no variant"),
        ("digit_scenes/boxes?side=9", "options are size and scenes"),
        ("digit_scenes/nosuch", "digit_scenes/masks"),
        ("digit_scenes/masks?side=9", "options are size and scenes"),
        ("digit_scenes/masks?size=7", "size is 7"),
        ("digit_scenes/masks?size=big", "size is"),
    ],
)
def test_bad_names(name, sentence):
    with pytest.raises(ValueError, match=sentence):
        data.load(name)


def test_a_number_of_scenes_stays_the_same():
    images = data.load("digit_scenes/boxes?scenes=5&size=48", seed=3)
    assert images.train.size == 5
    batches = images.batches("train", batch_size=5, image_shape=(48, 48, 3))
    first, second = (next(iter(batches.epochs(epoch)))[0].numpy() for epoch in (0, 1))
    np.testing.assert_array_equal(first, second)
    fresh = data.load("digit_scenes/boxes?size=48", seed=3)
    batches = fresh.batches("train", batch_size=5, image_shape=(48, 48, 3))
    np.testing.assert_array_equal(next(iter(batches.epochs(0)))[0], first)
    with pytest.raises(ValueError, match="scenes"):
        data.load("digit_scenes/boxes?scenes=0")
