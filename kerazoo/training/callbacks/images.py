"""The augmented images that the network really sees."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerazoo.analysis import plots
from kerazoo.colors import beside
from kerazoo.data.preview import with_boxes
from kerazoo.detections import Objects
from kerazoo.fonts import legible


class AugmentedImages(keras.callbacks.Callback):
    """Writes a grid of the first batch, before normalisation, with its truth.

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
        labels = tf.nest.map_structure(lambda one: one[: self.count].numpy(), labels)
        names = None
        if isinstance(labels, Objects):
            whole = np.clip(np.rint(images), 0, 255).astype("uint8")
            factor = max(1, 224 // min(whole.shape[1:3]))
            images = with_boxes(whole, labels, self.classes, factor)
        elif labels.ndim == 3:
            images = beside(images, labels, len(self.classes))
        else:
            shown, _ = legible(self.classes, 17)
            ids = labels if labels.ndim == 1 else labels.argmax(-1)
            names = [shown[label] for label in ids]
        figure = plots.image_grid(images, names)
        with self.writer.as_default(step=0):
            tf.summary.image("figures/augmented_images", plots.pixels(figure)[None])
