"""What is done after some steps of a training, counted over all its epochs."""

from typing import Any

import keras


class AtSteps(keras.callbacks.Callback):
    """Counts the steps of a training, also of one that goes on.

    Several steps may be one execution, after which alone Keras calls.

    Args:
        steps_per_epoch: Batches of an epoch.
        epoch: Complete epochs where the training goes on.
        step: Steps of the next, likewise.
    """

    def __init__(self, steps_per_epoch: int, epoch: int = 0, step: int = 0) -> None:
        super().__init__()
        self.steps_per_epoch = steps_per_epoch
        self._begun = epoch, step
        self._done = self._before = epoch * steps_per_epoch + step

    def at(self, before: int, step: int) -> None:
        """What is done.

        Args:
            before: The steps at the call before, -1 at the beginning.
            step: Those that have ended now.
        """
        raise NotImplementedError

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self._done == 0:
            self.at(-1, 0)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        first, step = self._begun
        self._before = epoch * self.steps_per_epoch + (step if epoch == first else 0)

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        before, self._done = self._done, self._before + batch + 1
        self.at(before, self._done)


def synchronise(model: keras.Model) -> None:
    """Puts the weights into a model in training that JAX holds apart until the end."""
    if keras.backend.backend() == "jax":
        model.jax_state_sync()
