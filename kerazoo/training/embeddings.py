"""The images of a data set as a network sees them, for TensorBoard's projector."""

import dataclasses
import math
import pathlib
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from PIL import Image
from tensorboard.plugins import projector

from kerazoo import reader
from kerazoo.data.arrays import DataLike
from kerazoo.data.batches import errors_said
from kerazoo.files import check_folder, replacing, write_atomic
from kerazoo.reader import Count, Path
from kerazoo.run import Run
from kerazoo.surgery.features import features
from kerazoo.surgery.replace_head import score_layers
from kerazoo.training.evaluation import batches_to_measure

# TensorBoard draws sprites of at most so many pixels to a side (WebGL's textures).
LARGEST_SHEET = 8192
LARGEST_SPRITE = 64


@dataclasses.dataclass(frozen=True, kw_only=True)
class Embeddings:
    """What a layer gives for some images, and what is known of these.

    Attributes:
        run: The run's folder.
        layer: The layer's name.
        vectors: A row an image, float32 ``(images, features)``: the layer's outputs,
            maps averaged over their places.
        images: uint8 ``(images, height, width, channels)`` as the network gets them.
        truth: Their class ids.
        guess: Those of the likeliest classes.
        probability: Of the guesses.
        classes: Class names.
        names: What every image is called: its file, or its number in the split.
    """

    run: pathlib.Path
    layer: str
    vectors: np.ndarray
    images: np.ndarray
    truth: np.ndarray
    guess: np.ndarray
    probability: np.ndarray
    classes: tuple[str, ...]
    names: tuple[str, ...]


@errors_said()
@reader.checked
def embed(
    run: Path | Run,
    layer: str | None = None,
    *,
    split: str = "test",
    data: DataLike | None = None,
    data_dir: Path | None = None,
    best: bool = False,
    count: Count = 1000,
) -> Embeddings:
    """Computes what a layer of a run's network gives for the images of a split.

    Args:
        run: A run of a classification, or its folder.
        layer: A layer's name, or the beginning of names as in ``stage3``, for the last
            layer of that stage; by default what the layer of class scores sees.
        split: ``train``, ``validation`` or ``test``, parted as in training.
        data: Another data set with the same classes, as for :func:`kerazoo.evaluate`.
        data_dir: Where its files are; by default where the training found them.
        best: Whether it is the network of the epoch with the lowest validation loss.
        count: How many images at most, evenly chosen.

    Raises:
        ValueError: Where there is no run of a classification, no such split or layer,
            or other classes.
    """
    run = run if isinstance(run, Run) else Run(run)
    if run.config.task != "classification":
        raise ValueError(
            f"{run.path} is a {run.config.task}, whose images have no one class; give "
            "a run of a classification."
        )
    served = run.model(best=best)
    name, output = _layer(served, layer)
    both = keras.Model(served.input, [output, served.output], name=served.name)
    both, batches = batches_to_measure(run, split, data, data_dir, served=both)
    part = batches.split
    places = np.arange(part.size)
    if part.size > count:
        places = np.linspace(0, part.size - 1, count).round().astype(int)
        batches = batches.of(part.subset(places))
    found = [
        (images.numpy(), labels.numpy(), *both.predict_on_batch(images.numpy()))
        for images, labels in batches.dataset
    ]
    images, truth, vectors, scores = map(np.concatenate, zip(*found, strict=True))
    return Embeddings(
        run=run.path,
        layer=name,
        vectors=np.asarray(vectors, "float32"),
        images=np.clip(np.rint(images), 0, 255).astype("uint8"),
        truth=truth if truth.ndim == 1 else truth.argmax(-1),
        guess=scores.argmax(-1),
        probability=scores.max(-1),
        classes=run.config.classes,
        names=tuple(batches.split.keys or map(str, places)),
    )


def _layer(model, name):
    """The name of a layer, and its output as a row of numbers."""
    if name is None:
        (head,) = score_layers(model)
        tensor = keras.tree.flatten(head.input)[0]
        # Dropout and flattening are no layers that people look for.
        name = f"{head.name} input"
    else:
        (tensor,) = features(model, name).output.values()
    if len(tensor.shape) == 4:
        tensor = keras.layers.GlobalAveragePooling2D(dtype="float32")(tensor)
    elif len(tensor.shape) != 2:
        tensor = keras.layers.Flatten(dtype="float32")(tensor)
    return name, tensor


