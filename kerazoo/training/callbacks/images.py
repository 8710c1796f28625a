"""The augmented images that the network really sees."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from kerazoo.analysis import plots
from kerazoo.colors import beside
from kerazoo.fonts import legible


class AugmentedImages(keras.callbacks.Callback):
    """Writes a grid of the first batch, before normalisation, with labels or masks.

    Args:
        writer: A writer of ``tf.summary``.
        dataset: Batches of (images, labels).
        classes: Class names.
        count: Images of the grid.
    """

    def __init__(
        self,
        writer: Any,
        dataset: tf.data.Dataset,
        classes: Sequence[str],
        count: int = 64,
    ) -> None:
        super().__init__()
        self.writer = writer
        self.dataset = dataset
        self.classes = classes
        self.count = count

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        images, labels = next(iter(self.dataset.take(1)))
        images = images[: self.count].numpy()
        labels = labels[: self.count].numpy()
        names = None
        if labels.ndim == 3:
            images = beside(images, labels, len(self.classes))
        else:
            shown, _ = legible(self.classes, 17)
            ids = labels if labels.ndim == 1 else labels.argmax(-1)
            names = [shown[label] for label in ids]
        figure = plots.image_grid(images, names)
        with self.writer.as_default(step=0):
            tf.summary.image("figures/augmented_images", plots.pixels(figure)[None])
