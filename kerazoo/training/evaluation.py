"""What a trained network is worth on images that it has not seen."""

import contextlib
import dataclasses
import hashlib
import os
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kerazoo import data as kerazoo_data
from kerazoo import reader, registry, tasks
from kerazoo.data import arrays
from kerazoo.data.arrays import DataLike
from kerazoo.data.batches import errors_said
from kerazoo.errors import unknown
from kerazoo.layers import ZCAWhitening
from kerazoo.proposals import of_model
from kerazoo.reader import Count, Pair, Path
from kerazoo.recipe import Recipe
from kerazoo.run import Metrics, Run, RunConfig
from kerazoo.surgery.preprocessing import resized_to_output
from kerazoo.symbolic import symbolic

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
    held_out = images.validation
    if recipe.validation and held_out and held_out.source is not images.train.source:
        usual[1] = kerazoo_data.Split(
            held_out.source, name="validation", classes=images.classes
        )
    elif recipe.validation:
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


def at_size(
    served: keras.Model, config: RunConfig, height: int, width: int
) -> keras.Model:
    """A trained network over images of another size, with the weights that it has.

    Args:
        served: What the run has saved: raw images to what the network serves.
        config: The run's.
        height: Of the images, in pixels.
        width: The same.

    Returns:
        From images of that size to what the network serves.

    Raises:
        ValueError: Where a weight belongs to the size of training, as behind a
            flattened map, or the network cannot take the size.
    """
    if config.network == "ensemble":
        raise ValueError(
            "An ensemble is measured at its own size; evaluate its members at another."
        )
    trained = resized_to_output(served)
    recipe, task = config.recipe, tasks.find(config.task)
    shape = (height, width, config.image_shape[-1])
    options = dict(recipe.options) | {
        "classes": len(config.classes),
        "classifier_activation": task.served_activation,
    }
    # Shapes first: what does not fit may be larger than the machine.
    network = symbolic(
        lambda: registry.create(config.network, input_shape=shape, **options)
    )
    own = {layer.name: layer for layer in network.layers}
    before = [one for one in trained.layers[1:] if one.name not in own]
    unfit = [one for one in before if isinstance(one, ZCAWhitening)]
    for layer in trained.layers:
        if layer.weights and layer.name in own:
            shapes = [
                [w.shape for w in one.weights] for one in (layer, own[layer.name])
            ]
            unfit += [layer] if shapes[0] != shapes[1] else []
    if unfit:
        old = "x".join(map(str, config.image_shape[:2]))
        raise ValueError(
            f"{config.network} was trained on {old} and cannot take {height}x{width}: "
            f"the weights of {unfit[0].name} belong to that size. Networks that end in "
            "global pooling, as ResNets and Inceptions do, take others."
        )
    x = keras.Input(shape, name="images")
    for layer in before:
        x = layer(x)
    network = registry.create(config.network, input_tensor=x, **options)
    for layer in trained.layers:
        if layer.weights and layer.name in own:
            network.get_layer(layer.name).set_weights(layer.get_weights())
    return keras.Model(network.input, task.served(network.output), name=served.name)


@errors_said()
@reader.checked
def evaluate(
    run: Path | Run,
    *,
    split: str = "test",
    data: DataLike | None = None,
    data_dir: Path | None = None,
    batch_size: Count | None = None,
    views: str | None = None,
    best: bool = False,
    image_size: Count | Pair | None = None,
) -> Metrics:
    """Evaluates the network of a run folder.

    Args:
        run: The run or its folder.
        split: ``train``, ``validation`` or ``test``, parted as in training.
        data: Another data set with the same classes, as for :func:`kerazoo.fit`; by
            default the run's. Of a folder without parts, and of ``(x, y)`` or a
            dataset, all images are measured; of those that the run was trained on, its
            test images.
        data_dir: Where its files are; by default where the training found them.
        batch_size: Images of a step, all their views counted; by default the recipe's.
        views: ``flip``, ``center``, ``ten_crop`` or ``googlenet`` (see
            ``kerazoo.data.views``): an image's probabilities are the means of those of
            its views. By default it is seen once, resized as in training.
        best: Whether it is the network of the epoch with the lowest validation loss, in
            place of the last.
        image_size: Another size of the images than that of training, one number or
            ``(height, width)``, for networks whose weights belong to no size.

    Raises:
        ValueError: Where there is no run, no such split, no such views, other
            classes, or a size that the network cannot take.
    """
    run = run if isinstance(run, Run) else Run(run)
    model, batches = batches_to_measure(
        run,
        split,
        data,
        data_dir,
        batch_size=batch_size,
        views=views,
        best=best,
        image_size=image_size,
    )
    return measure(model, batches, batches.split.classes, run.config.task)


