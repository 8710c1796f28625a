"""Training: a network, a data set and a recipe become a run folder."""

import csv
import importlib.metadata
import io
import json
import os
import platform
import sys

import keras
import numpy as np
import tensorflow as tf

from kerazoo import data as kerazoo_data
from kerazoo import registry
from kerazoo.analysis import plots
from kerazoo.recipe import Recipe
from kerazoo.training import callbacks as writers
from kerazoo.training import compilation
from kerazoo.training.assembly import Assembly, resized_to_output
from kerazoo.training.evaluation import measure
from kerazoo.training.run import Run, claim, replacing, write
from kerazoo.training.state import TrainState


def fit(
    network: str,
    data: str | kerazoo_data.ImageData | None = None,
    recipe: Recipe | None = None,
    *,
    run: str | os.PathLike,
    data_dir: str | os.PathLike | None = None,
    overwrite: bool = False,
    deterministic: bool = False,
    save_every: int | None = None,
    verbose: str | int = "auto",
) -> Run:
    """Trains a network and leaves a run folder.

    The same call goes on where an interrupted one stopped, bit for bit where
    ``deterministic`` is set; data need no state, for every batch is a function of the
    seed, the epoch and the step.

    Args:
        network: The network's name.
        data: A data set's name, or a loaded one; by default the recipe's.
        recipe: How to train; by default ``Recipe()``. The catalogue of
            ``kerazoo.recipes`` has one for every network.
        run: The run folder to make or to continue.
        data_dir: Where the data set's files are.
        overwrite: Whether a run that stands there may be deleted.
        deterministic: Whether TensorFlow must compute the same bits in every run, at
            some cost.
        save_every: Steps between states to resume from; by default an epoch's end and
            moments that cost little.
        verbose: As in Keras' ``fit``; ``auto`` is quiet where the output is no
            terminal.

    Returns:
        The finished run.

    Raises:
        ValueError: For bad arguments; nothing has been written then.
        kerazoo.training.state.Interrupted: On SIGTERM or Ctrl-C, with the state saved.
        kerazoo.training.state.Diverged: Where the loss is no longer a number.
    """
    recipe = recipe or Recipe()
    registry.find(network)
    if verbose == "auto":
        verbose = 1 if sys.stdout.isatty() else 0
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(recipe.seed)
    images = data
    if not isinstance(data, kerazoo_data.ImageData):
        images = kerazoo_data.load(
            data or recipe.data,
            data_dir=data_dir,
            validation=recipe.validation,
            seed=recipe.seed,
        )
    assembly = Assembly(
        network=network,
        recipe=recipe,
        classes=len(images.classes),
        source_shape=images.shape,
        mean=images.mean,
        std=images.std,
    )
    shape = assembly.image_shape
    rows = compilation.one_hot(recipe)
    batch = {"batch_size": recipe.batch_size, "image_shape": shape}
    batch |= {"resize": recipe.resize, "one_hot": rows}
    training = kerazoo_data.Batches(
        images.train, augment=recipe.augment, shuffle=True, seed=recipe.seed, **batch
    )
    rows = training.one_hot
    batch["one_hot"] = rows
    validation = images.validation and kerazoo_data.Batches(images.validation, **batch)
    test = kerazoo_data.Batches(images.test, **batch)
    model = assembly.trained()
    compilation.compile(
        model,
        recipe,
        steps_per_epoch=training.steps,
        rows=rows,
        classes=len(images.classes),
    )
    config = {
        "network": network,
        "data": images.name,
        "data_dir": None if data_dir is None else str(data_dir),
        "classes": list(images.classes),
        "image_shape": list(shape),
        "recipe": json.loads(recipe.to_json()),
        "deterministic": deterministic,
        "versions": _versions(),
    }
    folder = claim(run, config, overwrite)
    state = TrainState(
        folder.path / "state",
        steps_per_epoch=training.steps,
        steps=recipe.steps,
        save_every=save_every,
    )
    _train(model, recipe, config, folder, state, training, validation, verbose)
    _finish(assembly, model, folder, state, test, images.classes)
    return folder


