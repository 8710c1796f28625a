"""Epochs: everyone once, the same bits from anywhere, the right sizes and channels."""

import collections

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerazoo import data
from kerazoo.data import resizing
from kerazoo.data.splits import Arrays, Records, Split

SHAPE = (8, 8, 1)


def epoch(batches, number=0, step=0):
    rest = batches.epochs(number, step).take(batches.steps - step)
    return [(x.numpy(), y.numpy()) for x, y in rest]


def same(one, other):
    return len(one) == len(other) and all(
        np.array_equal(x, u) and np.array_equal(y, v)
        for (x, y), (u, v) in zip(one, other, strict=True)
    )


def numbered(size, shape=(2, 2, 3)):
    """A split whose images tell which example they are."""
    images = np.arange(size)[:, None, None, None] // (1, 256, 1) % 256
    images = np.broadcast_to(images, (size, *shape)).astype("uint8")
    source = Arrays(lambda: (images, np.arange(size) % 10), size, shape)
    return Split(source, name="numbered", classes=list("0123456789"))


def examples(batches):
    pixels = np.concatenate([x[:, 0, 0].astype(int) for x, _ in batches])
    return pixels[:, 0] + 256 * pixels[:, 1]


@pytest.mark.parametrize("batch_size", [1, 7, 100, 257, 1000])
@pytest.mark.parametrize("shuffle", [False, True])
def test_everyone_once(batch_size, shuffle):
    batches = data.Batches(
        numbered(1000), batch_size, image_shape=(2, 2, 3), shuffle=shuffle
    )
    seen = epoch(batches, 2)
    assert len(seen) == batches.steps == batches.dataset.cardinality()
    assert sorted(examples(seen)) == list(range(1000))
    assert (examples(seen) == np.arange(1000)).all() != shuffle
    assert [len(x) for x, _ in seen[:-1]] == [batch_size] * (batches.steps - 1)


def test_drop_remainder():
    batches = data.Batches(
        numbered(1000), 64, image_shape=(2, 2, 3), drop_remainder=True
    )
    assert (batches.steps, batches.size) == (15, 960)
    assert [len(x) for x, _ in epoch(batches)] == [64] * 15


def test_streamed_examples_once(data_dir):
    """The digits from the files are those from memory, in some order."""
    held, streamed = (
        data.load("digits", data_dir=data_dir, validation=0, memory_limit=limit).train
        for limit in (2**30, 0)
    )
    counts = []
    for split, shuffle in ((held, False), (streamed, False), (streamed, True)):
        batches = data.Batches(
            split, 64, image_shape=SHAPE, cache="none", shuffle=shuffle
        )
        counts.append(
            collections.Counter(
                (label, image.tobytes())
                for images, labels in epoch(batches, 1)
                for image, label in zip(images, labels, strict=True)
            )
        )
    assert counts[0] == counts[1] == counts[2]
    assert sum(counts[0].values()) == 1442


AUGMENT = ("flip", "pad_crop:2", "translate:0.2")


@pytest.mark.parametrize("source", ["digits", "streamed"])
def test_pure_function_of_seed_and_epoch(source, request):
    split = request.getfixturevalue(source).train

    def make(seed=0):
        return data.Batches(
            split,
            100,
            image_shape=SHAPE,
            augment=AUGMENT,
            shuffle=True,
            seed=seed,
            cache="none",
        )

    batches = make()
    first = epoch(batches, 3)
    assert same(first, epoch(batches, 3))
    # The process' global seed, which TensorFlow mixes into its own shuffling.
    keras.utils.set_random_seed(7)
    assert same(first, epoch(make(), 3))
    assert not same(first, epoch(batches, 4))
    assert not same(first, epoch(make(seed=1), 3))
    for step in (1, 7, batches.steps):
        assert same(first[step:], epoch(batches, 3, step))
    assert same(first, epoch(batches, 3))


