"""Training: a network, a data set and a recipe become a run folder."""

import contextlib
import csv
import dataclasses
import functools
import importlib.metadata
import io
import itertools
import math
import os
import platform
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from kerazoo import data as kerazoo_data
from kerazoo import reader, recipes
from kerazoo.analysis import plots
from kerazoo.data.arrays import DataLike
from kerazoo.data.batches import errors_said
from kerazoo.errors import counted
from kerazoo.files import replacing, write_atomic
from kerazoo.precision import (
    Precision,
    choose,
    prepare_gpus,
    use,
)
from kerazoo.processes import someone_watches
from kerazoo.reader import Count, Name, Path, Weights
from kerazoo.recipe import Recipe
from kerazoo.run import (
    BestEpoch,
    Metrics,
    Run,
    RunConfig,
    check_place,
    claim,
    default_folder,
    place,
)
from kerazoo.surgery.preprocessing import resized_to_output
from kerazoo.tasks import Task
from kerazoo.training import callbacks as writers
from kerazoo.training import compilation
from kerazoo.training.best_weights import BestWeights, EarlyStopping
from kerazoo.training.class_weights import class_weights, weigh
from kerazoo.training.compatibility import (
    check_compatible,
    check_size,
    check_task,
    with_weights,
)
from kerazoo.training.distribution import Distribution, distribute
from kerazoo.training.evaluation import own_parts
from kerazoo.training.freezing import Phases
from kerazoo.training.generators import generators_kept
from kerazoo.training.initial_weights import set_initial_weights
from kerazoo.training.own_model import OwnModel
from kerazoo.training.pipeline import Pipeline
from kerazoo.training.snapshots import Snapshots, StepSnapshots
from kerazoo.training.state import TrainState
from kerazoo.training.step_validation import StepValidation
from kerazoo.weights.loading import locate, resolve

# What whitening is fitted to: three times the values of an image of 32x32x3.
ZCA_IMAGES = 10_000


@dataclasses.dataclass(frozen=True)
class Job:
    """A training that is ready to begin.

    Of the training images, ``training`` are the batches that are learnt from, and
    ``plain`` the same ones neither shuffled nor augmented.
    """

    pipeline: Pipeline
    class_weights: tuple[float, ...] | None
    model: keras.Model
    training: kerazoo_data.Batches
    plain: kerazoo_data.Batches
    validation: kerazoo_data.Batches | None
    test: kerazoo_data.Batches
    config: RunConfig
    distribution: Distribution
    phases: Phases
    begins: str

    @property
    def recipe(self) -> Recipe:
        return self.pipeline.recipe

    @property
    def task(self) -> Task:
        return self.pipeline.task

    @property
    def classes(self) -> tuple[str, ...]:
        return self.config.classes

    @property
    def weighed_epochs(self) -> int:
        """The epochs in which the classes' weights count."""
        epochs = compilation.num_epochs(self.recipe, self.training.steps)
        return math.ceil(round(self.recipe.class_weight_share * epochs, 6))

    def weighed(self, dataset: tf.data.Dataset, epoch: int = 0) -> tf.data.Dataset:
        """Batches to learn from with the task's targets and the classes' weights."""
        if self.class_weights and epoch < self.weighed_epochs:
            dataset = weigh(dataset, self.class_weights)
        return self.task.targets(self.model, dataset)


