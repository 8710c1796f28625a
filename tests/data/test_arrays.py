"""Images in memory: arrays and datasets, parted by what they hold."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerazoo import data

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (300, 8, 8), "uint8")
Y = np.arange(300) % 3


def part_of(images):
    """The part of every image, by its pixels."""
    return {
        split.source.images[number].tobytes(): part
        for part in ("train", "validation", "test")
        if (split := getattr(images, part))
        for number in split.indices
    }


def pairs(split):
    images = split.source.images[split.indices]
    return sorted(
        (one.tobytes(), n) for one, n in zip(images, split.labels, strict=True)
    )


def test_arrays_are_parted_by_class():
    images = data.load((X, Y))
    assert images.name == "arrays" and images.classes == ("0", "1", "2")
    assert images.shape == (8, 8, 1)
    found = [one for part in (images.train, images.validation, images.test)
             for one in pairs(part)]  # fmt: skip
    expected = sorted((one.tobytes(), n) for one, n in zip(X, Y, strict=True))
    assert sorted(found) == expected
    assert 0.1 < images.test.size / 300 < 0.3
    assert images.fingerprint["train"] == images.train.size


def test_neither_order_nor_more_images_move_an_image():
    before = data.load((X, Y), seed=2)
    order = RNG.permutation(300)
    shuffled = data.load((X[order], Y[order].tolist()), seed=2)
    assert shuffled.fingerprint == before.fingerprint
    assert shuffled.train.source.keys == before.train.source.keys
    more = RNG.integers(0, 256, (50, 8, 8), "uint8")
    after = data.load((np.concatenate([more, X]), [*(np.arange(50) % 3), *Y]), seed=2)
    parts = part_of(after)
    assert all(parts[image] == part for image, part in part_of(before).items())
    assert after.digest != before.digest
    assert data.load((X, 2 - Y), seed=2).digest != before.digest
    assert part_of(data.load((X, Y), seed=3)) != part_of(before)


def test_equal_images_are_parted_too():
    images = data.from_arrays(np.zeros((200, 4, 4), "uint8"), np.arange(200) % 2)
    assert 20 < images.test.size < 60 and 5 < images.validation.size < 40


def test_class_names():
    names = np.array(["cat", "ant", "bee"])[Y]
    images = data.from_arrays(X, names, validation=0)
    assert images.classes == ("ant", "bee", "cat") and images.validation is None
    same = data.from_arrays(X, Y, classes=["cat", "ant", "bee"], validation=0)
    assert same.classes == ("cat", "ant", "bee")
    for one in (images, same):
        for pixels, label in pairs(one.train):
            place = next(n for n, x in enumerate(X) if x.tobytes() == pixels)
            assert one.classes[label] == names[place]
    column = data.from_arrays(X, Y[:, None].astype("uint8"), validation=0)
    assert column.digest == data.from_arrays(X, Y).digest


def test_a_test_part_of_its_own():
    images = data.load(((X[:200], Y[:200]), (X[200:], Y[200:])))
    assert images.train.size + images.validation.size == 200
    assert pairs(images.test) == sorted(
        (one.tobytes(), n) for one, n in zip(X[200:], Y[200:], strict=True)
    )
    with pytest.raises(ValueError, match="8x8x1 and those of test 4x4x1"):
        data.from_arrays(X, Y, test=(X[:9, :4, :4], Y[:9]))
    with pytest.raises(ValueError, match=r"test is array.*must be a tuple"):
        data.from_arrays(X, Y, test=X)


def test_groups_stay_together():
    groups = RNG.integers(0, 40, 300)
    images = data.from_arrays(X, Y, groups=groups, seed=1)
    sets = [set(getattr(images, part).groups) for part in
            ("train", "validation", "test")]  # fmt: skip
    assert not (sets[0] & sets[1] or sets[0] & sets[2] or sets[1] & sets[2])
    assert set.union(*sets) == set(map(str, groups))
    # A group that grows stays where it is.
    more = RNG.integers(0, 256, (40, 8, 8), "uint8")
    grown = data.from_arrays(
        np.concatenate([X, more]),
        [*Y, *(np.arange(40) % 3)],
        groups=[*groups, *range(40)],
        seed=1,
    )
    assert [set(getattr(grown, part).groups) for part in
            ("train", "validation", "test")] == sets  # fmt: skip


BAD = {
    "floats": ((X / 255, Y), r"x is float64; .* \(x \* 255\).round"),
    "large floats": ((X.astype("float32"), Y), r"x.round\(\).astype\('uint8'\)"),
    "integers": ((X.astype("int32"), Y), r"x is int32; .* x.astype\('uint8'\)"),
    "16 bits": ((X.astype("uint16"), Y), r"x // 257"),
    "booleans": ((X > 9, Y), r"x is bool; .* \* 255"),
    "channels first": ((np.zeros((6, 3, 8, 8), "uint8"), [0, 1] * 3), "moveaxis"),
    "alpha": ((np.zeros((6, 8, 8, 4), "uint8"), [0, 1] * 3), "has 4 channels"),
    "flat": ((X.reshape(300, 64), Y), r"shape \(300, 64\); give images"),
    "sizes": (([X[0], X[1, :4]], [0, 1]), "x is no array"),
    "no images": ((X[:0], Y[:0]), "x is empty"),
    "count": ((X, Y[:5]), r"300 images and labels of the shape \(5,\)"),
    "one-hot": ((X, np.eye(3)[Y]), "argmax"),
    "float labels": ((X, Y.astype(float)), r"y holds 0.0, a float; .*astype\(int\)"),
    "boolean labels": ((X, Y > 1), "y holds False, a bool"),
    "negative": ((X, Y - 1), r"y holds -1 to 1, which are no class ids"),
    "far": ((X, Y * 10**6), "no class ids"),
    "one class": ((X, Y * 0), "only one class, '0'"),
}


@pytest.mark.parametrize(("given", "words"), BAD.values(), ids=BAD)
def test_one_sentence(given, words):
    with pytest.raises(ValueError, match=words) as caught:
        data.load(given)
    assert "\n" not in str(caught.value)


def test_bad_options():
    for options, words in (
        ({"classes": ["a", "b"]}, "1.. labels out of range|labels out of range"),
        ({"classes": 3}, "classes is 3; it must be a list of texts"),
        ({"classes": ["a", "a", "b"]}, "different names"),
        ({"groups": [1, 2]}, r"groups of the shape \(2,\)"),
        ({"validation": 1}, "validation is 1; it must be a number from 0"),
    ):
        with pytest.raises(ValueError, match=words):
            data.from_arrays(X, Y, **options)
    with pytest.raises(ValueError, match="class in y 'dog'; did you mean"):
        data.from_arrays(X[:2], ["dog", "cat"], classes=["dogs", "cat"])
    with pytest.raises(ValueError, match="given in memory, where nobody can find"):
        data.load("arrays:mine")
    with pytest.raises(ValueError, match="name is 3; it must be"):
        data.load(3)
    with pytest.warns(UserWarning, match="has no image of 1"):
        data.from_arrays(X, np.where(Y == 1, 0, Y), validation=0)


def dataset(x=X[..., None], y=Y):
    return tf.data.Dataset.from_tensor_slices((x, y))


def test_a_dataset_is_its_arrays():
    expected = data.load((X, Y))
    generated = tf.data.Dataset.from_generator(
        lambda: zip(X, Y, strict=True),
        output_signature=(
            tf.TensorSpec((8, 8), tf.uint8), tf.TensorSpec((), tf.int64)
        ),
    )  # fmt: skip
    for given in (
        dataset(),
        dataset().shuffle(300).batch(64),
        dataset(X).batch(32),
        dataset(y=Y[:, None]).batch(7),
        generated,
    ):
        images = data.load(given)
        assert images.name == "dataset"
        assert images.digest == expected.digest
        assert part_of(images) == part_of(expected)
    pair = data.load((dataset().take(200), dataset().skip(200)))
    assert pair.digest == data.load(((X[:200], Y[:200]), (X[200:], Y[200:]))).digest


def test_a_dataset_of_names(tmp_path):
    names = np.array(["cat", "ant", "bee"])[Y]
    assert data.load(dataset(y=names)).digest == data.load((X, names)).digest
    for name in ("ant", "bee"):
        (tmp_path / name).mkdir()
        for number in range(10):
            Image.fromarray(X[number]).save(tmp_path / name / f"{number}.png")
    read = keras.utils.image_dataset_from_directory(
        tmp_path, image_size=(8, 8), verbose=False
    )
    with pytest.raises(ValueError, match="images of the dataset are float32"):
        data.from_dataset(read)
    cast = read.map(lambda image, label: (tf.cast(image, tf.uint8), label))
    images = data.from_dataset(cast, classes=read.class_names, name="animals")
    assert images.classes == ("ant", "bee") and images.name == "dataset:animals"


def sized(*shapes):
    return tf.data.Dataset.from_generator(
        lambda: ((np.zeros(shape, "uint8"), 0) for shape in shapes),
        output_signature=(
            tf.TensorSpec((None, None, 1), tf.uint8), tf.TensorSpec((), tf.int64)
        ),
    )  # fmt: skip


def named(image, label):
    return {"image": image, "label": label}


def weighed(image, label):
    return image, label, label


def rows(image, label):
    return image, tf.one_hot(label, 3)


def test_bad_datasets():
    for given, words in (
        (dataset().repeat(), "has no end"),
        (sized((4, 4, 1), (4, 5, 1)), "are 4x4x1 and 4x5x1"),
        (dataset().take(0), "the dataset is empty"),
        (dataset().map(named), r"holds dict of image, label; give one of \(image"),
        (dataset().map(weighed), r"give one of \(image, label\)"),
        (dataset().map(rows), "labels of the dataset are float32"),
    ):
        with pytest.raises(ValueError, match=words):
            data.load(given)
    for given in (dataset().batch(10), dataset(), sized(*[(4, 4, 1)] * 99)):
        with pytest.raises(ValueError, match="the dataset takes more than"):
            data.from_dataset(given, memory_limit=1000)
