"""The loss on the validation images every so many steps."""

from typing import Any

import tensorflow as tf
from keras import ops

from kerazoo.training.best_weights import served_variables
from kerazoo.training.callbacks.at_steps import AtSteps, synchronise


class StepValidation(AtSteps):
    """Measures a network on the validation images within epochs too.

    The training goes on as it would without: the sums of its metrics, which Keras
    shares with an evaluation, are put back, and the weights where the optimiser's
    moving averages stood in their place. Where a look falls on an epoch's end, it is
    the epoch's own.

    Args:
        every: Steps between two looks.
        dataset: The validation batches with their targets.
        rows: Where a row a look is added: ``step``, ``epoch`` (with its part), ``loss``
            (of the training since the look before, within the epoch), ``val_loss`` and
            the other measures. What they hold is known from a state.
        writers: Of ``tf.summary``, for training and validation; or none.
        *place: As for :class:`AtSteps`.

    Attributes:
        seen_loss: The sum of the epoch's losses up to the look before.
        seen_images: Of so many images.
    """

    def __init__(
        self,
        every: int,
        dataset: Any,
        rows: list[dict[str, float]],
        writers: tuple[Any, ...],
        *place: int,
    ) -> None:
        super().__init__(*place)
        self.every, self.dataset, self.rows = every, dataset, rows
        self.writers = writers
        self.seen_loss = self.seen_images = 0.0
        # The row of an epoch's end, which waits for the epoch's validation.
        self._last: dict[str, float] | None = None

    def at(self, before: int, step: int) -> None:
        """Looks, where it is time."""
        if step < 1 or step // self.every == before // self.every:
            return
        row = {"step": step, "epoch": step / self.steps_per_epoch, "loss": self._loss()}
        if step % self.steps_per_epoch:
            self._add(row, self._measure())
        else:
            self._last = row

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self._last = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Takes the epoch's validation where a look falls on its end."""
        self.seen_loss = self.seen_images = 0.0
        if self._last is not None:
            self._add(self._last, logs or {}, "val_")

    def _loss(self):
        """The mean of the training's losses since the look before."""
        (mean,) = (one for one in self.model.metrics if one.name == "loss")
        loss, images = float(mean.total), float(mean.count)
        fresh = (loss - self.seen_loss) / (images - self.seen_images)
        self.seen_loss, self.seen_images = loss, images
        return fresh

    def _measure(self):
        model = self.model
        synchronise(model)
        pairs = zip(model.weights, served_variables(model), strict=True)
        averaged = [
            (weight, served) for weight, served in pairs if served is not weight
        ]
        held = [*model.metrics_variables, *(weight for weight, _ in averaged)]
        values = [ops.convert_to_numpy(one) for one in held]
        for weight, served in averaged:
            weight.assign(served)
        measured = model.evaluate(self.dataset, verbose=0, return_dict=True)
        for variable, value in zip(held, values, strict=True):
            variable.assign(value)
        return measured

    def _add(self, row, measured, prefix=""):
        """Adds the measures of a look to its row."""
        row |= {
            f"val_{name.removeprefix(prefix)}": float(value)
            for name, value in measured.items()
            if name.startswith(prefix)
        }
        self.rows.append(row)
        names = [{"loss"}, {name for name in row if name.startswith("val_")}]
        for writer, own in zip(self.writers, names, strict=False):
            with writer.as_default(step=row["step"]):
                for name in own:
                    tf.summary.scalar(f"step_{name.removeprefix('val_')}", row[name])