@errors_said()
@generators_kept()
@reader.checked
def fit(
    network: str | keras.Model,
    data: DataLike | None = None,
    recipe: Recipe | Name | None = None,
    *,
    weights: Weights | None = None,
    run: Path | None = None,
    data_dir: Path | None = None,
    precision: str = "auto",
    devices: Count | None = None,
    overwrite: bool = False,
    deterministic: bool = False,
    save_every: Count | None = None,
    events: bool = True,
    histograms: Count | None = None,
    until: Count | None = None,
    keep_state: bool = False,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    verbose: Literal["auto", 0, 1, 2] | bool = "auto",
) -> Run:
    """Trains a network and leaves a run folder.

    The same call goes on where an interrupted one stopped, bit for bit where
    ``deterministic`` is set; data need no state, for every batch is a function of the
    seed, the epoch and the step.

    With more of the recipe's epochs, or steps, it extends a finished run that has kept
    its state. Where the schedule spans the training, the rate is from there on that of
    the longer one, which the epochs before did not follow.

    Args:
        network: The network's name; or a model of your own, functional or sequential,
            from images to a softmax or logits. A copy is trained, beginning with the
            model's weights; the run is called by its name and goes on with a model of
            the same architecture alone.
        data: A data set's name, a folder's path, arrays ``(x, y)``, a
            ``tf.data.Dataset`` or a loaded set, as for :func:`kerazoo.data.load`; by
            default the recipe's.
        recipe: How to train: a recipe, or the name or kind of one in
            :mod:`kerazoo.recipes`; by default the network's of the kind ``laptop``,
            with `weights` of the kind ``tuning``.
        weights: Trained weights to begin with, a name or a file; the recipe's field of
            that name, and its normalisation, which becomes theirs.
        run: The run folder to make or to continue; by default
            ``runs/NETWORK-DATA``.
        data_dir: Where the data set's files are.
        precision: ``auto`` (the fastest of the device), ``float32``,
            ``mixed_bfloat16`` or ``mixed_float16``.
        devices: GPUs that share every batch, or parts of the CPU where there is none;
            one by default. Several machines take part where ``TF_CONFIG`` names them
            (see :mod:`kerazoo.training.distribution`).
        overwrite: Whether a run that stands there may be deleted.
        deterministic: Whether TensorFlow must compute the same bits in every run, at
            some cost.
        save_every: Steps between states to resume from; by default an epoch's end and
            moments that cost little.
        events: Whether TensorBoard's events and the figures are written; on small data
            they take longer than the training.
        histograms: Steps between two looks at what every layer gives and at its
            gradient, for TensorBoard's page of that name; the first is before the first
            step. None by default, for each costs a step or two.
        until: Epochs after which to end for now. The rate follows the schedule of the
            whole training; the state is kept, and the same call, with more of them or
            without, goes on.
        keep_state: Whether the state stays when training has ended, so that the run can
            be extended. It takes two to four times as much disk as the network.
        callbacks: Keras callbacks of your own, called after those of the training. What
            they remember is not in the state: a resumed training begins with them as
            they are given.
        verbose: As in Keras' ``fit``; ``auto`` is a line an epoch, and a bar as well
            on a terminal or in a notebook.

    Returns:
        The finished run: ``run.model()`` is the network of the last epoch,
        ``run.model(best=True)`` that of the lowest validation loss.

    Raises:
        ValueError: For bad arguments; nothing has been written then.
        kerazoo.training.state.Interrupted: On SIGTERM or Ctrl-C, with the state saved.
        kerazoo.training.state.Diverged: Where the loss is no longer a number.
        kerazoo.training.distribution.LostWorker: Where another machine is gone.
    """
    _check_callbacks(callbacks)
    if run is not None:
        check_place(run)
    if verbose == "auto":
        verbose = 1 if someone_watches() else 2
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    job, chosen = ready(
        network,
        data,
        recipe,
        weights=weights,
        data_dir=data_dir,
        precision=precision,
        devices=devices,
    )
    distribution = job.distribution
    _check_histograms(histograms, events, distribution)
    config = dataclasses.replace(job.config, deterministic=deterministic)
    job = dataclasses.replace(job, config=config)
    run = run or default_folder(config.network, config.data)
    with _claimed(job, run, overwrite, until) as folder:
        with use(chosen):
            state = TrainState(
                folder.path,
                _description(job),
                steps_per_epoch=job.training.steps,
                steps=job.recipe.steps,
                save_every=save_every,
                until=until,
                keep=keep_state,
                distribution=distribution,
            )
            if verbose and distribution.chief:
                print(_plan(job, folder))
                if remark := job.task.remark(job.model, job.training):
                    print(remark)
            with distribution.scope():
                _train(job, folder, state, events, histograms, callbacks, verbose)
            networks, best = _networks(job, state)
        # Out of the training's precision: the metrics are those that whoever loads the
        # network gets.
        if distribution.chief:
            _finish(job, networks, best, folder, state, write_figures=events)
        distribution.gather(0)
    return folder


def ready(
    network: str | keras.Model,
    data: DataLike | None,
    recipe: Recipe | str | None,
    *,
    weights: Weights | None = None,
    data_dir: Path | None,
    precision: str,
    devices: Count | None = None,
) -> tuple[Job, Precision]:
    """What :func:`fit` is about to train, and in which precision.

    Args:
        network: As for :func:`fit`.
        data: The same.
        recipe: The same.
        weights: The same.
        data_dir: The same.
        precision: The same.
        devices: The same.

    Raises:
        ValueError: For bad arguments.
    """
    network, recipe, own = network_and_recipe(network, recipe, weights)
    if recipe.weights and (known := resolve(network, recipe.weights)):
        # A download that cannot be had is known before the data are loaded.
        locate(known)
    prepare_gpus()
    distribution = distribute(devices)
    distribution.check_batch(recipe.batch_size)
    chosen = _precision(precision, own, distribution)
    parts = None
    if isinstance(data, kerazoo_data.ImageData):
        parts = own_parts(data, recipe)
    images = kerazoo_data.load(
        recipe.data if data is None else data,
        data_dir=data_dir,
        validation=recipe.validation,
        seed=recipe.seed,
    )
    # Not before: a set that is prepared on first use draws random numbers.
    keras.utils.set_random_seed(recipe.seed)
    with use(chosen), distribution.scope():
        job = prepare(network, images, recipe, chosen, distribution, own)
    config = dataclasses.replace(
        job.config, data_dir=None if data_dir is None else str(data_dir), parts=parts
    )
    return dataclasses.replace(job, config=config), chosen


