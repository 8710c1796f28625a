"""The recipe as text and as hyper-parameters."""

import pathlib
from typing import Any

import keras
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from kerazoo import reader
from kerazoo.run import RunConfig

# What a recipe says of itself is nothing to compare trainings by.
WORDS = ("recipe.kind", "recipe.networks", "recipe.source")


class RecipeText(keras.callbacks.Callback):
    """Writes the configuration as a text, and the recipe to the HParams page.

    Args:
        writer: A writer of ``tf.summary``.
        hparams_writer: That of the run whose curves stand on the HParams page.
        run: The run's folder, a row of that page.
        config: The run's configuration; network, data and its ``recipe`` are the
            columns.
    """

    def __init__(
        self, writer: Any, hparams_writer: Any, run: pathlib.Path, config: RunConfig
    ) -> None:
        super().__init__()
        self.writer, self.hparams_writer = writer, hparams_writer
        self.run, self.config = run, config

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        flat = dict(_flat(reader.plain(self.config)))
        rows = "".join(f"| {key} | {value} |\n" for key, value in flat.items())
        with self.writer.as_default(step=0):
            tf.summary.text("recipe", f"| field | value |\n|---|---|\n{rows}")
        columns = {"network": self.config.network, "data": self.config.data}
        for key, value in flat.items():
            known = value not in (None, "") and key not in WORDS
            if key.startswith("recipe.") and key != "recipe.data" and known:
                number = isinstance(value, (bool, int, float))
                columns[key.removeprefix("recipe.")] = value if number else str(value)
        columns["recipe"] = columns.pop("name")
        with self.hparams_writer.as_default(step=0):
            # Without a name trainings of the same recipe would be one row.
            row = f"{self.run.name} in {self.run.parent}"
            hparams.hparams(columns, trial_id=row)


def _flat(data, prefix=""):
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
