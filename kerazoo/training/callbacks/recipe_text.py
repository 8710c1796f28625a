"""The recipe as text and as hyper-parameters."""

from typing import Any

import keras
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from kerazoo import reader


class RecipeText(keras.callbacks.Callback):
    """Writes the configuration as a text and the recipe to the HParams page.

    Args:
        writer: A writer of ``tf.summary``.
        config: The run's configuration; its ``recipe`` gives the hyper-parameters.
    """

    def __init__(self, writer: Any, config: dict[str, Any]) -> None:
        super().__init__()
        self.writer = writer
        self.config = config

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        flat = dict(_flat(reader.plain(self.config)))
        rows = "".join(f"| {key} | {value} |\n" for key, value in flat.items())
        with self.writer.as_default(step=0):
            tf.summary.text("recipe", f"| field | value |\n|---|---|\n{rows}")
            hparams.hparams(
                {
                    key.removeprefix("recipe."): value
                    if isinstance(value, (bool, int, float))
                    else str(value)
                    for key, value in flat.items()
                    if key.startswith("recipe.") and value not in (None, "")
                }
            )


def _flat(data, prefix=""):
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
