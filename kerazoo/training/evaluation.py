"""What a trained network is worth on images that it has not seen."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerazoo import data as kerazoo_data
from kerazoo.recipe import Recipe
from kerazoo.run import Metrics, Run
from kerazoo.surgery.preprocessing import resized_to_output


def measure(model: Callable, batches: Any, classes: Sequence[str]) -> Metrics:
    """Runs a network over every batch and measures its probabilities.

    Args:
        model: From images of the network's size to class probabilities.
        batches: ``Batches`` that neither shuffle nor augment.
        classes: Class names.
    """
    return classification_metrics(*predictions(model, batches), classes)


def predictions(model: Any, batches: Any) -> tuple[np.ndarray, np.ndarray]:
    """Runs a network over every batch.

    Args:
        model: From images of the network's size to scores.
        batches: ``Batches`` that neither shuffle nor augment.

    Returns:
        The true class of every image, and float64 scores ``(images, classes)``, the
        means over its views where there are several.
    """
    truth, scores, size = [], [], 0
    for images, labels in batches.dataset:
        images, labels = images.numpy(), labels.numpy()
        size = size or len(images)
        # A last batch of another size would be compiled for itself.
        filled = np.resize(images, (size, *images.shape[1:]))
        if images.ndim == 5:
            filled = filled.reshape(-1, *images.shape[2:])
        some = np.asarray(model.predict_on_batch(filled), "float64")
        scores.append(some.reshape(size, -1, some.shape[-1]).mean(1)[: len(images)])
        truth.append(labels if labels.ndim == 1 else labels.argmax(-1))
    return np.concatenate(truth), np.concatenate(scores)


def classification_metrics(
    truth: np.ndarray, scores: np.ndarray, classes: Sequence[str]
) -> Metrics:
    """Measures probabilities.

    Args:
        truth: The class of every image.
        scores: Probabilities ``(images, classes)``.
        classes: Class names.

    """
    from sklearn.metrics import confusion_matrix, top_k_accuracy_score

    guess, every = scores.argmax(-1), range(len(classes))
    matrix = confusion_matrix(truth, guess, labels=every)
    right = np.clip(scores[np.arange(len(truth)), truth], 1e-12, 1)
    top5 = None
    if len(classes) > 5:
        top5 = float(top_k_accuracy_score(truth, scores, k=5, labels=list(every)))
    counts = matrix.sum(1)
    return Metrics(
        images=len(truth),
        loss=float(-np.log(right).mean()),
        accuracy=float((guess == truth).mean()),
        top5=top5,
        calibration_error=_calibration_error(scores.max(-1), guess == truth),
        per_class={
            name: float(matrix[i, i] / counts[i]) if counts[i] else None
            for i, name in enumerate(classes)
        },
        confusion=tuple(map(tuple, matrix.tolist())),
    )


def own_parts(images: kerazoo_data.ImageData, recipe: Recipe) -> str | None:
    """Whether images are parted otherwise than loading them by name does.

    Args:
        images: The images of a training.
        recipe: Its validation share and seed part a set that is loaded by name.

    Returns:
        ``None``, or a digest of the examples of every part.
    """
    parts = (images.train, images.validation, images.test)
    whole = kerazoo_data.Split(
        images.train.source, name=images.train.name, classes=images.classes
    )
    usual: list[kerazoo_data.Split | None] = [whole, None]
    if recipe.validation:
        with contextlib.suppress(ValueError):
            usual = list(whole.split_off(recipe.validation, recipe.seed))
    usual.append(
        kerazoo_data.Split(images.test.source, name="test", classes=images.classes)
    )
    if images.test.source is not images.train.source and all(
        one is other
        if one is None or other is None
        else np.array_equal(one.indices, other.indices)
        for one, other in zip(parts, usual, strict=True)
    ):
        return None
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"|" if part is None else part.indices.tobytes() + b"|")
    return f"custom {digest.hexdigest()[:16]}"


def _calibration_error(confidence, right, bins=15):
    """The mean gap between confidence and accuracy over bins of confidence."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs((confidence - right)[place == b].sum()) for b in np.unique(place)]
    return float(sum(gaps) / len(right))


def evaluate(
    run: str | os.PathLike | Run,
    *,
    split: str = "test",
    data: str | None = None,
    data_dir: str | os.PathLike | None = None,
    batch_size: int | None = None,
    views: str | None = None,
) -> Metrics:
    """Evaluates the network of a run folder.

    Args:
        run: The run or its folder.
        split: ``train``, ``validation`` or ``test``, parted as in training.
        data: Another data set with the same classes; by default the run's.
        data_dir: Where its files are; by default where the training found them.
        batch_size: Images of a step, all their views counted; by default the recipe's.
        views: ``flip``, ``center``, ``ten_crop`` or ``googlenet`` (see
            ``kerazoo.data.views``): an image's probabilities are the means of those of
            its views. By default it is seen once, resized as in training.

    Raises:
        ValueError: Where there is no run, no such split, no such views, or other
            classes.
    """
    run = run if isinstance(run, Run) else Run(run)
    config, recipe = run.config, run.recipe
    if config.parts and not data and split in ("train", "validation"):
        raise ValueError(
            f"{run.path} was trained on parts of {config.data} that its caller "
            f"chose, so its {split} split cannot be found by name; evaluate split "
            "test, or measure the part itself with kerazoo.training.measure."
        )
    model = run.model()
    images = kerazoo_data.load(
        data or config.data,
        data_dir=data_dir or config.data_dir,
        validation=recipe.validation,
        seed=recipe.seed,
    )
    if images.classes != config.classes:
        raise ValueError(
            f"{images.name} has {len(images.classes)} classes "
            f"({', '.join(images.classes[:4])} ...), but {run.path} was trained on "
            f"{len(config.classes)} ({', '.join(config.classes[:4])} ...)."
        )
    parts = {
        "train": images.train,
        "validation": images.validation,
        "test": images.test,
    }
    part = parts.get(split)
    if part is None:
        allowed = ", ".join(name for name, one in parts.items() if one is not None)
        raise ValueError(f"split is {split!r}; it must be one of {allowed}.")
    seen = kerazoo_data.VIEWS.get(views, 1) if views else 1
    batches = kerazoo_data.Batches(
        part,
        max(1, (batch_size or recipe.batch_size) // seen),
        image_shape=config.image_shape,
        resize=recipe.resize,
        views=views,
    )
    return measure(resized_to_output(model), batches, images.classes)
