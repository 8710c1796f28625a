"""The augmented images that the network really sees."""

import math

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from kerazoo.analysis import plots


class AugmentedImages(keras.callbacks.Callback):
    """Writes a grid of the first batch's images, before normalisation, with labels.

    Args:
        writer: A writer of ``tf.summary``.
        dataset: Batches of (images, labels).
        classes: Class names.
        count: Images of the grid.
    """

    def __init__(self, writer, dataset, classes, count=64):
        super().__init__()
        self.writer = writer
        self.dataset = dataset
        self.classes = classes
        self.count = count

    def on_train_begin(self, logs=None):
        images, labels = next(iter(self.dataset.take(1)))
        labels = labels.numpy()
        if labels.ndim > 1:
            labels = labels.argmax(-1)
        figure = mosaic(
            images[: self.count].numpy(),
            [self.classes[label] for label in labels[: self.count]],
        )
        with self.writer.as_default(step=0):
            tf.summary.image("augmented_images", plots.pixels(figure)[None])


def mosaic(images, titles):
    """What ``plots.image_grid`` shows, in one pair of axes: a tenth of its time."""
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    figure = Figure(figsize=(1.1 * columns, 1.25 * rows))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, columns), ylim=(rows, 0))
    axes.axis("off")
    for place, (image, title) in enumerate(zip(images, titles, strict=True)):
        row, column = divmod(place, columns)
        shown = np.clip(np.rint(image), 0, 255).astype("uint8")
        shown = shown[..., 0] if shown.shape[-1] == 1 else shown
        # An image has a square inch of the 1.1 by 1.25 that are a unit here.
        height, width = np.array(shown.shape[:2]) / max(shown.shape[:2])
        axes.imshow(
            shown,
            cmap="gray",
            vmin=0,
            vmax=255,
            aspect="auto",
            extent=(
                column + 0.5 - 0.45 * width,
                column + 0.5 + 0.45 * width,
                row + 0.58 + 0.4 * height,
                row + 0.58 - 0.4 * height,
            ),
        )
        axes.text(column + 0.5, row + 0.14, str(title)[:14], ha="center", fontsize=7)
    return figure
