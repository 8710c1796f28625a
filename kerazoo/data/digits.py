"""The built-in set: scikit-learn's handwritten digits as a TFDS builder."""

import contextlib
import io
import os
import pathlib
import shutil
import tempfile

import numpy as np
import tensorflow_datasets as tfds


class Digits(tfds.core.GeneratorBasedBuilder):
    """1,797 digits of 8x8 pixels in 10 classes, about 180 a class.

    The images are the test part of the "Optical Recognition of Handwritten Digits" set
    (Alpaydin and Kaynak, UCI repository, 1998) as scikit-learn bundles it: counts of
    ink in 0..16, here spread over 0..255.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "1,442 images to train on, 355 to test."}  # noqa: RUF012

    def _info(self):
        return self.dataset_info_from_configs(
            description=self.__doc__,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(8, 8, 1), encoding_format="png"
                    ),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://archive.ics.uci.edu/dataset/80",
        )

    def _split_generators(self, dl_manager):
        from sklearn.datasets import load_digits

        ink, labels = load_digits(return_X_y=True)
        images = np.rint(ink * 255 / 16).astype("uint8").reshape(-1, 8, 8, 1)
        test = every_fifth(labels)
        return {
            "train": self._generate_examples(images, labels, np.flatnonzero(~test)),
            "test": self._generate_examples(images, labels, np.flatnonzero(test)),
        }

    def _generate_examples(self, images, labels, numbers):
        for number in numbers:
            yield int(number), {"image": images[number], "label": int(labels[number])}


def every_fifth(labels: np.ndarray) -> np.ndarray:
    """Marks every fifth example of each class: a split that no generator can change."""
    rank = np.zeros(len(labels), int)
    for label in np.unique(labels):
        members = labels == label
        rank[members] = np.arange(members.sum())
    return rank % 5 == 4


def prepare_digits(data_dir: str | os.PathLike) -> None:
    """Writes the set under `data_dir` unless it is there; safe for many processes.

    Each process writes a folder of its own and renames it; whoever comes second finds
    the place taken and drops its copy, which holds the same bytes.
    """
    version = pathlib.Path("digits", str(Digits.VERSION))
    place = pathlib.Path(data_dir) / version
    if place.exists():
        return
    scratch = pathlib.Path(tempfile.mkdtemp(prefix=".digits-", dir=data_dir))
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            Digits(data_dir=scratch).download_and_prepare()
        place.parent.mkdir(exist_ok=True)
        os.rename(scratch / version, place)
    except OSError:
        if not place.exists():
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
