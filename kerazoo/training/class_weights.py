"""Weights of the classes in the training loss."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from kerazoo.data import Split
from kerazoo.data.batches import count_pixels
from kerazoo.errors import unknown
from kerazoo.recipe import Recipe


def check_class_weight(recipe: Recipe, classes: Sequence[str]) -> None:
    """Refuses weights of classes that a data set does not have.

    Args:
        recipe: The recipe.
        classes: The data set's classes.

    Raises:
        ValueError: For an unknown class, with the nearest names, or one named twice.
    """
    if isinstance(recipe.class_weight, Mapping):
        _by_name(recipe.class_weight, classes)


def _by_name(given, classes):
    """The weights by the names of their classes, of which some have numbers."""
    numbers = {str(number): name for number, name in enumerate(classes)}
    weights = {}
    for key, weight in given.items():
        name = key if key in classes else numbers.get(key)
        if name is None:
            raise unknown("class in class_weight", key, classes)
        if name in weights:
            raise ValueError(
                f"class_weight names the class {name} twice, also by its number {key}; "
                "name it once."
            )
        weights[name] = weight
    return weights


def class_weights(recipe: Recipe, training: Split) -> tuple[float, ...] | None:
    """The weight of every class, in their order; ``None`` where all weigh the same.

    Args:
        recipe: The recipe.
        training: The training images, whose labels, or pixels, are counted where the
            recipe asks for it.

    Raises:
        ValueError: For an unknown class, or where no pixel has one.
    """
    given, classes = recipe.class_weight, training.classes
    check_class_weight(recipe, classes)
    if given is None:
        return None
    if isinstance(given, Mapping):
        named = _by_name(given, classes)
        return tuple(named.get(name, 1.0) for name in classes)
    if training.source.masked:
        counts = count_pixels(training)
        if not counts.any():
            raise ValueError(
                f"no pixel of {training.name} has a class, so that there is nothing to "
                "learn; look its masks over"
            )
    else:
        counts = np.bincount(training.read_labels(), minlength=len(classes))
    shares = counts / counts.sum()
    if given == "balanced":
        there = shares > 0
        weights = np.ones(len(classes))
        weights[there] = 1 / (there.sum() * shares[there])
    else:
        weights = 1 / np.log(1.02 + shares)
        # The mean over what is learnt from is 1, as where Torch divides by the sum.
        weights /= weights @ shares
    return tuple(map(float, weights))


def weigh(dataset: tf.data.Dataset, weights: Sequence[float]) -> tf.data.Dataset:
    """Adds the weight of every image, or pixel, to its batch.

    Args:
        dataset: Of ``(images, labels)``; labels are class ids ``(batch,)``, ids of
            pixels ``(batch, height, width)`` with -1 for void, or rows ``(batch,
            classes)`` of shares, one-hot or mixed.
        weights: The weight of every class.

    Returns:
        A dataset of ``(images, labels, weights)``, the weights float32 of the shape of
        the ids.
    """
    # What is void weighs nothing.
    table = np.array([0, *weights], "float32")

    def add(images, labels):
        if len(labels.shape) == 2:
            return images, labels, tf.linalg.matvec(labels, table[1:])
        return images, labels, tf.gather(table, labels + 1)

    return dataset.map(add)
