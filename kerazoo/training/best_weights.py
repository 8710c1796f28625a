"""The weights of the epoch with the lowest validation loss."""

from typing import Any

import keras
import numpy as np


class BestWeights(keras.callbacks.Callback):
    """Holds a network's weights of its best epoch.

    Keras' ``ModelCheckpoint`` with ``save_best_only`` chooses alike, but writes a file
    after every better epoch. Best is the lowest ``val_loss``, as for early stopping; of
    two epochs that are as good it is the first.

    Attributes:
        best: The lowest loss so far.
        best_epoch: Its epoch, from 0.
        best_weights: The weights as the network is served with them, in the order of
            ``model.weights``; ``None`` as long as no loss was a number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.best = float("inf")
        self.best_epoch = 0
        self.best_weights: list[np.ndarray] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Takes the weights where they are better."""
        loss = float((logs or {})["val_loss"])
        if loss < self.best:
            self.best, self.best_epoch = loss, epoch
            served = served_variables(self.model)
            self.best_weights = [keras.ops.convert_to_numpy(v) for v in served]


class EarlyStopping(keras.callbacks.EarlyStopping):
    """``keras.callbacks.EarlyStopping`` that does not end a first phase.

    A head alone soon stops improving, which says nothing of the whole network. Its best
    epoch is remembered all the same.

    Args:
        counts_from: Epochs after which it begins to wait.
        **options: As Keras' own takes them.
    """

    def __init__(self, counts_from: int, **options: Any) -> None:
        super().__init__(**options)
        self.counts_from = counts_from

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Waits, or stops."""
        if epoch < self.counts_from:
            self.wait = -self.patience
        super().on_epoch_end(epoch, logs)
        if epoch < self.counts_from:
            self.wait = 0


def served_variables(model: keras.Model) -> list[keras.Variable]:
    """What a network is served with, in the order of ``model.weights``.

    Args:
        model: A compiled and built model, in training.

    Returns:
        Its weights, or their moving averages where the optimiser keeps them.
    """
    averages = {v.path.rpartition("/")[2]: v for v in model.optimizer.variables}
    return [
        averages.get(f"{weight.path.replace('/', '_')}_average", weight)
        for weight in model.weights
    ]