def network_and_recipe(
    network: str | keras.Model,
    recipe: Recipe | str | None,
    weights: Weights | None = None,
) -> tuple[str, Recipe, OwnModel | None]:
    """A network's name, how to train it, and the model where it is the caller's."""
    if isinstance(network, keras.Model):
        own = OwnModel(network)
        if weights is not None:
            raise ValueError(
                f"weights is {weights}, but {own.name} is a model of your own, which "
                "begins with the weights that it has; leave weights out."
            )
        return own.name, own.choose_recipe(recipe), own
    if weights is not None:
        chosen = recipes.choose(recipe or "tuning", network)
        fields = {"weights": os.fspath(weights), "normalization": "weights"}
        recipe = chosen.replace(fields)
    recipe = recipes.choose(recipe, network)
    check_compatible(network, recipe)
    return network, recipe, None


def _precision(name, own, distribution):
    chosen = choose(name)
    if own and chosen.policy != "float32":
        if name != "auto":
            raise ValueError(
                f"precision is {name!r}, but the layers of {own.name} have the "
                "precision that they were made in; leave it out, or make the model "
                f"after keras.config.set_dtype_policy({name!r})."
            )
        chosen = choose("float32")
    if distribution.replicas > 1:
        chosen = dataclasses.replace(chosen, jit_compile=False)
    return chosen


def _check_callbacks(callbacks):
    if any(isinstance(one, keras.callbacks.BackupAndRestore) for one in callbacks):
        raise ValueError(
            "callbacks has BackupAndRestore, which would put other weights into a "
            "training that resumes by itself; leave it out."
        )


def _check_histograms(histograms, events, distribution):
    if histograms and not events:
        raise ValueError(
            f"histograms is {histograms}, but events is False, without which nothing "
            "is written for TensorBoard; leave one of them out."
        )
    if histograms and distribution.devices > 1:
        raise ValueError(
            f"histograms is {histograms}, which one device takes, but "
            f"{distribution.devices} share this training; train on one, or leave it "
            "out."
        )


def _plan(job, folder):
    """What is about to be done, before the first epoch."""
    config, recipe = job.config, job.recipe
    counts = config.images
    names = ("train", "validation", "test")
    parts = [f"{counts[name]:,} {name}" for name in names if name in counts]
    length = _length(recipe)
    precision, devices = config.precision, job.distribution.devices
    known = [("weights", job.begins)] if job.begins else []
    known += job.phases.rows() if recipe.tunes else []
    rows = [f"{name:11}{words}\n" for name, words in known]
    return (
        f"network    {config.network}, images of "
        f"{'x'.join(map(str, config.image_shape))}\n"
        f"data       {config.data}: {', '.join(parts)} images in "
        f"{len(config.classes)} classes\n"
        f"recipe     {recipe.name}: {length} in batches of {recipe.batch_size}\n"
        f"{''.join(rows)}"
        f"computes   {precision['policy']} on {devices} "
        f"{'devices' if devices > 1 else 'device'} ({precision['reason']})\n"
        f"run        {folder.path}"
    )


def _description(job):
    """Gives the served network without its weights, as JSON, for the states."""

    @functools.cache
    def describe():
        return job.pipeline.for_serving(job.model).to_json()

    if job.distribution.devices > 1:
        # Not within the scope, where a network is made for all devices.
        describe()
    return describe


@contextlib.contextmanager
def _claimed(job, run, overwrite, until):
    """The chief makes or finds the run folder; the others wait and open it."""
    distribution = job.distribution
    if distribution.chief:
        with claim(run, job.config, overwrite, until) as folder:
            distribution.gather(0)
            yield folder
        return
    distribution.gather(0)
    try:
        folder = Run(run)
    except ValueError as error:
        raise ValueError(
            f"Worker {distribution.index} does not see the run folder that the chief "
            f"made, {run}; give a folder that all machines share."
        ) from error
    yield folder