def _train(model, recipe, config, folder, state, training, validation, verbose):
    outputs = model.output if isinstance(model.output, dict) else None

    def named(dataset):
        """The same labels for every head."""
        if outputs is None:
            return dataset
        return dataset.map(lambda x, y: (x, dict.fromkeys(outputs, y)))

    epochs = compilation.epochs(recipe, training.steps)
    # One evaluated batch builds the metrics, whose sums belong to the state.
    model.evaluate(named(training.dataset.take(1)), verbose=0)
    model.optimizer.build(model.trainable_variables)
    state.restore(model)
    writer = tf.summary.create_file_writer(str(folder.events / "kerazoo"))
    watched = _callbacks(recipe, config, folder, writer, training, validation, epochs)
    state.watch(watched)
    calls = _Calls(
        [*watched, state],
        add_history=True,
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=epochs,
        steps=training.steps,
        model=model,
    )
    try:
        _epochs(model, state, training, validation, named, epochs, calls, verbose)
    finally:
        state.release()
        writer.close()


def _epochs(model, state, training, validation, named, epochs, calls, verbose):
    """Fits epoch ``state.epoch`` from ``state.step`` on, then the rest.

    An epoch that was interrupted is shorter than the others and is fitted by a call of
    its own, with the same callbacks and no new beginning between the two.
    """
    options = {"callbacks": calls, "verbose": verbose, "shuffle": False}
    if validation:
        options["validation_data"] = named(validation.dataset)
    parts = [(state.epoch, state.step, epochs)]
    if state.step:
        rest = (state.epoch + 1, 0, epochs)
        parts = [(state.epoch, state.step, state.epoch + 1), rest]
    parts = [part for part in parts if part[0] < part[2]]
    for number, (epoch, step, end) in enumerate(parts):
        calls.first, calls.last = number == 0, number == len(parts) - 1
        model.fit(
            named(training.epochs(epoch, step)),
            initial_epoch=epoch,
            epochs=end,
            steps_per_epoch=training.steps - step,
            **options,
        )
        if model.stop_training and not calls.last:
            calls.last = True
            calls.on_train_end()
            break


class _Calls(keras.callbacks.CallbackList):
    """Callbacks of one training that takes two calls of ``fit``."""

    first = last = True

    def __init__(self, *args, model, **options):
        super().__init__(*args, model=model, **options)
        self._network = model

    def on_train_begin(self, logs=None):
        if self.first:
            super().on_train_begin(logs)

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if not self.last:
            self._raw = [v.numpy() for v in self._network.trainable_variables]

    def on_train_end(self, logs=None):
        if self.last:
            super().on_train_end(logs)
            return
        # Where weights are averaged, ``fit`` has put the average in their place.
        for variable, value in zip(
            self._network.trainable_variables, self._raw, strict=True
        ):
            variable.assign(value)


def _callbacks(recipe, config, folder, writer, training, validation, epochs):
    """Keras' callbacks as the recipe asks, and the writers."""
    every = max(1, epochs // 10)
    watched = []
    if recipe.optimizer.ema_momentum:
        watched.append(keras.callbacks.SwapEMAWeights())
    watched += [
        keras.callbacks.TensorBoard(str(folder.events), histogram_freq=every),
        writers.RecipeWords(writer, config),
        writers.Rates(writer, recipe.batch_size),
        writers.AugmentedImages(writer, training.epochs(), config["classes"]),
        writers.FirstFilters(writer, every),
    ]
    if validation:
        watched.append(
            writers.ConfusionMatrix(
                writer, validation.dataset, config["classes"], every
            )
        )
    monitor = "val_loss" if validation else "loss"
    if recipe.schedule.name == "plateau":
        watched.append(
            keras.callbacks.ReduceLROnPlateau(
                monitor,
                factor=recipe.schedule.factor,
                patience=recipe.schedule.patience,
            )
        )
    if recipe.early_stopping:
        watched.append(
            keras.callbacks.EarlyStopping(
                monitor, patience=recipe.early_stopping, restore_best_weights=True
            )
        )
    return watched


def _finish(assembly, model, folder, state, test, classes):
    """Everything of a run folder that is written at the end; metrics come last."""
    served = assembly.served(model)
    with replacing(folder.path / "model.keras") as path:
        served.save(path)
    metrics = measure(resized_to_output(served), test, classes)
    if state.history:
        write(folder.path / "history.csv", _csv(state.history))
    for name, figure in (
        ("curves.png", plots.curves(state.history)),
        ("confusion.png", plots.confusion(np.array(metrics["confusion"]), classes)),
    ):
        with replacing(folder.path / name) as path:
            figure.savefig(path, dpi=120)
    write(folder.path / "metrics.json", json.dumps(metrics, indent=2) + "\n")


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