@pytest.mark.parametrize("source", ["digits", "streamed"])
def test_epochs_follow_each_other(source, request):
    batches = data.Batches(
        request.getfixturevalue(source).train,
        300,
        image_shape=SHAPE,
        augment=AUGMENT,
        shuffle=True,
        cache="none",
    )
    expected = epoch(batches, 3, 2) + epoch(batches, 4)
    endless = batches.epochs(3, 2).take(len(expected))
    assert same(expected, [(x.numpy(), y.numpy()) for x, y in endless])
    first = [(x.numpy(), y.numpy()) for x, y in batches.dataset]
    assert same(first, epoch(batches))


def test_parallelism_changes_nothing(digits):
    batches = data.Batches(
        digits.train, 50, image_shape=SHAPE, augment=AUGMENT, shuffle=True
    )
    expected = epoch(batches, 1)
    for threads in (1, 2, 8):
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads
        options.autotune.enabled = threads > 1
        dataset = batches.epochs(1).take(batches.steps).with_options(options)
        assert same(expected, [(x.numpy(), y.numpy()) for x, y in dataset])


def test_augmentation_belongs_to_the_example_not_to_the_batch(digits):
    """Other batch sizes and orders bring each example the same distortion."""
    found = []
    for size, shuffle in ((10, False), (33, True)):
        batches = data.Batches(
            digits.train.subset(np.arange(100)),
            size,
            image_shape=SHAPE,
            augment=AUGMENT,
            shuffle=shuffle,
        )
        images = np.concatenate([x for x, _ in epoch(batches, 5)])
        found.append(sorted(image.tobytes() for image in images))
    assert found[0] == found[1]


@pytest.mark.parametrize("shape", [(8, 8, 1), (16, 16, 3)])
def test_cache_changes_nothing(digits, shape):
    kept, read = (
        data.Batches(
            digits.train,
            100,
            image_shape=shape,
            cache=cache,
            shuffle=True,
            augment=AUGMENT,
        )
        for cache in ("memory", "none")
    )
    assert same(epoch(kept, 1), epoch(read, 1))


def test_streamed_set_is_held_once_resized(streamed):
    shape = (12, 12, 3)
    kept, read = (
        data.Batches(streamed.train, 100, image_shape=shape, cache=cache)
        for cache in ("auto", "none")
    )
    assert same(epoch(kept), epoch(read))


def model(inputs=SHAPE):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input(inputs),
            *data.normalization("minmax"),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def test_fit_sees_every_epoch_in_its_own_order(digits):
    """What reaches the training step, through Keras' own iterators."""
    batches = data.Batches(digits.train, 433, image_shape=SHAPE, shuffle=True)
    seen = []

    class Spy(keras.Model):
        def train_step(self, pair):
            tf.numpy_function(lambda x: seen.append(x.copy()), [pair[0]], [])
            return super().train_step(pair)

    inputs = keras.Input(SHAPE)
    spy = Spy(inputs, model()(inputs))
    spy.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=False)
    spy.fit(batches.epochs(), epochs=3, steps_per_epoch=batches.steps, shuffle=False)
    expected = [x for number in range(3) for x, _ in epoch(batches, number)]
    assert all(np.array_equal(x, y) for x, y in zip(seen, expected, strict=True))


def test_fit_from_the_middle_of_an_epoch(digits):
    """Two fits, the second from step 4 of epoch 1, equal one fit that was not cut."""

    def train(spans):
        batches = data.Batches(digits.train, 200, image_shape=SHAPE, shuffle=True)
        network = model()
        network.compile("sgd", "sparse_categorical_crossentropy")
        for number, start, stop in spans:
            rest = batches.epochs(number, start).take(stop - start)
            network.fit(rest, steps_per_epoch=stop - start, shuffle=False, verbose=0)
        return network.get_weights()

    whole = train([(0, 0, 7), (1, 0, 7)])
    parts = train([(0, 0, 7), (1, 0, 4), (1, 4, 7)])
    assert all((a == b).all() for a, b in zip(whole, parts, strict=True))


