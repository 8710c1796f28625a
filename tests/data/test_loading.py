"""Sets by name: parts that never overlap, and one sentence for whatever is wrong."""

import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from kerazoo import data
from kerazoo.data.loading import moments


def pixels(split):
    return split.source.images[split.indices]


def test_digits_are_those_of_scikit_learn(digits):
    ink, labels = load_digits(return_X_y=True)
    expected = {
        (label, *np.rint(image * 255 / 16).astype(int))
        for label, image in zip(labels, ink, strict=True)
    }
    parts = (digits.train, digits.validation, digits.test)
    found = {
        (label, *image.ravel())
        for part in parts
        for label, image in zip(part.labels, pixels(part), strict=True)
    }
    assert found == expected
    # Distinct images, so nothing is in two parts.
    assert len(found) == sum(part.size for part in parts) == 1797
    assert digits.shape == (8, 8, 1)
    assert digits.classes == tuple("0123456789")


def test_test_split_is_fixed_and_stratified(digits, data_dir):
    other = data.load("digits", data_dir=data_dir, seed=5, validation=0.3)
    assert (pixels(other.test) == pixels(digits.test)).all()
    everyone = np.bincount(load_digits(return_X_y=True)[1])
    assert (np.bincount(digits.test.labels) == everyone // 5).all()


@pytest.mark.parametrize("share", [0.1, 0.25])
def test_validation_is_carved_from_train_by_class(data_dir, share):
    whole = data.load("digits", data_dir=data_dir, validation=0)
    assert whole.validation is None
    parted = data.load("digits", data_dir=data_dir, validation=share)
    both = [*parted.train.indices, *parted.validation.indices]
    assert sorted(both) == list(range(whole.train.size))
    counts = np.bincount(parted.validation.labels)
    assert np.abs(counts - share * np.bincount(whole.train.labels)).max() <= 0.5


def test_seed_decides_the_validation_share(data_dir, digits):
    again = data.load("digits", data_dir=data_dir)
    other = data.load("digits", data_dir=data_dir, seed=1)
    assert (again.validation.indices == digits.validation.indices).all()
    assert set(other.validation.indices) != set(digits.validation.indices)


def test_streamed_validation_is_disjoint_without_labels(streamed):
    assert streamed.train.labels is None
    assert streamed.validation.size == 144
    both = [*streamed.train.indices, *streamed.validation.indices]
    assert sorted(both) == list(range(1442))


def test_mean_and_deviation_are_of_the_training_share(digits, streamed):
    images = pixels(digits.train).astype("float64")
    assert np.allclose(digits.mean, images.mean((0, 1, 2)))
    assert np.allclose(digits.std, images.std((0, 1, 2)))
    # The streamed ones are measured after a resize to 64x64 and on another share.
    assert np.allclose(streamed.mean, digits.mean, rtol=0.03)


def test_moments_of_counts():
    values = np.array([[3, 3, 200, 0], [255, 255, 255, 255]])
    counts = np.stack([np.bincount(row, minlength=256) for row in values])
    mean, std = moments(counts)
    assert np.allclose(mean, values.mean(1)) and np.allclose(std, values.std(1))


def test_subset_of_a_subset(digits):
    some = digits.train.subset([5, 3, 900]).subset([2, 0])
    assert some.size == 2
    assert (some.indices == digits.train.indices[[900, 5]]).all()
    assert (some.labels == digits.train.labels[[900, 5]]).all()


@pytest.mark.parametrize(
    ("indices", "words"), [([0, 1299], "0 to 1298"), ([-1], "-1"), ([1, 1], "twice")]
)
def test_subset_refuses(digits, indices, words):
    with pytest.raises(ValueError, match=words):
        digits.train.subset(indices)


def test_subsplits_and_versions(data_dir):
    some = data.load(
        "digits:1.0.0",
        data_dir=data_dir,
        train_split="train[:50%]",
        test_split="train[50%:]",
        validation=0,
    )
    assert some.train.size + some.test.size == 1442


def test_two_processes_prepare_at_once(tmp_path):
    code = "from kerazoo import data; print(data.load('digits').train.size)"
    environment = os.environ | {"KERAZOO_DATA_DIR": str(tmp_path)}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    # What TFDS says while it prepares must not be in the output either.
    assert [worker.communicate()[0] for worker in workers] == ["1299\n"] * 2
    assert [place.name for place in tmp_path.iterdir()] == ["digits"]


def test_interrupted_preparation_leaves_nothing(tmp_path, monkeypatch):
    def stop(self):
        raise KeyboardInterrupt

    from kerazoo.data.digits import Digits

    monkeypatch.setattr(Digits, "download_and_prepare", stop)
    with pytest.raises(KeyboardInterrupt):
        data.load("digits", data_dir=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("cifr10", {}, "did you mean cifar10"),
        ("qqqqqqqq", {}, "folder:PATH"),
        ("digits:9.9.9", {}, "9.9.9"),
        ("cifar10/nothing", {}, "names no version or configuration"),
        ("digits", {"validation": 1}, "validation is 1; it must be a number from 0"),
        ("digits", {"validation": -0.1}, "from 0 up to, but less than, 1"),
        ("digits", {"validation": 0.001}, "leaves a part empty"),
        ("digits", {"train_split": "learn"}, "it has train, test"),
        ("digits", {"train_split": "train[:0]"}, "is empty"),
        ("digits", {"train_split": "train+test"}, "share examples"),
        ("digits", {"test_split": "train[90%:]"}, "share examples"),
        ("mnist", {"download": False}, "t10k-images-idx3-ubyte.gz"),
    ],
)
def test_one_sentence(data_dir, name, options, words):
    with pytest.raises(ValueError) as caught:
        data.load(name, data_dir=data_dir, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_set_says_which_files_go_where(data_dir, monkeypatch):
    def unreachable(*_, **__):
        raise OSError("network is down")

    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    with pytest.raises(ValueError) as caught:
        data.load("cifar10", data_dir=data_dir)
    message = str(caught.value)
    assert "network is down" in message
    assert "cifar-10-binary.tar.gz (162.17 MiB, https://www.cs.toronto.edu" in message
    assert str(data_dir / "downloads" / "manual") in message
    assert str(data_dir / "cifar10" / "3.0.2") in message


def test_data_dir_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="is not there"):
        data.load("digits", data_dir=tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())


def test_data_dir_that_cannot_be_written(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    # Root may write anywhere, so the refusal is acted.
    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(ValueError, match="cannot write to the data directory"):
        data.load("digits", data_dir=tmp_path)


def test_labels_out_of_range():
    from kerazoo.data.splits import check_labels

    check_labels(np.array([0, 9]), 10, "some set")
    with pytest.raises(ValueError, match="2 labels out of range, such as 10"):
        check_labels(np.array([0, 10, -1]), 10, "some set")


def test_table_of_sets_needs_no_tensorflow():
    code = (
        "import sys; from kerazoo.data import SETS; assert 'mnist' in SETS;"
        "assert not {'tensorflow', 'keras', 'tensorflow_datasets'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("name", "size"), [("mnist", 60000), ("cifar10", 50000)])
def test_real_sets(real_data, name, size):
    images = data.load(name, data_dir=real_data)
    row = data.SETS[name]
    assert images.train.size + images.validation.size == size
    assert images.test.size == 10000
    assert (images.shape, len(images.classes)) == (row.shape, row.classes)
    assert np.bincount(images.test.labels).min() >= 800
    assert np.allclose(images.mean, row.mean, atol=2)
    assert np.allclose(images.std, row.std, atol=2)
