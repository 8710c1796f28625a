"""What every layer gives and how it is told to change, by step."""

from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.plugins.histogram import metadata

from kerazoo.analysis import layer_plots, plots
from kerazoo.analysis.signals import Histogram, layer_signals
from kerazoo.training.callbacks.at_steps import AtSteps, synchronise

# Images that go through: enough for a batch norm, few enough to be cheap.
IMAGES = 32


class Signals(AtSteps):
    """Writes histograms of the layers' outputs and of their kernels' gradients.

    They are those of the same images, augmented as in the first batch, at every look;
    a step counts from the beginning of the training. A figure shows both by depth.

    Args:
        writer: A writer of ``tf.summary``.
        dataset: Batches of images and targets, as the network's outputs need them.
        every: Steps between two looks; the next that Keras calls after.
        *place: As for :class:`AtSteps`.
    """

    def __init__(
        self, writer: Any, dataset: tf.data.Dataset, every: int, *place: int
    ) -> None:
        super().__init__(*place)
        self.writer, self.dataset, self.every = writer, dataset, every

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        some = tf.nest.map_structure(
            lambda one: np.asarray(one)[:IMAGES], next(iter(self.dataset.take(1)))
        )
        # Some networks learn from their inputs alone.
        inputs, *targets = some
        self._batch = inputs, targets[0] if targets else None
        super().on_train_begin(logs)

    def at(self, before: int, step: int) -> None:
        if step // self.every > before // self.every:
            self.write(step)

    def write(self, step: int) -> None:
        """Writes.

        Args:
            step: Steps that have ended.
        """
        synchronise(self.model)
        found = layer_signals(
            self.model,
            *self._batch,
            loss=lambda targets, outputs: self.model.compute_loss(
                None, targets, outputs
            ),
        )
        about = metadata.create_summary_metadata(display_name=None, description=None)
        with self.writer.as_default(step=step):
            for one in found:
                for kind, histogram in (
                    ("outputs", one.outputs),
                    ("gradients", one.gradient),
                ):
                    if histogram is not None:
                        tf.summary.write(
                            f"layer_{kind}/{one.layer}", rows(histogram), metadata=about
                        )
            picture = plots.pixels(layer_plots.signals_by_depth({"": found}))
            tf.summary.image("figures/signals_by_depth", picture[None])


def rows(histogram: Histogram) -> np.ndarray:
    """Rows (left edge, right edge, number) as TensorBoard reads them."""
    edges = histogram.edges
    return np.stack([edges[:-1], edges[1:], histogram.counts], axis=1)
