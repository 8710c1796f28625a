"""Classifying: raw images in, names of classes with their probabilities out."""

import itertools
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import keras
import numpy as np
from rich.console import Console
from rich.progress import track

from kerazoo import data as kerazoo_data
from kerazoo import reader, registry
from kerazoo.data.batches import each_image
from kerazoo.data.resizing import resized
from kerazoo.reader import Count, Name, NetworkName, Path, Weights
from kerazoo.run import Metrics, Run
from kerazoo.serving.compiled_later import CompiledLater
from kerazoo.serving.raw_images import raw_batch
from kerazoo.surgery.plain_keras import plain_copy
from kerazoo.tasks import Guess
from kerazoo.tasks.classification import classification_metrics
from kerazoo.weights import Preprocessing, WeightSet, list_weights
from kerazoo.weights.labels import imagenet, labels_of
from kerazoo.weights.loading import load_set, resolve
from kerazoo.weights.normalization import normalized

# Images of one size that are measured in one call.
TOGETHER = 64
Network = Annotated[str | os.PathLike | Run, "a network's name, a run or its folder"]


class Classifier:
    """A function from raw images to the likeliest classes on them.

    Its first calls compute at once; from the third on it is compiled.

    Args:
        model: From raw uint8 images of any size to probabilities.
        names: Class names.

    Attributes:
        model: The same.
        names: The same.
    """

    def __init__(self, model: keras.Model, names: Sequence[str]) -> None:
        self.model, self.names = model, tuple(names)
        self._predict = CompiledLater(model)
        self._channels = model.inputs[0].shape[-1]

    def __call__(self, images: Any, *, top: Count = 5) -> list[tuple[Guess, ...]]:
        """The likeliest classes on every image, the likeliest first.

        Args:
            images: An image's file, or a uint8 image (height, width, channels); or a
                batch or list of several, whose sizes may differ in a list.
            top: How many classes to give for each.

        Raises:
            ValueError: For what is no image.
        """
        top = reader.read(Count, top, "top")
        return [
            tuple(
                Guess(self.names[place], float(row[place]))
                for place in np.argsort(-row)[:top]
            )
            for row in self.probabilities(images)
        ]

    def probabilities(self, images: Any) -> np.ndarray:
        """The probability of every class, (images, classes) in float32.

        Args:
            images: As those that are classified.

        Raises:
            ValueError: For what is no image.
        """
        if isinstance(images, (list, tuple)):
            if not images:
                raise ValueError(
                    "images is an empty list; give one image or more, as files or "
                    "uint8 arrays."
                )
            return np.concatenate([self.probabilities(one) for one in images])
        return np.asarray(self._predict(self._batch(images)))

    def _batch(self, images):
        if isinstance(images, (str, os.PathLike)):
            return kerazoo_data.read_image(images, self._channels)[None]
        return raw_batch(images, self._channels)


@reader.checked
def classifier(
    network: Network,
    *,
    weights: Weights | None = None,
    best: bool = False,
    name: str | None = None,
) -> Classifier:
    """A function from raw images to the classes on them.

    Args:
        network: The name of a network, with `weights`; or a run of a classification,
            or its folder.
        weights: Of a network: the name of trained weights, as in ``"imagenet"``, or a
            file of kerazoo's own or of a publisher. They bring the network's options
            and what is done to the images.
        best: Of a run: whether to take the network of the epoch with the lowest
            validation loss, in place of the last.
        name: The model's name.

    Returns:
        A function of one uint8 image, a file, a batch, or a list of them; it gives for
        each the likeliest :class:`kerazoo.tasks.Guess` of its class.

    Raises:
        ValueError: Where there is no such network, run or set of weights, the weights
            cannot be had, or they do not say what is done to the images.
    """
    # The command line gives the name as a path, which without weights is a run's.
    is_name = isinstance(network, str) or weights is not None
    is_name |= not isinstance(network, Run) and not os.path.isdir(network)
    if isinstance(network, Run) or not (
        is_name and os.fspath(network) in registry.list_models()
    ):
        return _of_run(network, weights, best)
    if weights is None:
        known = [one.data for one in list_weights(str(network))]
        hint = f", as in weights={known[0]!r}" if known else " by the path of a file"
        raise ValueError(
            f"{network} has no weights of its own; give some{hint} (kerazoo weights "
            f"{network} lists what there is)."
        )
    if best:
        raise ValueError(
            f"best is of a run, and {network} with weights is a network; leave it out."
        )
    chosen = resolve(str(network), weights)
    if chosen is None:
        raise ValueError(
            f"{weights} does not say what is done to images before its network; build "
            f"it, kerazoo.{network}(weights={str(weights)!r}), and give it what it was "
            "trained on."
        )
    model = served(chosen, name=name)
    return Classifier(model, chosen.labels or labels_of(chosen.data, chosen.classes))


