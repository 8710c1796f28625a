"""What a trained network is worth on images that it has not seen."""

import contextlib
import hashlib
import warnings
from collections.abc import Sequence

import keras
import numpy as np

from kerazoo import data as kerazoo_data
from kerazoo import reader, tasks
from kerazoo.errors import unknown
from kerazoo.reader import Count, Name, Path
from kerazoo.recipe import Recipe
from kerazoo.run import Metrics, Run
from kerazoo.surgery.preprocessing import resized_to_output

SPLITS = ("train", "validation", "test")


@reader.checked
def measure(
    model: keras.Model,
    batches: kerazoo_data.Batches,
    classes: Sequence[str],
    task: str = "classification",
) -> Metrics:
    """Runs a served network over every batch and measures what it gives.

    Args:
        model: From images of the network's size to what it serves.
        batches: ``Batches`` that neither shuffle nor augment.
        classes: Class names.
        task: The network's task, that of its card.
    """
    known = batches.split.classes
    if len(classes) != len(known):
        raise ValueError(
            f"classes has {len(classes)} names; the images have {len(known)} classes."
        )
    return tasks.find(task).measure(model, batches, classes)


def own_parts(images: kerazoo_data.ImageData, recipe: Recipe) -> str | None:
    """Whether images are parted otherwise than loading them by name does.

    Args:
        images: The images of a training.
        recipe: Its validation share and seed part a set that is loaded by name.

    Returns:
        ``None``, or a digest of the examples of every part.
    """
    if images.test is None:
        raise ValueError(
            f"data, the set {images.name}, has no test images, on which a training "
            "ends; give it some."
        )
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


@reader.checked
def evaluate(
    run: Path | Run,
    *,
    split: str = "test",
    data: Name | None = None,
    data_dir: Path | None = None,
    batch_size: Count | None = None,
    views: str | None = None,
) -> Metrics:
    """Evaluates the network of a run folder.

    Args:
        run: The run or its folder.
        split: ``train``, ``validation`` or ``test``, parted as in training.
        data: Another data set with the same classes; by default the run's. Of a
            folder without parts all images are measured.
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
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    if views is not None and views not in kerazoo_data.VIEWS:
        raise unknown("views", views, kerazoo_data.VIEWS)
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
    then, now = config.images, images.fingerprint
    if not (data or config.parts) and then and then != now:
        changes = [
            f"{part} {then.get(part, 0)} to {now.get(part, 0)}"
            for part in ("train", "validation", "test")
            if then.get(part) != now.get(part)
        ]
        warnings.warn(
            f"{config.data} has changed since {run.path} was trained on it "
            f"({', '.join(changes) or 'other files, as many as before'}); what is "
            "measured now is another set",
            stacklevel=2,
        )
    if images.classes != config.classes:
        raise ValueError(
            f"{images.name} has {len(images.classes)} classes "
            f"({', '.join(images.classes[:4])} ...), but {run.path} was trained on "
            f"{len(config.classes)} ({', '.join(config.classes[:4])} ...)."
        )
    part = getattr(images, split)
    if part is None:
        raise ValueError(f"{images.name} has no {split} images; evaluate split test.")
    if data and split == "test" and part.source is images.train.source:
        # A folder without parts, brought to be measured: all of it.
        part = kerazoo_data.Split(part.source, name=images.name, classes=images.classes)
    seen = kerazoo_data.VIEWS[views] if views else 1
    batches = kerazoo_data.Batches(
        part,
        max(1, (batch_size or recipe.batch_size) // seen),
        image_shape=config.image_shape,
        resize=recipe.resize,
        views=views,
    )
    return measure(resized_to_output(model), batches, images.classes, config.task)
