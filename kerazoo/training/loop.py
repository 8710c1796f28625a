"""The epochs of a training, with what watches them, from wherever it stands."""

import functools
import itertools
from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf

from kerazoo.errors import counted
from kerazoo.run import Run, place
from kerazoo.training import callbacks as writers
from kerazoo.training import compilation
from kerazoo.training.best_weights import BestWeights, EarlyStopping
from kerazoo.training.jobs import Job
from kerazoo.training.snapshots import Snapshots, StepSnapshots
from kerazoo.training.state import TrainState
from kerazoo.training.step_validation import StepValidation


def train(
    job: Job,
    folder: Run,
    state: TrainState,
    *,
    events: bool,
    histograms: int | None,
    callbacks: Iterable[keras.callbacks.Callback],
    verbose: int | str,
) -> None:
    """Trains from a state on, which says where it ends.

    Args:
        job: What is trained.
        folder: Where events go.
        state: Where the training stands, and when it is saved; it holds the history.
        events: As for :func:`kerazoo.fit`.
        histograms: The same.
        callbacks: The same.
        verbose: As in Keras' ``fit``.
    """
    model, training, validation = job.model, job.training, job.validation

    def training_from(epoch=0, step=0):
        weighed = functools.partial(job.weighed, epoch=epoch)
        return job.distribution.shared_epochs(training, epoch, step, weighed)

    def begin(epoch=0):
        """Makes all variables that belong to the state, for the phase of an epoch."""
        if not job.phases.enter(epoch) and model.optimizer.built:
            return
        if job.distribution.devices == 1:
            blank = job.task.blank(model, len(job.classes), training.one_hot)
            if blank is not None:
                _build_metrics(model, blank)
        else:
            model.evaluate(training_from(), steps=8, verbose=0)
        model.optimizer.build(model.trainable_variables)

    epochs = compilation.num_epochs(job.recipe, training.steps)
    epochs = min(epochs, state.until or epochs)
    begin()
    state.restore(model, begin)
    places = job.distribution.gather(state.epoch, state.step)
    if (places != places[0]).any():
        raise ValueError(
            f"The workers find different states (epoch, step: {places.tolist()}); "
            "give a run folder that all machines share."
        )
    if verbose and job.distribution.chief and (state.epoch or state.step):
        print(_goes_on(job, folder, state))
    runs = ("train", "validation") if validation else ("train",)
    recorders = {}
    if events and job.distribution.chief:
        recorders = {name: _recorder(folder, name) for name in runs}
    at = training.steps, state.epoch, state.step
    watched = _callbacks(job, folder, recorders, epochs, events, at)
    if histograms and job.distribution.chief:
        watched.append(_signals(job, folder, recorders, histograms, at))
    options = {"verbose": verbose, "shuffle": False}
    if validation:
        shown = job.distribution.share(job.task.targets(model, validation.dataset))
        options["validation_data"] = shown
        watched += _step_validation(job, folder, recorders, shown, state, at)
    state.watch(watched)
    calls = _Calls(
        [*watched, *callbacks, state],
        add_history=True,
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=epochs,
        steps=training.steps,
        model=model,
    )
    parts = _parts(state, {job.phases.border, job.weighed_epochs}, epochs)
    try:
        for number, (epoch, step, end) in enumerate(parts):
            begin(epoch)
            calls.first, calls.last = number == 0, number == len(parts) - 1
            model.fit(
                training_from(epoch, step),
                initial_epoch=epoch,
                epochs=end,
                steps_per_epoch=training.steps - step,
                callbacks=calls,
                **options,
            )
            if model.stop_training:
                break
        _end(model, parts, state, calls)
    finally:
        state.release()
        for recorder in recorders.values():
            recorder.close()


def _goes_on(job, folder, state):
    """Where a training goes on, and what an extended one was not planned for."""
    line = f"goes on    {place(state.epoch, state.step)}"
    recipe, lengths = job.recipe, folder.config.extended_from
    if not lengths:
        return line
    before = " and ".join(f"{one:,}" for one in lengths)
    line += f"; extended from {before} to {job.length}"
    if recipe.schedule.spans_training:
        line += (
            f"\nschedule   {recipe.schedule.name} spans the training: from here on the "
            f"rate is that of {job.length}, which those before did not follow, so "
            f"that the result is not that of {job.length} from the start"
        )
    if recipe.class_weight_share < 1:
        line += (
            f"\nclasses    class_weight_share spans the training: of {job.length} "
            f"the first {counted(job.weighed_epochs, 'epoch')} weigh them"
        )
    return line


def _build_metrics(model, blank):
    """Makes the variables of the metrics, whose sums belong to the state.

    An evaluated batch would do it too, and trace a graph that nobody needs.
    """
    truth, guess = keras.tree.map_structure(keras.ops.convert_to_tensor, blank)
    model.compute_loss(None, truth, guess)
    model.compute_metrics(None, truth, guess)
    model.reset_metrics()