def test_labels_are_ids_or_rows(digits):
    ids = data.Batches(digits.test, 355, image_shape=SHAPE)
    rows = data.Batches(digits.test, 355, image_shape=SHAPE, one_hot=True)
    (_, labels), (_, table) = epoch(ids)[0], epoch(rows)[0]
    assert labels.dtype == np.int32 and table.dtype == np.float32
    assert (labels == digits.test.labels).all()
    assert (table == np.eye(10)[labels]).all()


def photo(height, width, channels=3):
    """Something smooth with detail, so that a wrong resize shows."""
    y, x = np.mgrid[:height, :width]
    waves = [127 + 120 * np.sin(y / (5 + i) + x / 7 + i) for i in range(channels)]
    return np.stack(waves, -1).astype("uint8")


def pillow(image, size):
    """Antialiased bilinear in Pillow; size is height and width."""
    return np.array(Image.fromarray(image).resize(size[::-1], Image.BILINEAR))


@pytest.mark.parametrize("size", [(20, 30), (61, 47), (90, 120)])
def test_bilinear_is_pillows(size):
    image = photo(61, 83)
    ours = resizing.resize(tf.constant(image), size, "bilinear").numpy()
    assert ours.dtype == np.uint8 and ours.shape == (*size, 3)
    assert np.abs(ours.astype(int) - pillow(image, size)).max() <= 1


def test_pad_keeps_proportions():
    image = photo(40, 80)
    ours = resizing.resize(tf.constant(image), (32, 32), "pad").numpy()
    # Scaling blends the rows at the border with the black beyond it.
    assert (ours[:7] == 0).all() and (ours[25:] == 0).all()
    assert np.abs(ours[9:23].astype(int) - pillow(image, (16, 32))[1:-1]).max() <= 1


def test_crop_keeps_proportions():
    image = photo(40, 80)
    ours = resizing.resize(tf.constant(image), (32, 32), "crop").numpy()
    expected = pillow(image[:, 20:60], (32, 32))
    assert np.abs(ours.astype(int) - expected).max() <= 1


def test_center_does_not_scale():
    image = photo(28, 40, 1)
    ours = resizing.resize(tf.constant(image), (32, 32), "center").numpy()
    assert (ours[2:30] == image[:, 4:36]).all()
    assert (ours[:2] == 0).all() and (ours[30:] == 0).all()


def test_channels_are_pillows():
    values = np.random.default_rng(0).integers(0, 256, (100, 100, 3), "uint8")
    grey = resizing.channels(tf.constant(values), 1).numpy()
    assert (grey[..., 0] == np.array(Image.fromarray(values).convert("L"))).all()
    back = resizing.channels(tf.constant(grey), 3).numpy()
    assert (back == grey).all() and back.shape == (100, 100, 3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch_size": 0}, "whole number from 1"),
        ({"batch_size": -3}, "whole number from 1"),
        ({"batch_size": 2.5}, "whole number from 1"),
        ({"batch_size": 5000, "shuffle": True}, "less than a batch"),
        ({"batch_size": 5000, "drop_remainder": True}, "less than a batch"),
        ({"image_shape": (8, 8)}, "height, width and channels"),
        ({"image_shape": (8, 0, 1)}, "height, width and channels"),
        ({"image_shape": (8, 8, 2)}, "1 and 3 can be changed"),
        ({"resize": "bilinaer"}, "did you mean bilinear"),
        ({"cache": "disk"}, "Unknown cache"),
        ({"augment": "flip"}, "must be a list of texts"),
        ({"augment": ["flop"]}, "did you mean flip"),
    ],
)
def test_one_sentence(digits, options, words):
    options = {"batch_size": 10, "image_shape": SHAPE} | options
    with pytest.raises(ValueError, match=words):
        data.Batches(digits.train, **options)