def batches_to_measure(
    run: Run,
    split: str,
    data: DataLike | None = None,
    data_dir: str | os.PathLike | None = None,
    *,
    batch_size: int | None = None,
    views: str | None = None,
    best: bool = False,
    image_size: int | tuple[int, int] | None = None,
    served: keras.Model | None = None,
) -> tuple[keras.Model, kerazoo_data.Batches]:
    """The network of a run from images of its size on, and batches of these.

    Args:
        run: The run.
        split: As for :func:`evaluate`, as are all others.
        data: The same.
        data_dir: The same.
        batch_size: The same.
        views: The same.
        best: The same.
        image_size: The same.
        served: In the place of the run's network another from raw images.

    Raises:
        ValueError: The same.
    """
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    if views is not None and views not in kerazoo_data.VIEWS:
        raise unknown("views", views, kerazoo_data.VIEWS)
    config, recipe = run.config, run.recipe
    if config.parts and data is None and split in ("train", "validation"):
        raise ValueError(
            f"{run.path} was trained on parts of {config.data} that its caller "
            f"chose, so its {split} split cannot be found by name; evaluate split "
            "test, or measure the part itself with kerazoo.training.measure."
        )
    served = served or run.model(best=best)
    images = images_to_measure(run, data, data_dir)
    if image_size is None:
        model, (height, width) = resized_to_output(served), config.image_shape[:2]
    else:
        both = (image_size,) * 2 if isinstance(image_size, int) else image_size
        height, width = both
        model = at_size(served, config, height, width)
    part = getattr(images, split)
    if part is None:
        raise ValueError(f"{images.name} has no {split} images; evaluate split test.")
    seen = kerazoo_data.VIEWS[views] if views else 1
    batches = kerazoo_data.Batches(
        part,
        max(1, (batch_size or recipe.batch_size) // seen),
        image_shape=(height, width, config.image_shape[-1]),
        resize=recipe.resize,
        views=views,
        **of_model(served, recipe),
    )
    return model, batches


def images_to_measure(
    run: Run,
    data: DataLike | None = None,
    data_dir: str | os.PathLike | None = None,
) -> kerazoo_data.ImageData:
    """The images on which a run is measured, parted as in its training.

    Args:
        run: The run.
        data: As for :func:`evaluate`.
        data_dir: As for :func:`evaluate`.

    Raises:
        ValueError: Where they are not there, or have other classes.
    """
    config, recipe = run.config, run.recipe
    parting: dict[str, Any] = {"validation": recipe.validation, "seed": recipe.seed}
    if arrays.in_memory(data):
        own = config.images.get("digest")
        images = arrays.load_measured(data, classes=config.classes, own=own, **parting)
        if config.parts and images.digest == own:
            raise ValueError(
                f"{run.path} was trained on parts of these arrays that its caller "
                "chose; give what kerazoo.data.from_arrays returned then."
            )
    else:
        data_dir = data_dir or config.data_dir
        given = config.data if data is None else data
        images = kerazoo_data.load(given, data_dir=data_dir, **parting)
        if data is None:
            _warn_of_changes(run, images)
        elif images is not data and not _trained_on(config, images):
            images = _wholly_tested(images)
    run.check_task(images.name, images.task)
    if images.classes != config.classes:
        raise ValueError(
            f"{images.name} has {len(images.classes)} classes "
            f"({', '.join(images.classes[:4])} ...), but {run.path} was trained on "
            f"{len(config.classes)} ({', '.join(config.classes[:4])} ...)."
        )
    return images


def _trained_on(config, images):
    """Whether images are those of a run, however their place is called now.

    A folder that was moved or copied has the same files below it.
    """
    then, now = config.images, images.fingerprint
    known = "digest" in then and then == now
    return known or _place(images.name) == _place(config.data)


def _place(name):
    """What a data set's name means: of a folder the folder itself."""
    kind, colon, path = name.partition(":")
    path = path.partition("?")[0]
    if not colon or not os.path.exists(os.path.expanduser(path)):
        return name
    return kind, os.path.realpath(os.path.expanduser(path))


def _wholly_tested(images):
    """A folder without parts, brought to be measured: all of it."""
    source = images.train.source
    if images.test is None or images.test.source is not source:
        return images
    whole = kerazoo_data.Split(source, name=images.name, classes=images.classes)
    return dataclasses.replace(images, test=whole)


def _warn_of_changes(run, images):
    config = run.config
    then, now = config.images, images.fingerprint
    if config.parts or not then or then == now:
        return
    changes = [
        f"{part} {then.get(part, 0)} to {now.get(part, 0)}"
        for part in SPLITS
        if then.get(part) != now.get(part)
    ]
    warnings.warn(
        f"{config.data} has changed since {run.path} was trained on it "
        f"({', '.join(changes) or 'other files, as many as before'}); what is "
        "measured now is another set",
        stacklevel=4,
    )
