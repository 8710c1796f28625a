"""Folds: every example is tested once, by a network that has not seen it."""

import dataclasses

import numpy as np
from sklearn.model_selection import (
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)

from kerazoo import memory, reader
from kerazoo.data import ImageData, Split
from kerazoo.reader import Whole
from kerazoo.recipe import Recipe
from kerazoo.tuning.records import Folds, Repeats


def merge_splits(images: ImageData) -> Split:
    """All examples that may be learnt from, training and validation, as one split.

    The examples stand in the order of their source, so that the same set gives the same
    folds whatever share of it was split off for validation. Of generated images those
    of training alone are taken.

    Args:
        images: A loaded set; its ``test`` is not looked at.

    Raises:
        ValueError: Where the two parts come from different folders.
    """
    train, validation = images.train, images.validation
    if validation is None:
        return train
    if train.source.fresh:
        # Generated: there are as many as one likes.
        return train
    if validation.source is not train.source:
        raise ValueError(
            f"The validation images of {images.name} are a folder of their own, which "
            "cannot be split into folds with the others; move its images to the "
            "training folder, or load the set with validation=0 to leave them out."
        )
    indices = np.sort(np.concatenate([train.indices, validation.indices]))
    return Split(train.source, name=train.name, classes=train.classes, indices=indices)


@reader.checked
def stratified_folds(
    split: Split, folds: Folds, *, repeats: Repeats = 1, seed: Whole = 1
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divides a split into folds with the classes' shares in each.

    scikit-learn's ``StratifiedKFold(folds, shuffle=True, random_state=seed)``, and with
    ``repeats`` its ``RepeatedStratifiedKFold``; where examples have groups, its
    ``StratifiedGroupKFold``, which leaves every group whole.

    Args:
        split: The examples.
        folds: How many.
        repeats: How often all are divided anew.
        seed: Of the division.

    Returns:
        ``(train, test)`` for every fold of every repeat: positions in the split.

    Raises:
        ValueError: For a number that is not possible, or more folds than examples, or
            groups, of a class.
    """
    memory.check(
        f"What {folds} folds drawn {repeats} times hold of {split.size} images",
        8 * folds * repeats * split.size,
        "give fewer folds or repeats",
    )
    labels, groups = split.read_labels(), split.groups
    named = None if groups is None else np.unique(groups, return_inverse=True)[1]
    _check_folds(split, folds, labels, named)
    if named is not None:
        return _grouped(labels, named, folds, repeats, seed)
    if repeats == 1:
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    else:
        splitter = RepeatedStratifiedKFold(
            n_splits=folds, n_repeats=repeats, random_state=seed
        )
    return list(splitter.split(np.zeros(len(labels)), labels))


def _check_folds(split, count, labels, groups):
    """Refuses more folds than a class has images, or groups."""
    of_class = {
        name: len(np.unique(groups[labels == number]))
        if groups is not None
        else int((labels == number).sum())
        for number, name in enumerate(split.classes)
        if (labels == number).any()
    }
    name = min(of_class, key=of_class.__getitem__)
    least, noun = of_class[name], "images" if groups is None else "groups"
    if count > least:
        advice = (
            f"make at most {least} folds or add images" if least > 1 else "add some"
        )
        raise ValueError(
            f"{count} folds need {count} {noun} of every class, but {split.name} has "
            f"{least} of class {name!r}; {advice}."
        )


def _grouped(labels, groups, count, repeats, seed):
    """As scikit-learn repeats: all draws from one generator."""
    state = seed if repeats == 1 else np.random.RandomState(seed)
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=state)
    blank = np.zeros(len(labels))
    return [
        fold for _ in range(repeats) for fold in splitter.split(blank, labels, groups)
    ]


def check_batches(
    pool: Split, parts: list[tuple[np.ndarray, np.ndarray]], recipe: Recipe
) -> None:
    """Refuses a batch that is larger than what a fold leaves to learn from.

    Raises:
        ValueError: With the largest batch that there can be.
    """
    least = min(len(train) for train, _ in parts)
    if watches(recipe):
        least -= round(recipe.validation * least)
    if recipe.batch_size > least:
        raise ValueError(
            f"batch_size is {recipe.batch_size}, but a fold of {pool.name} leaves "
            f"{least} of its {pool.size} examples to learn from; make batch_size at "
            f"most {least}."
        )


def watches(recipe: Recipe) -> bool:
    """Whether a training looks at validation images while it goes on."""
    stops = recipe.early_stopping or recipe.schedule.name == "plateau"
    return bool(stops and recipe.validation)


def fold_data(
    images: ImageData, pool: Split, train: np.ndarray, test: np.ndarray, recipe: Recipe
) -> ImageData:
    """The set of one fold: what is learnt from, and in place of ``test`` the fold.

    A validation part is split off the training examples where the recipe watches one:
    for early stopping, or for a rate that falls on a plateau.

    Args:
        images: The set.
        pool: Its examples as one split.
        train: Positions in it to learn from.
        test: Positions of the fold.
        recipe: How to train.
    """
    part = pool.subset(train, f"{images.name} train")
    validation = None
    if watches(recipe):
        part, validation = part.split_off(recipe.validation, recipe.seed)
    return dataclasses.replace(
        images,
        train=part,
        validation=validation,
        test=pool.subset(test, f"{images.name} fold"),
        # The published statistics are those of all training images, the fold's too.
        published=None,
    )
