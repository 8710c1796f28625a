"""What a trained network knows of images: its features, and a linear probe on them."""

import dataclasses
import hashlib
import json
import os
import pathlib
import zipfile

import keras
import numpy as np

from kerazoo import data as kerazoo_data
from kerazoo import reader, registry
from kerazoo.data.resizing import channels
from kerazoo.files import check_file, replacing
from kerazoo.reader import Name, NetworkName, Path, Whole
from kerazoo.serving.classification import over_images, preprocessed
from kerazoo.weights import WeightSet
from kerazoo.weights.loading import load_set, locate, resolve

UNREADABLE = (
    OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile,
)  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Features:
    """What a network has computed of a data set before its classifier.

    Attributes:
        network: The network's name.
        weights: Those of the weights.
        data: The data set's.
        classes: Names of its classes.
        key: A digest of the weights' file, the network's options and what was done to
            the images: features of other ones have another.
        train: Features of the training images, float32 (images, features).
        train_labels: Their classes.
        test: Features of the test images.
        test_labels: Their classes.
    """

    network: str
    weights: str
    data: str
    classes: tuple[str, ...]
    key: str
    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray

    def probe(self, *, seed: Whole = 1) -> float:
        """The test accuracy of a linear classifier that is fitted to the features.

        scikit-learn's logistic regression, on features of mean 0 and deviation 1.

        Args:
            seed: Of its solver.
        """
        return probed(
            self.train, self.train_labels, self.test, self.test_labels, seed=seed
        )

    def save(self, path: str | os.PathLike) -> None:
        """Writes a file of NumPy (``.npz``)."""
        arrays = {
            name: getattr(self, name)
            for name in ("train", "train_labels", "test", "test_labels")
        }
        words = {
            name: getattr(self, name)
            for name in ("network", "weights", "data", "classes", "key")
        }
        note = np.frombuffer(json.dumps(words).encode(), np.uint8)
        with replacing(check_file(path)) as scratch, open(scratch, "wb") as file:
            np.savez(file, notes=note, **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Features":
        """What a file of :meth:`save` holds.

        Raises:
            ValueError: Where it is none.
        """
        try:
            # NumPy leaves a file open that it cannot read.
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as found:
                arrays = {name: found[name] for name in found.files}
            words = json.loads(bytes(arrays.pop("notes")))
            words["classes"] = tuple(words["classes"])
            return cls(**words, **arrays)
        except UNREADABLE as error:
            raise ValueError(
                f"{path} holds no features that kerazoo has written; make them by "
                "kerazoo features."
            ) from error


def probed(
    train: np.ndarray,
    train_labels: np.ndarray,
    test: np.ndarray,
    test_labels: np.ndarray,
    *,
    seed: int = 1,
) -> float:
    """The test accuracy of scikit-learn's logistic regression on rows of features.

    Args:
        train: Features that it is fitted to, each brought to mean 0 and deviation 1.
        train_labels: Their classes.
        test: Features that it is measured on.
        test_labels: Their classes.
        seed: Of its solver.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    solver = LogisticRegression(max_iter=2000, C=0.1, random_state=seed)
    probe = make_pipeline(StandardScaler(), solver)
    probe.fit(train, train_labels)
    return float(probe.score(test, test_labels))


def key_of(weights: WeightSet) -> str:
    """The digest of a set's file, options and preprocessing."""
    digest = hashlib.sha256(locate(weights).read_bytes())
    images = dataclasses.asdict(weights.preprocessing)
    known = {"options": dict(weights.options), "images": images}
    digest.update(json.dumps(known, sort_keys=True).encode())
    return digest.hexdigest()[:16]


@reader.checked
def extract_features(
    network: NetworkName,
    data: Name,
    *,
    weights: Path,
    data_dir: Path | None = None,
    file: Path | None = None,
) -> Features:
    """What a trained network computes of every image, before its classifier.

    Maps are averaged over their places. Images are prepared as for the weights.

    Args:
        network: The network's name.
        data: A data set's name, or ``folder:PATH``.
        weights: The weights' name, or their file.
        data_dir: Where the data set's files are.
        file: Where they are kept: a file of the same weights, preparation and data is
            read and nothing computed; another one's is refused.

    Raises:
        ValueError: For weights or data that are not there, or a file of other features.
    """
    chosen = resolve(network, weights)
    if chosen is None:
        raise ValueError(
            f"weights is {weights}, which does not say what is done to images before "
            "its network; give weights that do (kerazoo weights lists some)."
        )
    key = key_of(chosen)
    if file is not None and pathlib.Path(check_file(file)).is_file():
        found = Features.load(file)
        if (found.network, found.data, found.key) != (network, data, key):
            raise ValueError(
                f"{file} holds features of {found.network} with {found.weights} on "
                f"{found.data}, whose weights or preparation are others; give another "
                "file, or delete it."
            )
        return found
    images = kerazoo_data.load(data, data_dir=data_dir, validation=0)
    if images.task != "classification" or images.test is None:
        raise ValueError(f"{data} has no training and test images of classes.")
    body = _body(chosen)
    count = len(chosen.preprocessing.mean)

    def compute(batch: np.ndarray) -> np.ndarray:
        return body.predict_on_batch(np.asarray(channels(batch, count)))

    parts = [over_images(compute, one) for one in (images.train, images.test)]
    made = Features(
        network=network,
        weights=chosen.name,
        data=data,
        classes=images.classes,
        key=key,
        train=parts[0][0],
        train_labels=parts[0][1],
        test=parts[1][0],
        test_labels=parts[1][1],
    )
    if file is not None:
        made.save(file)
    return made


def _body(weights):
    """From raw images to a row of features."""
    count = len(weights.preprocessing.mean)
    raw = keras.Input((None, None, count), dtype="uint8", name="raw")
    model = registry.create(
        weights.network,
        input_tensor=preprocessed(raw, weights.preprocessing),
        include_top=False,
        classes=weights.classes,
        **weights.options,
    )
    load_set(model, weights, include_top=False)
    output = model.output
    if len(output.shape) == 4:
        output = keras.layers.GlobalAveragePooling2D(name="mean_of_maps")(output)
    return keras.Model(model.input, output, name=model.name)