def _parts(state, borders, epochs):
    """The calls of ``fit`` as (first epoch, first step, epoch to end before).

    An epoch that was interrupted is shorter than the others and is fitted by a call of
    its own, and so are the epochs before and after a border, with the same callbacks
    and no new beginning between the calls.
    """
    if state.ended:
        return []
    first, step = state.epoch, state.step
    cuts = {first, *borders, epochs, first + bool(step)}
    parts = itertools.pairwise(sorted(cut for cut in cuts if first <= cut <= epochs))
    return [(a, step if a == first else 0, b) for a, b in parts]


def _end(model, parts, state, calls):
    """What ``fit`` does at the end of a training, where none came to it here."""
    if not parts and state.epoch:
        # The run was killed after its last epoch, before its results were written.
        calls.on_train_begin()
    elif calls.last:
        return
    model.optimizer.finalize_variable_values(model.trainable_variables)
    calls.last = True
    calls.on_train_end()


class _Calls(keras.callbacks.CallbackList):
    """Callbacks of one training that takes several calls of ``fit``."""

    first = last = True

    def __init__(self, *args: Any, model: keras.Model, **options: Any) -> None:
        super().__init__(*args, model=model, **options)
        self._network = model

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self.first:
            super().on_train_begin(logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        if not self.last:
            self._raw = [v.numpy() for v in self._network.trainable_variables]

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.last:
            super().on_train_end(logs)
            return
        # Where weights are averaged, ``fit`` has put the average in their place.
        for variable, value in zip(
            self._network.trainable_variables, self._raw, strict=True
        ):
            variable.assign(value)


def _callbacks(job, folder, recorders, epochs, events, at):
    """Keras' callbacks as the recipe asks, and the writers."""
    recipe = job.recipe
    every = max(1, epochs // 10)
    watched: list[keras.callbacks.Callback] = []
    if recipe.optimizer.ema_momentum:
        watched.append(keras.callbacks.SwapEMAWeights())
    if job.validation and job.distribution.workers == 1:
        seen = job.validation.dataset
        watched.append(writers.TaskMeasures(job.task, seen, job.classes))
    if recorders:
        watched += _writers(job, folder, recorders, every)
    if events and job.validation:
        # The counts of all workers are added up, so that all must ask for them.
        own = recorders.get("validation")
        watched.append(writers.TaskFigures(own, job.task, job.classes, every))
    kept = folder.path / "snapshots"
    if recipe.snapshots and job.distribution.chief:
        watched.append(Snapshots(kept, recipe.snapshots))
    if recipe.snapshot_steps and job.distribution.chief:
        watched.append(StepSnapshots(kept, recipe.snapshot_steps, *at))
    monitor = "val_loss" if job.validation else "loss"
    if recipe.schedule.name == "plateau":
        watched.append(
            keras.callbacks.ReduceLROnPlateau(
                monitor,
                factor=recipe.schedule.factor,
                patience=recipe.schedule.patience,
                min_lr=recipe.optimizer.learning_rate * recipe.schedule.end,
            )
        )
    if recipe.early_stopping:
        watched.append(
            EarlyStopping(
                job.phases.border,
                monitor=monitor,
                patience=recipe.early_stopping,
                restore_best_weights=True,
            )
        )
    elif job.validation:
        watched.append(BestWeights())
    return watched


def _step_validation(job, folder, recorders, validation, state, at):
    """What looks at the validation images within epochs, where the recipe asks."""
    every = job.recipe.validate_every
    if not every:
        return []
    runs = ("", "_validation") if recorders else ()
    look = tuple(_counting_steps(folder, recorders, of) for of in runs)
    return [StepValidation(every, validation, state.step_history, look, *at)]


def _recorder(folder, name):
    """A writer of a run of TensorBoard's."""
    return tf.summary.create_file_writer(str(folder.events / name))


def _counting_steps(folder, recorders, of=""):
    """The writer of a run of TensorBoard's that counts steps."""
    name = f"steps{of}"
    if name not in recorders:
        recorders[name] = _recorder(folder, name)
    return recorders[name]


def _signals(job, folder, recorders, every, at):
    """Looks at what every layer gives, written by step."""
    writer = _counting_steps(folder, recorders)
    seen = job.task.targets(job.model, job.training.epochs().take(1))
    return writers.Signals(writer, seen, every, *at)


def _writers(job, folder, recorders, every):
    """What TensorBoard shows."""
    writer = recorders["train"]
    watched = recorders.get("validation", writer)
    examples = []
    if job.validation and job.task.draws:
        seen = job.validation.dataset
        examples = [writers.Examples(watched, seen, job.task, job.classes, every)]
    return [
        writers.Scalars(writer, watched),
        writers.RecipeText(writer, watched, folder.path, job.config),
        writers.Throughput(writer, job.recipe.batch_size),
        writers.AugmentedImages(writer, job.training.epochs(), job.classes),
        *examples,
        writers.FirstFilters(writer, every),
        writers.Histograms(writer, every),
    ]
