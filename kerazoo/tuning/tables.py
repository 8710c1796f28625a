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

COST = ("score", "spread", "seconds", "macs", "epochs", "network", "status", "reason")


def csv(rows: Sequence[dict], names: Sequence[str]) -> str:
    """The trials as CSV, in their order.

    Args:
        rows: As :attr:`kerazoo.tuning.Search.rows` has them.
        names: The dimensions, each of which is a column.
    """
    text = io.StringIO()
    table = csv_module.writer(text, lineterminator="\n")
    table.writerow(["trial", *names, *COST])
    for row in rows:
        values = [_cell(row["values"][name]) for name in names]
        table.writerow([row["trial"], *values, *(_cell(row[key]) for key in COST)])
    return text.getvalue()


def _cell(value):
    return json.dumps(value) if isinstance(value, (list, dict, bool)) else value


def draw(path: pathlib.Path, rows: Sequence[dict], names: Sequence[str]) -> None:
    """Writes the completed trials as parallel coordinates; nothing where none is."""
    done = [row for row in rows if row["score"] is not None]
    if not done:
        return
    columns = {name: [row["values"][name] for row in done] for name in names}
    figure = plots.parallel_coordinates(columns, [row["score"] for row in done])
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=120)


def log(folder: pathlib.Path, row: dict, names: Sequence[str]) -> None:
    """Writes a trial for TensorBoard's HParams.

    Args:
        folder: The search's events.
        row: The trial.
        names: The dimensions.
    """
    place = folder / f"trial_{row['trial']:04d}"
    writer = tf.summary.create_file_writer(str(place))
    with writer.as_default(step=0):
        values = {name: row["values"][name] for name in names}
        plain = {
            name: value if isinstance(value, (int, float, str)) else json.dumps(value)
            for name, value in values.items()
        }
        api.hparams(plain, trial_id=place.name)
        for key in ("score", "seconds", "macs"):
            if row[key] is not None:
                tf.summary.scalar(key, row[key])
    writer.close()