def test_empty_split(digits):
    with pytest.raises(ValueError, match="is empty"):
        data.Batches(digits.train.subset([]), 1, image_shape=SHAPE)


@pytest.mark.parametrize(("number", "step"), [(-1, 0), (0, -1), (0, 14)])
def test_a_place_that_is_none_is_refused(digits, number, step):
    batches = data.Batches(digits.train, 100, image_shape=SHAPE)
    with pytest.raises(ValueError, match="there is no epoch"):
        batches.epochs(number, step)


@pytest.mark.parametrize("kind", ["records", "files"])
def test_workers_read_their_own_share(data_dir, tmp_path, kind):
    """Together every example but those of the last batch, none of them twice."""
    if kind == "records":
        loaded = data.load("digits", data_dir=data_dir, memory_limit=0)
        split = loaded.train.subset(np.arange(300, 403))
    else:
        for number in range(103):
            place = tmp_path / "train" / "ab"[number % 2]
            place.mkdir(parents=True, exist_ok=True)
            side = 8 + number % 2
            pixels = np.full((side, side, 3), number, "uint8")
            Image.fromarray(pixels).save(place / f"{number:03}.png")
        split = data.load(f"folder:{tmp_path}", validation=0).train
    whole = data.Batches(
        split, 20, image_shape=SHAPE, shuffle=True, drop_remainder=True, cache="none"
    )
    assert whole.streamed
    size = split.size
    steps = size // 20
    parts = [whole.part(index, 2, 4) for index in (0, 1)]
    assert sum(part.split.size for part in parts) == size
    assert not {*parts[0].split.indices} & {*parts[1].split.indices}
    for part in parts:
        assert (part.batch_size, part.steps) == (5, 2 * steps)
        first, second = (
            [x.numpy() for x, _ in part.epochs(epoch).take(part.steps)]
            for epoch in (0, 1)
        )
        assert all(len(batch) == 5 for batch in first)
        assert not np.array_equal(first, second)
        # The next epoch follows, and a run goes on from a step.
        both = [x.numpy() for x, _ in part.epochs(0, 3).take(2 * part.steps - 3)]
        np.testing.assert_array_equal(both, [*first[3:], *second])


def test_worker_opens_no_files_but_its_own():
    source = object.__new__(Records)
    source.files = [(f"file{n}", 0, 10) for n in range(4)]
    opened = [
        [path for path, *_ in source.spans(source.part(np.arange(40), index, 3))]
        for index in range(3)
    ]
    assert opened == [["file0", "file1"], ["file1", "file2"], ["file2", "file3"]]


@pytest.mark.parametrize("augment", [(), ("mixup:0.2",)])
def test_epochs_have_sizes_in_turn(digits, augment):
    """As SPP-net learns; the smaller images are the larger ones, resized."""
    batches = data.Batches(
        digits.train, 16, image_shape=(12, 12, 1), sizes=(12, 9), augment=augment,
        shuffle=True,
    )  # fmt: skip
    shapes = [next(iter(batches.epochs(epoch)))[0].shape[1:3] for epoch in (0, 1, 2)]
    assert shapes == [(12, 12), (9, 9), (12, 12)]
    assert next(iter(batches.epochs(1, 3)))[0].shape[1:3] == (9, 9)
    plain = data.Batches(
        digits.train, 16, image_shape=(12, 12, 1), augment=augment, shuffle=True
    )
    whole = next(iter(plain.epochs(1)))[0]
    small = next(iter(batches.epochs(1)))[0]
    expected = tf.image.resize(whole, (9, 9), antialias=True)
    np.testing.assert_allclose(
        tf.cast(small, tf.float32), expected, atol=0 if augment else 0.51
    )


def test_sizes_are_of_images_with_one_label():
    scenes = data.load("digit_scenes/boxes?size=32")
    with pytest.raises(ValueError, match="are of images with one label"):
        data.Batches(scenes.train, 4, image_shape=(32, 32, 3), sizes=(32, 24))
