"""Folds are scikit-learn's, whatever the images lie in."""

import dataclasses

import numpy as np
import pytest
from PIL import Image
from sklearn.model_selection import (
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)

from kerazoo import data
from kerazoo.tuning.folds import fold_data, merge_splits, stratified_folds

from .conftest import TINY


def assert_equal(ours, theirs):
    theirs = list(theirs)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        for mine, its in zip(one, other, strict=True):
            np.testing.assert_array_equal(mine, its)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of colour images, seven of one class and nine of another."""
    root = tmp_path_factory.mktemp("photos")
    pixels = np.random.default_rng(1).integers(0, 256, (16, 9, 7, 3), "uint8")
    for number, image in enumerate(pixels):
        place = root / ("cat" if number < 7 else "dog")
        place.mkdir(exist_ok=True)
        Image.fromarray(image).save(place / f"{number}.png")
        if number % 7 == 0:
            for part in ("val", "test"):
                other = root.parent / "parts" / part / place.name
                other.mkdir(parents=True, exist_ok=True)
                Image.fromarray(image).save(other / f"{number}.png")
    (root.parent / "parts" / "train").symlink_to(root)
    return root


def test_folds_are_scikit_learns(digits):
    pool = merge_splits(digits)
    labels = pool.labels
    rows = np.zeros(len(labels))
    splitter = StratifiedKFold(5, shuffle=True, random_state=3)
    assert_equal(stratified_folds(pool, 5, seed=3), splitter.split(rows, labels))
    splitter = RepeatedStratifiedKFold(n_splits=4, n_repeats=3, random_state=7)
    assert_equal(
        stratified_folds(pool, 4, repeats=3, seed=7), splitter.split(rows, labels)
    )


def test_every_image_is_tested_once_and_classes_keep_their_shares(digits):
    labels = merge_splits(digits).labels
    parts = stratified_folds(merge_splits(digits), 4, repeats=2)
    for repeat in (parts[:4], parts[4:]):
        tested = np.concatenate([test for _, test in repeat])
        np.testing.assert_array_equal(np.sort(tested), np.arange(len(labels)))
        for train, test in repeat:
            np.testing.assert_array_equal(
                np.sort(np.concatenate([train, test])), np.arange(len(labels))
            )
        counts = np.stack([np.bincount(labels[test]) for _, test in repeat])
        assert np.ptp(counts, 0).max() <= 1
    assert not np.array_equal(parts[0][1], parts[4][1])
    first, again, other = (
        stratified_folds(merge_splits(digits), 4, seed=seed)[0][1] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_validation_share_does_not_move_the_folds(digits, data_dir, seed):
    held = data.load("digits", data_dir=data_dir, validation=0.2, seed=seed)
    np.testing.assert_array_equal(
        merge_splits(held).indices, merge_splits(digits).indices
    )
    assert_equal(
        stratified_folds(merge_splits(held), 3),
        stratified_folds(merge_splits(digits), 3),
    )


def test_sets_that_are_streamed_have_the_same_folds(digits, data_dir):
    stream = data.load("digits", data_dir=data_dir, validation=0, memory_limit=1)
    assert stream.train.labels is None
    np.testing.assert_array_equal(stream.train.read_labels(), digits.train.labels)
    assert_equal(
        stratified_folds(merge_splits(stream), 3),
        stratified_folds(merge_splits(digits), 3),
    )
    train, test = stratified_folds(merge_splits(stream), 3)[0]
    stream = dataclasses.replace(stream, published=((0.0,), (1.0,)))
    fold = fold_data(stream, merge_splits(stream), train, test, TINY)
    batches = data.Batches(fold.test, 50, image_shape=(8, 8, 1))
    images, labels = batches.take(fold.test.size)
    source = digits.train.source
    np.testing.assert_array_equal(labels, source.labels[np.sort(test)])
    np.testing.assert_array_equal(images, source.images[np.sort(test)])
    # The statistics are of the images that are learnt from, not the published ones;
    # those of files are measured on scaled images.
    assert fold.mean[0] == pytest.approx(source.images[train].mean(), abs=1.5)


def test_folders_have_folds(photos):
    images = data.load(f"folder:{photos}", validation=0)
    pool = merge_splits(images)
    parts = stratified_folds(pool, 3, seed=5)
    splitter = StratifiedKFold(3, shuffle=True, random_state=5)
    assert_equal(parts, splitter.split(np.zeros(pool.size), pool.labels))
    fold = fold_data(images, pool, *parts[0], TINY)
    got, _ = data.Batches(fold.test, 2, image_shape=(9, 7, 3)).take(99)
    paths = [pool.source.paths[n] for n in fold.test.indices]
    for pixels, path in zip(got, paths, strict=True):
        np.testing.assert_array_equal(pixels, np.asarray(Image.open(path)))


def test_a_validation_folder_is_no_fold(photos):
    parts = f"folder:{photos.parent / 'parts'}"
    with pytest.raises(ValueError, match="are a folder of their own"):
        merge_splits(data.load(parts))
    assert merge_splits(data.load(parts, validation=0)).size == 16


@pytest.mark.parametrize(
    ("count", "repeats", "words"),
    [
        (8, 1, "8 folds need 8 images of every class, but .* has 5 of class 'cat'"),
        (1, 1, "folds is 1; it must be a whole number from 2"),
        (2.0, 1, "folds is 2.0"),
        (True, 1, "folds is True"),
        (2, 0, "repeats is 0; it must be a whole number from 1"),
    ],
)
def test_folds_that_cannot_be(photos, count, repeats, words):
    pool = merge_splits(data.load(f"folder:{photos}", validation=0))
    with pytest.raises(ValueError, match=words) as caught:
        stratified_folds(pool, count, repeats=repeats)
    assert "\n" not in str(caught.value)


def test_a_class_of_one_image(digits):
    labels = digits.train.labels
    zeros, ones = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
    pool = digits.train.subset([*zeros[:9], ones[0]])
    with pytest.raises(ValueError, match="has 1 of class '1'; add some"):
        stratified_folds(pool, 2)


@pytest.mark.parametrize(
    ("settings", "share"),
    [
        ([], 0),
        (["early_stopping=2"], 0.1),
        (["schedule.name=plateau", "validation=0.3"], 0.3),
        (["early_stopping=2", "validation=0"], 0),
    ],
)
def test_a_validation_part_is_carved_where_it_is_watched(digits, settings, share):
    pool = merge_splits(digits)
    train, test = stratified_folds(pool, 3)[1]
    fold = fold_data(digits, pool, train, test, TINY.override(*settings))
    held = np.array([], int) if fold.validation is None else fold.validation.indices
    assert len(held) == pytest.approx(share * len(train), abs=5)
    learnt = np.concatenate([fold.train.indices, held])
    np.testing.assert_array_equal(np.sort(learnt), pool.indices[train])
    np.testing.assert_array_equal(fold.test.indices, pool.indices[test])
    assert fold.published is None
    pixels = pool.source.images[fold.train.indices] / 1.0
    assert fold.mean[0] == pytest.approx(pixels.mean(), rel=1e-9)
    assert fold.std[0] == pytest.approx(pixels.std(), rel=1e-9)


@pytest.fixture(scope="module")
def grouped():
    draw = np.random.default_rng(4)
    pixels = draw.integers(0, 256, (200, 4, 4), "uint8")
    groups = draw.integers(0, 30, 200)
    return data.from_arrays(pixels, np.arange(200) % 2, groups=groups, validation=0.2)


def test_groups_stay_in_one_fold(grouped):
    pool = merge_splits(grouped)
    numbers = np.unique(pool.groups, return_inverse=True)[1]
    splitter = StratifiedGroupKFold(4, shuffle=True, random_state=3)
    expected = splitter.split(np.zeros(pool.size), pool.labels, numbers)
    assert_equal(stratified_folds(pool, 4, seed=3), expected)
    repeated = stratified_folds(pool, 4, repeats=2, seed=3)
    assert len(repeated) == 8
    tests = [{numbers[n] for n in test} for _, test in repeated]
    for (train, _), test in zip(repeated, tests, strict=True):
        assert not test & {numbers[n] for n in train}
    for half in (tests[:4], tests[4:]):
        assert sum(map(len, half)) == len(set(numbers))
    assert tests[:4] != tests[4:]
    # What early stopping watches is apart from what is learnt, too.
    recipe = TINY.override("early_stopping=1", "validation=0.3")
    fold = fold_data(grouped, pool, *repeated[0], recipe)
    parts = (fold.train, fold.validation, fold.test)
    sets = [set(part.groups) for part in parts]
    assert sum(map(len, sets)) == len(set.union(*sets))


def test_more_folds_than_groups_of_a_class_are_refused(grouped):
    few = [f"{n % 2}-{n % 3}" for n in range(200)]
    images = grouped.train.source.images
    one = data.from_arrays(images, np.arange(200) % 2, groups=few, validation=0)
    left = [group[0] for group in set(one.train.groups)]
    least = min(left.count("0"), left.count("1"))
    words = f"5 groups of every class, but arrays train has {least} of class"
    with pytest.raises(ValueError, match=words):
        stratified_folds(one.train, 5)
