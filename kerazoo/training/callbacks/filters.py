"""The filters of the first convolution."""

import keras
import tensorflow as tf

from kerazoo.analysis import plots
from kerazoo.analysis.filters import first_filters


class FirstFilters(keras.callbacks.Callback):
    """Writes a picture of the first layer's kernels before and after training.

    Args:
        writer: A writer of ``tf.summary``.
        every: Epochs between pictures on the way.
    """

    def __init__(self, writer, every=10):
        super().__init__()
        self.writer = writer
        self.every = every

    def _write(self, step):
        kernels = first_filters(self.model)
        if kernels is not None:
            with self.writer.as_default(step=step):
                picture = plots.pixels(plots.filter_grid(kernels))
                tf.summary.image("first_filters", picture[None])

    def on_train_begin(self, logs=None):
        self._write(0)

    def on_epoch_end(self, epoch, logs=None):
        self._epochs = epoch + 1
        if self._epochs % self.every == 0:
            self._write(self._epochs)

    def on_train_end(self, logs=None):
        if getattr(self, "_epochs", 0) % self.every:
            self._write(self._epochs)
