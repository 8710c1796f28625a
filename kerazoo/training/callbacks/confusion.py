"""The confusion matrix of the validation images, and the accuracy of every class."""

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import confusion_matrix

from kerazoo.analysis import plots


class ConfusionMatrix(keras.callbacks.Callback):
    """Writes the matrix as a figure and ``accuracy_of/CLASS`` as scalars.

    Args:
        writer: A writer of ``tf.summary``.
        dataset: Batches of (images, labels).
        classes: Class names.
        every: Epochs between matrices; one is also written at the end.
    """

    def __init__(self, writer, dataset, classes, every=10):
        super().__init__()
        self.writer = writer
        self.dataset = dataset
        self.classes = classes
        self.every = every

    def _write(self, step):
        truth, guess = [], []
        for images, labels in self.dataset:
            # Unlike predict_on_batch, a call asks no other device or machine.
            labels, scores = labels.numpy(), self.model(images, training=False)
            if isinstance(scores, dict):
                scores = scores["predictions"]
            scores = keras.ops.convert_to_numpy(scores)
            truth.append(labels if labels.ndim == 1 else labels.argmax(-1))
            guess.append(scores.argmax(-1))
        matrix = confusion_matrix(
            np.concatenate(truth),
            np.concatenate(guess),
            labels=range(len(self.classes)),
        )
        counts = matrix.sum(1)
        with self.writer.as_default(step=step):
            figure = plots.confusion(matrix, self.classes)
            tf.summary.image("confusion_matrix", plots.pixels(figure)[None])
            for name, right, count in zip(
                self.classes, matrix.diagonal(), counts, strict=True
            ):
                if count:
                    tf.summary.scalar(f"accuracy_of/{name}", right / count)

    def on_epoch_end(self, epoch, logs=None):
        self._epochs = epoch + 1
        if self._epochs % self.every == 0:
            self._write(self._epochs)

    def on_train_end(self, logs=None):
        if getattr(self, "_epochs", 0) % self.every:
            self._write(self._epochs)
