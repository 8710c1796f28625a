"""Weights of the classes in the training loss."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
from sklearn.utils.class_weight import compute_class_weight

from kerazoo.data import Split
from kerazoo.errors import unknown
from kerazoo.recipe import Recipe


def check_class_weight(recipe: Recipe, classes: Sequence[str]) -> None:
    """Refuses weights of classes that a data set does not have.

    Args:
        recipe: The recipe.
        classes: The data set's classes.

    Raises:
        ValueError: For an unknown class, with the nearest names.
    """
    if isinstance(recipe.class_weight, Mapping):
        for name in recipe.class_weight:
            if name not in classes:
                raise unknown("class in class_weight", name, classes)


def class_weights(recipe: Recipe, training: Split) -> tuple[float, ...] | None:
    """The weight of every class, in their order; ``None`` where all weigh the same.

    Args:
        recipe: The recipe.
        training: The training images, whose labels ``balanced`` counts.

    Raises:
        ValueError: For an unknown class.
    """
    given, classes = recipe.class_weight, training.classes
    check_class_weight(recipe, classes)
    if given is None:
        return None
    if isinstance(given, Mapping):
        return tuple(given.get(name, 1.0) for name in classes)
    labels = training.read_labels()
    present = np.unique(labels)
    weights = np.ones(len(classes))
    weights[present] = compute_class_weight("balanced", classes=present, y=labels)
    return tuple(map(float, weights))


def weigh(dataset: tf.data.Dataset, weights: Sequence[float]) -> tf.data.Dataset:
    """Adds the weight of every image to its batch.

    Args:
        dataset: Of ``(images, labels)``; labels are class ids ``(batch,)`` or rows
            ``(batch, classes)`` of shares, one-hot or mixed.
        weights: The weight of every class.

    Returns:
        A dataset of ``(images, labels, weights)``, the weights float32 ``(batch,)``.
    """
    table = np.array(weights, "float32")

    def add(images, labels):
        if len(labels.shape) == 1:
            return images, labels, tf.gather(table, labels)
        return images, labels, tf.linalg.matvec(labels, table)

    return dataset.map(add)