def _of_run(network, weights, best):
    if weights is not None:
        known = isinstance(network, Run) or os.path.isdir(network)
        if not known:
            registry.find(str(network))
        raise ValueError(
            f"{network} is a run, which has weights of its own; leave weights out."
        )
    run = network if isinstance(network, Run) else _run(network)
    if run.config.task != "classification":
        raise ValueError(
            f"{run.path} is a network for {run.config.task}; give a run of a "
            "classification, or use kerazoo.detector or kerazoo.predict."
        )
    return Classifier(run.model(best=best), run.config.classes)


def _run(path):
    if not os.path.isdir(path) and os.sep not in os.fspath(path):
        # Rather a network that is misspelt than a folder.
        registry.find(os.fspath(path))
    return Run(path)


@reader.checked
def verify_weights(
    network: NetworkName,
    weights: Weights,
    data: Name,
    *,
    limit: Count | None = None,
    data_dir: Path | None = None,
) -> Metrics:
    """Measures trained weights on the test images of the data that they are for.

    Every image is brought to the network's size as the weights' source says, one by
    one, as it lies in the data set.

    Args:
        network: The network's name.
        weights: The weights' name, or their file.
        data: A data set, as ``imagenet2012`` or ``cifar10``.
        limit: How many images to look at, evenly spaced; all by default.
        data_dir: Where the data set's files are.

    Raises:
        ValueError: Where the data or the weights are not there, or are for other
            classes.
    """
    images = kerazoo_data.load(data, data_dir=data_dir, validation=0)
    classify = classifier(network, weights=weights)
    split = images.test
    if split is None or images.task != "classification":
        raise ValueError(f"{data} has no test images of classes; give another set.")
    numbers = tuple(imagenet()) if len(classify.names) == len(imagenet()) else ()
    if split.classes not in (classify.names, numbers):
        raise ValueError(
            f"{data} has {len(split.classes):,} classes such as {split.classes[0]}, "
            f"and the weights are for {len(classify.names):,} such as "
            f"{classify.names[0]}; give the data that they were trained on."
        )
    if limit is not None and limit < split.size:
        split = split.subset(np.linspace(0, split.size - 1, limit).astype(int))
    scores, truth = over_images(classify.probabilities, split)
    return classification_metrics(truth, scores.astype("float64"), classify.names)


def over_images(
    function: Callable[[np.ndarray], np.ndarray], split: kerazoo_data.Split
) -> tuple[np.ndarray, np.ndarray]:
    """What a function gives for the images of a split as they lie, and their classes.

    Args:
        function: Of uint8 images (n, height, width, channels), rows of numbers.
        split: The images; neighbours of one size go together.
    """
    shown = track(
        each_image(split),
        "looking",
        total=split.size,
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
    rows, labels = [], []
    for _, group in itertools.groupby(shown, lambda pair: pair[0].shape):
        while some := list(itertools.islice(group, TOGETHER)):
            rows.append(function(np.stack([one for one, _ in some])))
            labels += [label for _, label in some]
    return np.concatenate(rows), np.array(labels)


def served(weights: WeightSet, *, name: str | None = None) -> keras.Model:
    """A network with a set of weights, and with what is done to the images in front.

    Args:
        weights: The set.
        name: The model's name.

    Returns:
        A ``keras.Model`` from raw uint8 images (batch, any height, any width, channels)
        to class probabilities, of layers of Keras where the network has no others.
    """
    preprocessing = weights.preprocessing
    raw = keras.Input((None, None, len(preprocessing.mean)), dtype="uint8", name="raw")
    model = registry.create(
        weights.network,
        input_tensor=preprocessed(raw, preprocessing),
        classes=weights.classes,
        **weights.options,
        **({} if name is None else {"name": name}),
    )
    load_set(model, weights)
    copy = plain_copy(model)
    copy.set_weights(model.get_weights())
    return copy


def preprocessed(raw: Any, preprocessing: Preprocessing) -> Any:
    """Raw uint8 images of any size as a network takes them."""
    x = resized(
        raw,
        preprocessing.size,
        preprocessing.resize,
        native=preprocessing.native,
        share=preprocessing.share,
        interpolation=preprocessing.interpolation,
    )
    return normalized(x, preprocessing)