def prepare(
    network: str,
    images: kerazoo_data.ImageData,
    recipe: Recipe,
    precision: Precision,
    distribution: Distribution,
    own: OwnModel | None = None,
) -> Job:
    """Model, batches and configuration of a training; nothing is written yet."""
    if own is None:
        check_task(network, images)
        recipe = with_weights(network, recipe)
    weights = class_weights(recipe, images.train)
    pipeline = _pipeline(network, images, recipe, own)
    batch = pipeline.batch
    training = images.batches(
        "train",
        augment=recipe.augment,
        shuffle=True,
        seed=recipe.seed,
        # A last batch that the devices cannot share evenly would weigh too much.
        drop_remainder=distribution.devices > 1,
        sizes=recipe.image_sizes,
        **batch,
    )
    batch["one_hot"] = training.one_hot
    plain = images.batches("train", **batch)
    if recipe.normalization == "zca":
        pipeline = dataclasses.replace(pipeline, images=plain.take(ZCA_IMAGES)[0])
    _check_accumulation(recipe, training.steps)
    _check_snapshot_steps(recipe, training.steps)
    if images.validation:
        distribution.check_validation(images.validation.size, recipe.batch_size)
    model = pipeline.for_training()
    if own:
        # What cannot be served is known before the first step.
        pipeline.for_serving(model)
    distribution.synchronise(model)
    begins = set_initial_weights(model, recipe, training, pipeline.weights)
    phases = _phases(model, pipeline, training, precision, distribution)
    return Job(
        pipeline=pipeline,
        class_weights=weights,
        model=model,
        training=training,
        plain=plain,
        validation=images.batches("validation", **batch) if images.validation else None,
        test=images.batches("test", **batch),
        config=RunConfig(
            network=network,
            task=pipeline.task_name,
            architecture=own.fingerprint if own else None,
            data=images.name,
            classes=images.classes,
            image_shape=pipeline.image_shape,
            images=images.fingerprint,
            recipe=recipe,
            precision=dataclasses.asdict(precision),
            distribution={
                "workers": distribution.workers,
                "devices": distribution.devices,
            },
            versions=_versions(),
        ),
        distribution=distribution,
        phases=phases,
        begins=begins,
    )


def _phases(model, pipeline, training, precision, distribution):
    """The phases of a training, compiled for the first."""
    recipe = pipeline.recipe
    compile = functools.partial(
        compilation.compile,
        model,
        recipe,
        pipeline.task,
        steps_per_epoch=training.steps,
        one_hot=training.one_hot,
        classes=pipeline.classes,
        # TensorFlow's kernels for boxes are not XLA's, which compiles for one size.
        jit_compile=precision.jit_compile
        and not recipe.image_sizes
        and all(layer.supports_jit for layer in model.layers),
        steps_per_execution=1
        if distribution.devices > 1
        else _steps_per_execution(pipeline, training.steps),
        replicas=distribution.replicas,
    )
    return Phases(model, recipe, training.steps, lambda before: compile(before=before))


def _pipeline(network, images, recipe, own):
    pipeline = Pipeline(
        network=network,
        recipe=recipe,
        classes=len(images.classes),
        source_shape=images.shape,
        mean=images.mean,
        std=images.std,
        own=own,
    )
    if own:
        own.check_classes(len(images.classes))
        check_size(network, recipe, pipeline.image_shape)
    return pipeline


def _check_accumulation(recipe, batches):
    steps = recipe.optimizer.gradient_accumulation_steps or 1
    if steps > batches:
        raise ValueError(
            f"optimizer.gradient_accumulation_steps is {steps}, but an epoch has "
            f"{batches} batches; give fewer, or a smaller batch_size."
        )


def _check_snapshot_steps(recipe, steps_per_epoch):
    total = recipe.steps or recipe.epochs * steps_per_epoch
    for step in recipe.snapshot_steps:
        if step > total:
            raise ValueError(
                f"snapshot_steps names step {step:,}, but the training has "
                f"{counted(total, 'step')}; name none beyond."
            )


def _steps_per_execution(pipeline, steps):
    """Steps between two visits to Python: some, where a step is shorter than a visit.

    The number divides an epoch, the recipe's steps where it counts them, for the last
    execution would be too long otherwise, the steps of its snapshots, and those between
    two looks at the validation images.
    """
    recipe = pipeline.recipe
    if pipeline.macs * recipe.batch_size > 1e8:
        return 1
    looks = recipe.validate_every or 0
    together = math.gcd(steps, recipe.steps or steps, looks, *recipe.snapshot_steps)
    return max(count for count in range(1, 9) if together % count == 0)


def _train(job, folder, state, events, histograms, callbacks, verbose):
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


