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
import dataclasses
import json
import os
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kerazoo import reader
from kerazoo.files import (
    PARTIAL,
    check_folder,
    clear,
    entries,
    exclusive,
    folder_error,
    write_atomic,
)
from kerazoo.reader import Count, Path
from kerazoo.recipe import Recipe
from kerazoo.recursion import allow_deep_graphs


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What a run was made of: its ``config.json``.

    Attributes:
        network: The network's name, or ``ensemble``.
        data: The data set's name.
        classes: The names of the classes.
        image_shape: What the network takes, ``(height, width, channels)``.
        recipe: How it was trained.
        precision: The :class:`kerazoo.precision.Precision` that it was trained in.
        distribution: How many ``workers`` and ``devices`` took part.
        versions: Of Python and the packages.
        data_dir: Where the data set's files were found.
        deterministic: Whether TensorFlow computed the same bits in every run.
        parts: A digest of splits that the caller chose; ``None`` for the usual ones.
        images: How many images every part had, and for a folder a digest of their
            names (:attr:`kerazoo.data.ImageData.fingerprint`).
        task: What it learnt; a name of :data:`kerazoo.tasks.TASKS`.
        rule: How an ensemble's members answer as one.
        members: An ensemble's runs.
    """

    network: str
    data: str
    classes: tuple[str, ...]
    image_shape: tuple[Count, Count, Count]
    recipe: Recipe
    precision: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    distribution: Mapping[str, int] = dataclasses.field(default_factory=dict)
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    data_dir: str | None = None
    deterministic: bool = False
    parts: str | None = None
    images: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    task: str = "classification"
    rule: str | None = None
    members: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metrics:
    """What a network is worth on one split: a run's ``metrics.json``.

    Attributes:
        images: How many were really seen.
        loss: Cross-entropy.
        accuracy: The share of right guesses.
        top5: The share of images whose class is among the five likeliest; ``None`` for
            five classes or fewer.
        calibration_error: Guo et al. 2017, 15 bins.
        per_class: Accuracy by class; ``None`` where there was no image of it.
        confusion: Counts, truth by guess.
    """

    images: int
    loss: float
    accuracy: float
    top5: float | None = None
    calibration_error: float
    per_class: Mapping[str, float | None]
    confusion: tuple[tuple[int, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, without ``top5`` where there is none."""
        data = reader.plain(self)
        if self.top5 is None:
            del data["top5"]
        return data

    def to_json(self) -> str:
        """The content of ``metrics.json``."""
        return json.dumps(self.to_dict(), indent=2) + "\n"


# The files of a run folder; nothing else is deleted.
FILES = (
    "config.json", "model.keras", "metrics.json", "history.csv", "curves.png",
    "confusion.png", "ensemble.json", "ensemble.png", "events/*events.out.tfevents.*",
    "state/step-*.npz", "state/damaged-step-*.npz", "snapshots/epoch-*.npz",
)  # fmt: skip


def default_folder(network: str, data: str, *kind: str) -> pathlib.Path:
    """Where a training or a search is kept that names no folder: under ``runs/``.

    Args:
        network: The network's name.
        data: The data set's; of ``folder:PATH`` the folder's own name counts.
        *kind: What it is, where it is no training, as in ``search``.
    """
    place = data.removeprefix("folder:")
    name = pathlib.Path(place).resolve().name if place != data else data
    names = re.sub(r"[^\w.+-]+", "-", "-".join([network, name, *kind]))
    return pathlib.Path("runs", names)