@reader.checked
def write_projector(
    found: Embeddings | Sequence[Embeddings], folder: Path | None = None
) -> pathlib.Path:
    """Writes embeddings with sprites and labels for TensorBoard's page Projector.

    Args:
        found: What :func:`embed` returns, or several, such as those of several layers.
        folder: A folder that becomes a run of TensorBoard's; by default
            ``events/embeddings`` in the run's folder. What stands there is replaced.

    Returns:
        The folder.

    Raises:
        ValueError: Where it cannot be written, two are of the same layer, or nothing
            is given.
    """
    every = [found] if isinstance(found, Embeddings) else list(found)
    layers = [one.layer for one in every]
    if not every or len(set(layers)) < len(layers):
        raise ValueError(
            f"found holds embeddings of the layers {', '.join(layers) or 'none'}; give "
            "those of one layer or more, each once."
        )
    place = every[0].run / "events" / "embeddings" if folder is None else folder
    place = check_folder(place, "embeddings")
    config = projector.ProjectorConfig()
    for number, one in enumerate(every, 1):
        entry = config.embeddings.add()
        entry.tensor_name = one.layer
        entry.tensor_path = f"vectors-{number}.tsv"
        entry.metadata_path = f"labels-{number}.tsv"
        entry.sprite.image_path = f"sprites-{number}.png"
        sheet, side = sprite_sheet(one.images)
        entry.sprite.single_image_dim.extend([side, side])
        write_atomic(place / entry.tensor_path, _lines(one.vectors))
        write_atomic(place / entry.metadata_path, _labels(one))
        with replacing(place / entry.sprite.image_path) as path:
            Image.fromarray(sheet).save(path, format="PNG")
    write_atomic(place / "projector_config.pbtxt", str(config))
    kept = [
        name
        for entry in config.embeddings
        for name in (entry.tensor_path, entry.metadata_path, entry.sprite.image_path)
    ]
    for pattern in ("vectors-*.tsv", "labels-*.tsv", "sprites-*.png"):
        for old in place.glob(pattern):
            if old.name not in kept:
                old.unlink()
    if not list(place.glob("events.out.tfevents.*")):
        # TensorBoard looks into folders with events alone.
        writer = tf.summary.create_file_writer(str(place))
        with writer.as_default(step=0):
            tf.summary.text("embeddings", ", ".join(layers))
        writer.close()
    return place


def sprite_sheet(images: np.ndarray) -> tuple[np.ndarray, int]:
    """All images on one, from the upper left corner on, as TensorBoard reads it.

    Args:
        images: uint8 ``(count, height, width, 1 or 3)``.

    Returns:
        A square of RGB sprites, uint8, and the side of one in pixels.
    """
    cells = math.ceil(math.sqrt(len(images)))
    height, width = images.shape[1:3]
    side = min(LARGEST_SPRITE, LARGEST_SHEET // cells, max(height, width))
    share = side / max(height, width)
    size = max(1, round(width * share)), max(1, round(height * share))
    sheet = np.zeros((cells * side, cells * side, 3), "uint8")
    for place, image in enumerate(images):
        row, column = divmod(place, cells)
        pixels = image[..., 0] if image.shape[-1] == 1 else image
        small = np.asarray(Image.fromarray(pixels).resize(size).convert("RGB"))
        top = row * side + (side - size[1]) // 2
        left = column * side + (side - size[0]) // 2
        sheet[top : top + size[1], left : left + size[0]] = small
    return sheet, side


def _lines(vectors):
    return "".join("\t".join(f"{x:.6g}" for x in row) + "\n" for row in vectors)


def _labels(found):
    """A row an image, below a head; the first column is what TensorBoard shows."""
    rows = [("class", "guess", "right", "probability", "image")]
    # Of numbers TensorBoard would make a scale, and show another column in their place.
    numeric = all(name.replace(".", "", 1).isdecimal() for name in found.classes)
    classes = [f"class {name}" if numeric else name for name in found.classes]
    for truth, guess, sure, name in zip(
        found.truth, found.guess, found.probability, found.names, strict=True
    ):
        right = "right" if truth == guess else "wrong"
        rows.append((classes[truth], classes[guess], right, f"{sure:.3f}", name))
    clean = [[" ".join(str(cell).split()) or "-" for cell in row] for row in rows]
    return "".join("\t".join(row) + "\n" for row in clean)