def _length(recipe):
    if recipe.steps:
        return counted(recipe.steps, "step")
    return counted(recipe.epochs, "epoch")


def _goes_on(job, folder, state):
    """Where a training goes on, and what an extended one was not planned for."""
    line = f"goes on    {place(state.epoch, state.step)}"
    recipe, lengths = job.recipe, folder.config.extended_from
    if not lengths:
        return line
    before = " and ".join(f"{one:,}" for one in lengths)
    line += f"; extended from {before} to {_length(recipe)}"
    if recipe.schedule.spans_training:
        line += (
            f"\nschedule   {recipe.schedule.name} spans the training: from here on the "
            f"rate is that of {_length(recipe)}, which those before did not follow, so "
            f"that the result is not that of {_length(recipe)} from the start"
        )
    if recipe.class_weight_share < 1:
        line += (
            f"\nclasses    class_weight_share spans the training: of {_length(recipe)} "
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


def _networks(job, state):
    """The served networks by the names of their files, and the record of the best."""

    def served():
        job.task.finish(job.model, job.plain)
        return job.pipeline.for_serving(job.model)

    networks = {"model.keras": served()}
    losses = [row.get("val_loss", math.nan) for row in state.history]
    lowest = min((one for one in losses if not math.isnan(one)), default=None)
    held = state.best
    # A state of an earlier version does not hold the weights of its best epoch.
    if held is None or held.best_weights is None or held.best != lowest:
        return networks, None
    epoch = held.best_epoch + 1
    apart = isinstance(held, BestWeights) and epoch < len(losses)
    if apart:
        job.model.set_weights(held.best_weights)
        networks["best.keras"] = served()
    return networks, BestEpoch(
        epoch=epoch, val_loss=lowest, model="best.keras" if apart else "model.keras"
    )


def _finish(job, networks, best, folder, state, write_figures):
    """Everything of a run folder that is written at the end; metrics come last."""
    (folder.path / "best.json").unlink(missing_ok=True)
    (folder.path / "best.keras").unlink(missing_ok=True)
    for name, network in networks.items():
        with replacing(folder.path / name) as path:
            network.save(path)
    if best is not None:
        write_atomic(folder.path / "best.json", reader.dump(best))
    served = resized_to_output(networks["model.keras"])
    metrics = job.task.measure(served, job.test, job.classes)
    write_atomic(folder.path / "history.csv", _csv(state.history))
    if state.step_history:
        write_atomic(folder.path / "step_history.csv", _csv(state.step_history))
    if write_figures:
        draw(folder, state.history, metrics, job.task, state.step_history)
        if job.task.draws:
            _draw_examples(job, served, folder)
        if (worst := job.task.worst(served, job.test, job.classes)) is not None:
            with replacing(folder.path / "worst.png") as path:
                plots.save(worst, path)
    write_atomic(folder.path / "metrics.json", metrics.to_json())
    for_now = state.until and state.until == state.epoch and not state.ended
    state.settle(state.keep or for_now)


def draw(
    folder: Run,
    history: list[dict[str, Any]],
    metrics: Metrics,
    task: Task,
    step_history: Sequence[dict[str, float]] = (),
) -> None:
    """Writes the curves of a run and the figures of its task."""
    figures = {"curves": plots.curves(history, step_history)}
    for name, figure in {**figures, **task.run_figures(metrics)}.items():
        with replacing(folder.path / f"{name}.png") as path:
            plots.save(figure, path)


def _draw_examples(job, served, folder):
    """What the network makes of the first test images, beside the truth."""
    first = job.test.dataset.take(1)
    images, truth = next(iter(first))
    inputs = job.task.inputs(served, images, truth)
    outputs = served.predict_on_batch(tf.nest.map_structure(np.asarray, inputs))
    shown = slice(min(9, len(images)))

    def cut(values):
        return tf.nest.map_structure(lambda one: np.asarray(one)[shown], values)

    targets = job.task.drawn(served, first, truth)
    figure = job.task.picture(
        cut(images), cut(targets), cut(outputs), job.config.classes
    )
    with replacing(folder.path / "examples.png") as path:
        plots.save(figure, path)


def _csv(history):
    text = io.StringIO()
    fields = list(dict.fromkeys(key for row in history for key in row))
    table = csv.DictWriter(text, fields, lineterminator="\n")
    table.writeheader()
    table.writerows(history)
    return text.getvalue()


def _versions():
    names = ("kerazoo", "keras", "tensorflow", "tensorflow-datasets", "numpy")
    versions = {name: importlib.metadata.version(name) for name in names}
    return {"python": platform.python_version(), **versions}
