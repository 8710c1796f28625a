"""What a network makes of some images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kerazoo.analysis import plots
from kerazoo.tasks import Task
from kerazoo.training.callbacks.throttled import Throttled


class Examples(Throttled):
    """Draws the first validation images with what the network says of them.

    Args:
        writer: A writer of ``tf.summary``.
        dataset: Of images and what is known of them, in batches.
        task: Its task, one that draws.
        classes: Class names.
        every: Epochs between figures; they are also written at the end.
        count: How many images.
    """

    def __init__(
        self,
        writer: Any,
        dataset: tf.data.Dataset,
        task: Task,
        classes: Sequence[str],
        every: int = 10,
        count: int = 4,
    ) -> None:
        super().__init__(writer, every)
        self.dataset, self.task, self.classes = dataset, task, classes
        self.count = count

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        first = self.dataset.take(1)
        images, truth = next(iter(first))
        inputs, *_ = next(iter(self.task.targets(self.model, first)))
        self._inputs = tf.nest.map_structure(np.asarray, inputs)
        self._images = images.numpy()
        drawn = self.task.drawn(self.model, first, truth)
        self._targets = tf.nest.map_structure(np.asarray, drawn)

    def write(self, step: int) -> None:
        # A whole batch, for which the network has been compiled.
        outputs = self.model.predict_on_batch(self._inputs)
        first = slice(self.count)
        figure = self.task.picture(
            self._images[first],
            tf.nest.map_structure(lambda one: one[first], self._targets),
            tf.nest.map_structure(lambda one: one[first], outputs),
            self.classes,
        )
        with self.writer.as_default(step=step):
            tf.summary.image("figures/examples", plots.pixels(figure)[None])
