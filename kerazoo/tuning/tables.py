"""The results of a search as a table: CSV, a figure, TensorBoard's HParams."""

import csv as csv_module
import io
import json
import pathlib
from collections.abc import Sequence

import tensorflow as tf
from tensorboard.plugins.hparams import api

from kerazoo.analysis import plots
from kerazoo.files import replacing
from kerazoo.tuning.records import Trial

COLUMNS = ("score", "std", "seconds", "macs", "epochs", "network", "status", "reason")


def csv(trials: Sequence[Trial], names: Sequence[str]) -> str:
    """The trials as CSV, in their order.

    Args:
        trials: As :attr:`kerazoo.tuning.Search.trials` has them.
        names: The dimensions, each of which is a column.
    """
    text = io.StringIO()
    table = csv_module.writer(text, lineterminator="\n")
    table.writerow(["trial", *names, *COLUMNS])
    for one in trials:
        values = [one.values[name] for name in names]
        values += [getattr(one, column) for column in COLUMNS]
        table.writerow([one.number, *map(_cell, values)])
    return text.getvalue()


def _cell(value):
    return json.dumps(value) if isinstance(value, (list, dict, bool)) else value


def draw(path: pathlib.Path, trials: Sequence[Trial], names: Sequence[str]) -> None:
    """Writes the completed trials as parallel coordinates; nothing where none is."""
    done = [(one.values, one.score) for one in trials if one.score is not None]
    if not done:
        return
    columns = {name: [values[name] for values, _ in done] for name in names}
    figure = plots.parallel_coordinates(columns, [score for _, score in done])
    with replacing(path) as temporary:
        plots.save(figure, temporary)


def log(folder: pathlib.Path, trial: Trial, names: Sequence[str]) -> None:
    """Writes a trial for TensorBoard's HParams.

    Args:
        folder: The search's events.
        trial: The trial.
        names: The dimensions.
    """
    place, search = folder / f"trial_{trial.number:04d}", folder.parent
    writer = tf.summary.create_file_writer(str(place))
    with writer.as_default(step=0):
        # Where depth is searched, the network is a member of the family.
        values = {"network": trial.network} | {n: trial.values[n] for n in names}
        plain = {
            name: value if isinstance(value, (int, float, str)) else json.dumps(value)
            for name, value in values.items()
        }
        # Its number alone would make one row of it and another search's.
        row = f"{search.name}/{place.name} in {search.parent}"
        api.hparams(plain, trial_id=row)
        for name in ("score", "seconds", "macs"):
            if getattr(trial, name) is not None:
                tf.summary.scalar(name, getattr(trial, name))
    writer.close()
