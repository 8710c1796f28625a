"""The run folder: what is needed to trust, continue and use a result.

==================  =================================================================
``config.json``     data, network, recipe, seed, classes, package versions
``state/``          the last two states to resume from
``snapshots/``      weights at the epochs that the recipe names
``events/``         TensorBoard
``history.csv``     a row an epoch
``metrics.json``    the evaluation on the test split
``curves.png``      loss and accuracy over the epochs
``confusion.png``   the confusion matrix of the test split
``model.keras``     the network with its preprocessing: raw uint8 images of any size
==================  =================================================================

Every file is written under a temporary name, synced and renamed.
"""

import contextlib
import json
import os
import pathlib
import shutil
import zipfile

from kerazoo.files import PARTIAL, alone, content, unwritable, write
from kerazoo.recipe import Recipe


class Run:
    """A run folder.

    Args:
        path: The folder.

    Raises:
        ValueError: Where the folder is not there or holds no run.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        if not self.path.is_dir():
            raise ValueError(
                f"There is no run folder {self.path}; kerazoo train makes one."
            )
        if not self._file("config.json").is_file():
            raise ValueError(f"{self.path} is not a run folder: it has no config.json.")

    def __repr__(self):
        return f"Run({str(self.path)!r})"

    def _file(self, name):
        return self.path / name

    def _json(self, name):
        path = self._file(name)
        if not path.is_file():
            raise ValueError(f"{self.path} has no {name}: the run has not ended.")
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error}.") from error

    @property
    def config(self) -> dict:
        """The resolved configuration.

        Raises:
            ValueError: Where ``config.json`` is that of something else.
        """
        config = self._json("config.json")
        if not isinstance(config, dict) or not {"network", "recipe"} <= config.keys():
            raise ValueError(
                f"{self.path} is not a run folder: its config.json names no network "
                "and recipe."
            )
        return config

    @property
    def recipe(self) -> Recipe:
        """The recipe that was followed."""
        return Recipe.from_dict(self.config["recipe"])

    @property
    def metrics(self) -> dict:
        """The evaluation of the finished run on the test split."""
        return self._json("metrics.json")

    @property
    def history(self) -> list[dict[str, float]]:
        """A row an epoch.

        Raises:
            ValueError: Where the run has not ended.
        """
        import csv

        if not self._file("history.csv").is_file():
            raise ValueError(f"{self.path} has no history.csv: the run has not ended.")
        with open(self._file("history.csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [{k: float(v) for k, v in row.items() if v} for row in rows]

    @property
    def finished(self) -> bool:
        """Whether training and evaluation came to their end."""
        return self._file("metrics.json").is_file()

    @property
    def events(self) -> pathlib.Path:
        """The folder to give TensorBoard."""
        return self._file("events")

    def model(self):
        """The network with its preprocessing.

        Returns:
            A ``keras.Model`` from raw images ``(batch, height, width, channels)`` of
            any size, uint8 in 0..255, to class probabilities.

        Raises:
            ValueError: Where the run has not ended, so that there is no model, or its
                file is damaged.
        """
        import keras

        # A saved network may hold kerazoo's layers; importing them registers them.
        import kerazoo.layers  # noqa: F401

        path = self._file("model.keras")
        if not path.is_file():
            raise ValueError(f"{self.path} has no model.keras: the run has not ended.")
        try:
            return keras.models.load_model(path)
        except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
            reason = str(error).strip().partition("\n")[0]
            raise ValueError(f"{path} cannot be read: {reason}") from error


@contextlib.contextmanager
def claim(path: str | os.PathLike, config: dict, overwrite: bool):
    """Makes a run folder, or finds the unfinished one of the same configuration.

    Args:
        path: The folder.
        config: The resolved configuration.
        overwrite: Whether a run that stands there may be deleted.

    Yields:
        The run; it holds a state where training was interrupted. Until the end no other
        process can claim it.

    Raises:
        ValueError: Where something stands there that must not be touched.
    """
    path = pathlib.Path(path)
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path} is a file; give a folder for the run.")
    if path.exists() and content(path):
        # Before a lock is put into a folder of something else.
        Run(path).config  # noqa: B018
    with alone(path, "trained"):
        yield _claimed(path, config, overwrite)


def _claimed(path, config, overwrite):
    """The run of a folder that is ours."""
    if content(path):
        run = Run(path)
        if overwrite:
            for one in content(path):
                shutil.rmtree(one) if one.is_dir() else one.unlink()
        elif run.finished:
            raise ValueError(
                f"{path} holds a finished run; give another folder, or overwrite it "
                "(--overwrite)."
            )
        elif differing := _differences(_today(run), config):
            raise ValueError(
                f"{path} holds an unfinished run with another configuration "
                f"({', '.join(differing)} differ); continue it with the same, give "
                "another folder, or overwrite it (--overwrite)."
            )
        else:
            for partial in path.rglob(f"{PARTIAL}*"):
                partial.unlink()
            return run
    try:
        write(path / "config.json", json.dumps(config, indent=2) + "\n")
    except OSError as error:
        raise unwritable(path, error) from error
    return Run(path)


def _today(run):
    """A run's configuration with the recipe's fields that came after it."""
    return run.config | {"recipe": json.loads(run.recipe.to_json())}


def _differences(old, new, prefix=""):
    """The paths at which two configurations differ, versions and devices apart."""
    paths = []
    for key in sorted({*old, *new} - {"versions", "data_dir", "distribution"}):
        one, other = old.get(key), new.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            paths += _differences(one, other, f"{prefix}{key}.")
        elif one != other:
            paths.append(prefix + key)
    return paths
