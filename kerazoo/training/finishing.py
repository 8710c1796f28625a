"""What a run folder gets when its training has ended."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerazoo import reader
from kerazoo.analysis import plots
from kerazoo.files import replacing, write_atomic
from kerazoo.run import BestEpoch, Metrics, Run
from kerazoo.surgery.preprocessing import resized_to_output
from kerazoo.tasks import Task
from kerazoo.training.best_weights import BestWeights
from kerazoo.training.jobs import Job
from kerazoo.training.state import TrainState


def served_networks(
    job: Job, state: TrainState
) -> tuple[dict[str, keras.Model], BestEpoch | None]:
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


def finish(
    job: Job,
    networks: Mapping[str, keras.Model],
    best: BestEpoch | None,
    folder: Run,
    state: TrainState,
    write_figures: bool,
) -> None:
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
    for_now = state.until == state.epoch and not state.ended
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