class Run:
    """A run folder.

    Args:
        path: The folder.

    Raises:
        ValueError: Where the folder is not there or holds no run.
    """

    @reader.checked
    def __init__(self, path: Path) -> None:
        self.path = pathlib.Path(path)
        if not self.path.is_dir():
            raise ValueError(
                f"There is no run folder {self.path}; kerazoo train makes one."
            )
        if not self._file("config.json").is_file():
            raise ValueError(f"{self.path} is not a run folder: it has no config.json.")

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _file(self, name):
        return self.path / name

    def _json(self, name):
        path = self._file(name)
        if not path.is_file():
            raise ValueError(f"{self.path} has no {name}: the run has not ended.")
        return reader.read_json(path)

    def _record(self, cls, name, data):
        return reader.record(cls, data, str(self._file(name)))

    @property
    def config(self) -> RunConfig:
        """The resolved configuration.

        Raises:
            ValueError: Where ``config.json`` is damaged, or that of something else.
        """
        data = self._json("config.json")
        if not isinstance(data, dict) or not {"network", "recipe"} <= data.keys():
            raise ValueError(
                f"{self.path} is not a run folder: its config.json names no network "
                "and recipe."
            )
        # Their names in the first version.
        if "arithmetic" in data:
            data["precision"] = data.pop("arithmetic")
        recipe = data["recipe"]
        if isinstance(recipe, dict) and "normalisation" in recipe:
            old = recipe.pop("normalisation")
            recipe["normalization"] = {"standardise": "standardize"}.get(old, old)
        return self._record(RunConfig, "config.json", data)

    @property
    def recipe(self) -> Recipe:
        """The recipe that was followed."""
        return self.config.recipe

    @property
    def metrics(self) -> Metrics:
        """The evaluation of the finished run on the test split."""
        return self._record(Metrics, "metrics.json", self._json("metrics.json"))

    @property
    def history(self) -> list[dict[str, float]]:
        """A row an epoch.

        Raises:
            ValueError: Where the run has not ended.
        """
        import csv
        import io

        if not self._file("history.csv").is_file():
            raise ValueError(f"{self.path} has no history.csv: the run has not ended.")
        path = self._file("history.csv")
        try:
            text = path.read_text(encoding="utf-8")
            table = csv.DictReader(io.StringIO(text), strict=True)
            if not text.endswith("\n") or "epoch" not in (
                table.fieldnames or ["epoch"]
            ):
                raise ValueError("it is not whole")
            return [{k: float(v) for k, v in row.items() if v} for row in table]
        except (ValueError, TypeError, csv.Error) as error:
            raise ValueError(f"{path} is damaged: {error}.") from error

    @property
    def finished(self) -> bool:
        """Whether training and evaluation came to their end."""
        return self._file("metrics.json").is_file()

    @property
    def events(self) -> pathlib.Path:
        """The folder to give TensorBoard."""
        return self._file("events")

    def model(self) -> Any:
        """The network with its preprocessing.

        Returns:
            A ``keras.Model`` from raw images ``(batch, height, width, channels)`` of
            any size, uint8 in 0..255, to class probabilities.

        Raises:
            ValueError: Where the run has not ended, so that there is no model, or its
                file is damaged.
        """
        import keras
        import numpy as np

        # A saved network may hold kerazoo's layers; importing them registers them.
        import kerazoo.layers  # noqa: F401

        path = self._file("model.keras")
        if not path.is_file():
            raise ValueError(f"{self.path} has no model.keras: the run has not ended.")
        try:
            allow_deep_graphs()
            model = keras.models.load_model(path)
        except Exception as error:  # A damaged file may break any part of Keras.
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise ValueError(f"{path} cannot be read: {reason}") from error
        for weight in model.weights:
            if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
                raise ValueError(
                    f"{path} is damaged: the weight {weight.path} is not a number "
                    "everywhere; train the run again."
                )
        return model


@contextlib.contextmanager
def claim(path: str | os.PathLike, config: RunConfig, overwrite: bool) -> Iterator[Run]:
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
    path = check_place(path)
    with exclusive(path, "trained"):
        yield _claimed(path, config, overwrite)


def check_place(path: str | os.PathLike) -> pathlib.Path:
    """Where a run can be made or continued, asked before anything slow begins.

    Raises:
        ValueError: Where something else stands there, or it cannot be written.
    """
    path = check_folder(path, "run")
    if path.exists() and entries(path):
        Run(path).config  # noqa: B018 - refuses what is no run
    return path


def _claimed(path, config, overwrite):
    """The run of a folder that is ours."""
    if entries(path):
        run = Run(path)
        if overwrite:
            clear(path, FILES, "run")
        elif run.finished:
            raise ValueError(
                f"{path} holds a finished run; give another folder, or overwrite it "
                "(--overwrite)."
            )
        elif differing := _differences(run.config, config):
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
        write_atomic(path / "config.json", reader.dump(config))
    except OSError as error:
        raise folder_error(path, error) from error
    return Run(path)


def _differences(old, new):
    """The paths at which two configurations differ, versions and devices apart."""
    free = {"versions", "data_dir", "distribution"}
    # A run of the first version does not know its images.
    free |= set() if old.images else {"images", "task"}
    return [
        path
        for path in reader.differences(reader.plain(old), reader.plain(new))
        if path.partition(".")[0] not in free
    ]
