"""Training: a network, a data set and a recipe become a run folder."""

import contextlib
import dataclasses
import functools
from collections.abc import Iterable
from typing import Literal

import keras
import tensorflow as tf

from kerazoo import reader
from kerazoo.data.arrays import DataLike
from kerazoo.data.batches import errors_said
from kerazoo.precision import use
from kerazoo.processes import someone_watches
from kerazoo.reader import Count, Name, Path, Weights
from kerazoo.recipe import Recipe
from kerazoo.run import Run, check_place, claim, default_folder
from kerazoo.training.finishing import finish, served_networks
from kerazoo.training.generators import generators_kept
from kerazoo.training.jobs import ready
from kerazoo.training.loop import train
from kerazoo.training.state import TrainState


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
                train(
                    job,
                    folder,
                    state,
                    events=events,
                    histograms=histograms,
                    callbacks=callbacks,
                    verbose=verbose,
                )
            networks, best = served_networks(job, state)
        # Out of the training's precision: the metrics are those that whoever loads the
        # network gets.
        if distribution.chief:
            finish(job, networks, best, folder, state, write_figures=events)
        distribution.gather(0)
    return folder


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
    length = job.length
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
