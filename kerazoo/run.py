"""The run folder: what is needed to trust, continue and use a result.

======================  ================================================================
``config.json``         data, network, recipe, seed, classes, package versions
``state/``              the last two states to resume from, until the end
``snapshots/``          weights at the epochs and steps that the recipe names
``events/``             TensorBoard
``history.csv``         a row an epoch
``step_history.csv``    a row every ``validate_every`` steps, where the recipe asks
``metrics.json``        the evaluation on the test split
``curves.png``          loss and accuracy over the epochs
``confusion.png``       the confusion matrix of the test split
``class_accuracy.png``  the accuracy of its classes, the worst first; of a segmentation
                        ``class_iou.png``, what of each is covered; of a detection
                        ``precision_recall.png`` and ``class_precision.png``
``mistakes/``           what ``kerazoo mistakes`` writes of a classification
``examples.png``        masks or boxes of the first test images, beside the truth
``model.keras``         the network with its preprocessing: raw uint8 images of any size
``best.json``           which epoch had the lowest validation loss
``best.keras``          the network of that epoch, where it is not ``model.keras``
======================  ================================================================

Every file is written under a temporary name, synced and renamed.
"""

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from kerazoo import display, reader
from kerazoo.errors import counted
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
        network: The network's name, that of the caller's model, or ``ensemble``.
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
        architecture: A digest of a model that the caller gave; ``None`` for a network
            of kerazoo.
        images: How many images every part had, and a digest of the names of a folder's
            files, or of the content of arrays
            (:attr:`kerazoo.data.ImageData.fingerprint`).
        task: What it learnt; a name of :data:`kerazoo.tasks.TASKS`.
        extended_from: The epochs, or steps, that the recipe had before the run was
            extended, in their order.
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
    architecture: str | None = None
    images: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    task: str = "classification"
    extended_from: tuple[Count, ...] = ()
    rule: str | None = None
    members: tuple[str, ...] = ()


def _nothing() -> Any:
    """The default of a mapping that has nothing in it."""
    return dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metrics:
    """What a network is worth on one split: a run's ``metrics.json``.

    Attributes:
        images: How many were really seen.
        loss: Cross-entropy; ``None`` of a detection.
        accuracy: The share of right guesses; of a segmentation they are of pixels;
            ``None`` of a detection.
        balanced_accuracy: The mean of ``per_class``; ``None`` in runs of earlier
            versions.
        top5: The share of images whose class is among the five likeliest; ``None`` for
            five classes or fewer.
        calibration_error: Guo et al. 2017, 15 bins.
        mean_iou: Of a segmentation the mean of ``iou``, else ``None``.
        iou: Intersection over union by class; ``None`` for one that is neither there
            nor guessed.
        map50: Of a detection the mean of ``average_precision``.
        map50_voc07: The mean of the eleven-point average precision, VOC's until 2009.
        map: COCO's, the mean over overlaps from 0.5 to 0.95; ``None`` where pycocotools
            is not installed.
        average_precision: By class, at an overlap of 0.5, with all points; ``None``
            where there was no object of it.
        objects: How many there were, by class.
        precision_curves: By class the precision at recalls of 0, 0.01 ... 1.
        per_class: Accuracy by class; ``None`` where there was no image of it.
        confusion: Counts, truth by guess.
    """

    images: int
    loss: float | None = None
    accuracy: float | None = None
    balanced_accuracy: float | None = None
    top5: float | None = None
    mean_iou: float | None = None
    map50: float | None = None
    map50_voc07: float | None = None
    map: float | None = None
    iou: Mapping[str, float | None] = _nothing()
    average_precision: Mapping[str, float | None] = _nothing()
    objects: Mapping[str, int] = _nothing()
    precision_curves: Mapping[str, tuple[float, ...]] = _nothing()
    calibration_error: float | None = None
    per_class: Mapping[str, float | None] = _nothing()
    confusion: tuple[tuple[int, ...], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data, without what there is none of."""
        data = reader.plain(self)
        # A share of 0 is something.
        return {name: one for name, one in data.items() if one not in (None, {}, [])}

    def rows(self) -> list[tuple[str, str]]:
        """The measures of the whole as people see them."""
        shares = {
            "mAP50": self.map50,
            "mAP50, 11 points": self.map50_voc07,
            "mAP (COCO)": self.map,
            "mean IoU": self.mean_iou,
            "accuracy": self.accuracy,
            "balanced accuracy": self.balanced_accuracy,
            "top 5": self.top5,
        }
        numbers = {"loss": self.loss, "calibration error": self.calibration_error}
        return [
            ("images", f"{self.images:,}"),
            *((n, display.percent(x)) for n, x in shares.items() if x is not None),
            *((n, f"{x:.4f}") for n, x in numbers.items() if x is not None),
        ]

    @property
    def score(self) -> float:
        """What networks are compared by: mAP50, mean IoU or accuracy; 0 for none."""
        known = (self.map50, self.mean_iou, self.accuracy)
        return next((one for one in known if one is not None), 0.0)

    @property
    def class_scores(self) -> Mapping[str, float | None]:
        """`score` of every class by itself; ``None`` where it has none."""
        return self.average_precision or self.iou or self.per_class

    def _repr_html_(self) -> str:
        every = self.class_scores.items()
        known = [(name, one) for name, one in every if one is not None]
        worst = sorted(known, key=lambda one: one[1])[:20]
        classes = [(name, display.percent(one)) for name, one in worst]
        head = "class" if len(worst) == len(known) else f"worst 20 of {len(known):,}"
        name = "IoU" if self.iou else "accuracy"
        name = "average precision" if self.average_precision else name
        return display.table(self.rows()) + display.table(classes, (head, name))

    def to_json(self) -> str:
        """The content of ``metrics.json``."""
        return json.dumps(self.to_dict(), indent=2) + "\n"


@dataclasses.dataclass(frozen=True, kw_only=True)
class BestEpoch:
    """The epoch with the lowest validation loss: a run's ``best.json``.

    Attributes:
        epoch: Its number, from 1; of two that are as good the first.
        val_loss: Its validation loss.
        model: The file of its network: ``model.keras`` where training ended with it.
    """

    epoch: Count
    val_loss: float
    model: Literal["best.keras", "model.keras"]


# The files of a run folder; nothing else is deleted.
FILES = (
    "config.json", "model.keras", "best.keras", "best.json", "metrics.json",
    "history.csv", "step_history.csv", "curves.png", "confusion.png",
    "class_accuracy.png", "class_iou.png", "class_precision.png",
    "precision_recall.png", "examples.png", "worst.png",
    "ensemble.json", "ensemble.png", "events/*events.out.tfevents.*",
    "state/step-*.npz", "state/damaged-step-*.npz", "snapshots/epoch-*.npz",
    "snapshots/step-*.npz", "mistakes/worst.png", "mistakes/pairs.png",
    "mistakes/reliability.png", "mistakes/mistakes.csv",
    "events/embeddings/projector_config.pbtxt", "events/embeddings/labels-*.tsv",
    "events/embeddings/sprites-*.png", "events/embeddings/vectors-*.tsv",
)  # fmt: skip


def default_folder(network: str, data: str, *kind: str) -> pathlib.Path:
    """Where a training or a search is kept that names no folder: under ``runs/``.

    Args:
        network: The network's name.
        data: The data set's; of ``folder:PATH`` and others that name a place the
            folder's own name counts.
        *kind: What it is, where it is no training, as in ``search``.
    """
    door, _, path = data.partition(":")
    if path and door in ("folder", "masks", "voc", "coco", "yolo"):
        place, _, options = path.partition("?")
        whole = pathlib.Path(place).resolve()
        # Of PATH/data.yaml the folder.
        name = whole.parent.name if whole.suffix in (".json", ".yaml") else whole.name
        data = f"{name}-{options}".rstrip("-")
    names = re.sub(r"[^\w.+-]+", "-", "-".join([network, data, *kind]))
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

    def __fspath__(self) -> str:
        return str(self.path)

    def _repr_html_(self) -> str:
        try:
            config = self.config
            rows = [
                ("network", config.network),
                ("data", config.data),
                ("classes", f"{len(config.classes):,}"),
                ("recipe", config.recipe.name),
            ]
            if self.finished:
                rows += [(f"test {name}", one) for name, one in self.metrics.rows()]
        except ValueError as error:
            rows = [("damaged", str(error))]
        note = "" if self.finished else "The run has not ended."
        return display.table(rows, title=f"run {self.path}", note=note)

    def _file(self, name):
        return self.path / name

    def _json(self, name):
        path = self._file(name)
        if not path.is_file():
            raise ValueError(
                f"{self.path} has no {name}: the run has not ended; give the command "
                "again that began it."
            )
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
        return self._table("history.csv")

    @property
    def step_history(self) -> list[dict[str, float]]:
        """A row a look at the validation images within the epochs.

        There are none where the recipe has no `validate_every`. A row has ``step``,
        ``epoch`` (with its part), ``loss`` of the training since the look before,
        ``val_loss`` and what else is measured.

        Raises:
            ValueError: Where the run has not ended.
        """
        there = self._file("step_history.csv").is_file()
        return self._table("step_history.csv") if there else []

    def _table(self, name):
        """The rows of a file of numbers."""
        import csv

        path = self._file(name)
        if not path.is_file():
            raise ValueError(
                f"{self.path} has no {name}: the run has not ended; give the command "
                "again that began it."
            )
        try:
            text = path.read_text(encoding="utf-8")
            table = csv.DictReader(io.StringIO(text), strict=True)
            head = table.fieldnames or ["epoch"]
            if not text.endswith("\n") or "epoch" not in head:
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

    @property
    def best(self) -> BestEpoch | None:
        """The epoch with the lowest validation loss; ``None`` without validation."""
        if not self._file("best.json").is_file():
            return None
        return self._record(BestEpoch, "best.json", self._json("best.json"))

    def check_task(self, data: str, task: str) -> None:
        """Holds that data are for the task that the network learnt.

        Args:
            data: The name of the data set.
            task: What it is for.

        Raises:
            ValueError: Where they are for another one.
        """
        if task != self.config.task:
            raise ValueError(
                f"{data} is a data set for {task}, but {self.path} learnt "
                f"{self.config.task}; give other data."
            )

    def model(self, *, best: bool = False) -> Any:
        """The network with its preprocessing.

        Args:
            best: That of the epoch with the lowest validation loss (:attr:`best`) in
                place of the last.

        Returns:
            A ``keras.Model`` from raw images ``(batch, height, width, channels)`` of
            any size, uint8 in 0..255, to class probabilities. Of a run that has not
            ended, as far as its newest state has come; a warning says so.

        Raises:
            ValueError: Where there is no such network, or its file is damaged.
        """
        # A saved network may hold kerazoo's layers; importing them registers them.
        import kerazoo.layers  # noqa: F401

        allow_deep_graphs()
        path = self._file("model.keras")
        if not self.finished and (list_states(self.path) or not path.is_file()):
            return self._unfinished_model(best)
        if best:
            if self.best is None:
                raise self._no_best()
            path = self._file(self.best.model)
        return self._load(path)

    def _load(self, path):
        import keras
        import numpy as np

        if not path.is_file():
            raise ValueError(
                f"The network of {self.path} was not kept; cross-validate with "
                "--keep-models, or train the run again."
            )
        try:
            model = keras.models.load_model(path)
        except Exception as error:  # A damaged file may break any part of Keras.
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            if not zipfile.is_zipfile(path):
                reason = "it is no whole file"
            raise ValueError(
                f"{path} is damaged and cannot be read ({reason}); train the run "
                "again, or take the file from a copy."
            ) from error
        for weight in model.weights:
            if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
                raise ValueError(
                    f"{path} is damaged: the weight {weight.path} is not a number "
                    "everywhere; train the run again."
                )
        return model

    def _no_best(self):
        return ValueError(
            f"{self.path} has no best epoch: it had no validation images, or comes "
            "from an earlier version; leave best (--best) out."
        )

    def _unfinished_model(self, best):
        import keras

        state = newest_state(self.path)
        if state is None:
            raise ValueError(
                f"{self.path} has no network yet: the run has not ended, and no state "
                "is saved; give the command again that began it."
            )
        notes = state.notes
        if "served" not in notes:
            raise ValueError(
                f"{self.path} has not ended, and its state comes from an earlier "
                "version; give the command again that began it."
            )
        places = notes["served"]["best" if best else "last"]
        if places is None:
            raise self._no_best()
        best_of = f"at the best of its first {counted(notes['epoch'], 'epoch')}"
        where = best_of if best else state.place
        warnings.warn(
            f"{self.path} has not ended; this is its network {where}", stacklevel=3
        )
        model = keras.models.model_from_json(notes["served"]["network"])
        for layer in model.layers:
            if layer.weights:
                layer.set_weights([state.arrays[one] for one in places[layer.name]])
        return model


@dataclasses.dataclass(frozen=True)
class SavedState:
    """A state of a training as it was saved.

    Attributes:
        path: Its file.
        notes: What it says of itself, ``epoch``, ``step`` and ``total`` among it.
        arrays: Its variables by name.
    """

    path: pathlib.Path
    notes: dict[str, Any]
    arrays: Mapping[str, Any]

    @property
    def place(self) -> str:
        """Where in the training it was saved, in words."""
        return place(self.notes["epoch"], self.notes["step"])


def place(epoch: int, step: int) -> str:
    """A place in a training in words.

    Args:
        epoch: Complete epochs.
        step: Steps of the next.
    """
    return f"in epoch {epoch + 1} after step {step}" if step else f"after epoch {epoch}"


def list_states(run: pathlib.Path) -> list[pathlib.Path]:
    """The files of a run's states, newest first."""
    return sorted((run / "state").glob("step-*.npz"), reverse=True)


def read_state(path: pathlib.Path) -> SavedState | None:
    """The state of a file; ``None`` where it is damaged."""
    import numpy as np

    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest()[:16] != path.stem[-16:]:
        return None
    arrays = np.load(io.BytesIO(content), allow_pickle=False)
    return SavedState(path, json.loads(bytes(arrays["notes"])), arrays)


def newest_state(run: pathlib.Path) -> SavedState | None:
    """The newest sound state of a run."""
    return next(filter(None, map(read_state, list_states(run))), None)


def drop_networks(run: pathlib.Path) -> None:
    """Deletes what takes most of a run's place: networks and states."""
    shutil.rmtree(run / "state", ignore_errors=True)
    for name in ("model.keras", "best.keras"):
        (run / name).unlink(missing_ok=True)


@contextlib.contextmanager
def claim(
    path: str | os.PathLike,
    config: RunConfig,
    overwrite: bool,
    until: int | None = None,
) -> Iterator[Run]:
    """Makes a run folder, or finds the one of the same configuration that can go on.

    Args:
        path: The folder.
        config: The resolved configuration. Its epochs or steps may be more than the
            run's.
        overwrite: Whether a run that stands there may be deleted.
        until: Epochs after which to end for now.

    Yields:
        The run; it holds a state where training was interrupted. Until the end no other
        process can claim it.

    Raises:
        ValueError: Where something stands there that must not be touched.
    """
    path = check_place(path)
    with exclusive(path, "trained"):
        yield _claimed(path, config, overwrite, until)


def check_place(path: str | os.PathLike) -> pathlib.Path:
    """Where a run can be made or continued, asked before anything slow begins.

    Raises:
        ValueError: Where something else stands there, or it cannot be written.
    """
    path = check_folder(path, "run")
    if path.exists() and entries(path):
        Run(path).config  # noqa: B018 - refuses what is no run
    return path


def _claimed(path, config, overwrite, until):
    """The run of a folder that is ours."""
    if entries(path) and not overwrite:
        return _continued(Run(path), config, until)
    if entries(path):
        clear(path, FILES, "run")
    try:
        write_atomic(path / "config.json", reader.dump(config))
    except OSError as error:
        raise folder_error(path, error) from error
    return Run(path)


def _continued(run, config, until):
    """The run that stands in a folder, where it may go on."""
    old = run.config
    differing = _differences(old, config)
    longer = _extended(old, config) if differing else None
    if run.finished:
        _check_finished(run, config, until, differing, longer)
    elif differing and longer is None:
        raise ValueError(
            f"{run.path} holds an unfinished run with another configuration "
            f"({', '.join(differing)} differ); continue it with the same, give "
            "another folder, or overwrite it (--overwrite)."
        )
    for partial in run.path.rglob(f"{PARTIAL}*"):
        partial.unlink()
    # In this order: whoever is killed between the two has an unfinished run.
    (run.path / "metrics.json").unlink(missing_ok=True)
    if longer is not None:
        write_atomic(run.path / "config.json", reader.dump(longer))
    return run


def _extended(old, config):
    """The configuration of a run that is given more epochs or steps, or ``None``."""
    name = "epochs" if old.recipe.steps is None else "steps"
    before, after = getattr(old.recipe, name), getattr(config.recipe, name)
    if after is None or after <= before:
        return None
    recipe = dataclasses.replace(old.recipe, **{name: after})
    if _differences(dataclasses.replace(old, recipe=recipe), config):
        return None
    return dataclasses.replace(config, extended_from=(*old.extended_from, before))


def _check_finished(run, config, until, differing, longer):
    """Refuses a finished run that cannot go on."""
    state = newest_state(run.path)
    if longer is not None and state is None:
        raise ValueError(
            f"{run.path} holds a finished run without a state to go on from, so that "
            f"{differing[0]} cannot be raised; train it with keep_state "
            "(--keep-state) where it is to be extended, or begin another run with its "
            f"weights (start_from={run.path})."
        )
    if longer is None and (differing or state is None or _ended(run, state, until)):
        raise ValueError(
            f"{run.path} holds a finished run; give another folder, more epochs to "
            "extend it where its state was kept (--keep-state), or overwrite it "
            "(--overwrite)."
        )


def _ended(run, state, until):
    """Whether a run has come to its recipe's end, or to the one that is asked for."""
    recipe, done = run.recipe, len(run.history)
    if state.notes["ended"] or (until and done >= until):
        return True
    if recipe.steps is not None:
        return state.notes.get("total", recipe.steps) >= recipe.steps
    return done >= recipe.epochs


def _differences(old, new):
    """The paths at which two configurations differ, versions and devices apart."""
    free = {"versions", "data_dir", "distribution", "extended_from"}
    # A run of the first version does not know its images.
    free |= set() if old.images else {"images", "task"}
    return [
        path
        for path in reader.differences(reader.plain(old), reader.plain(new))
        if path.partition(".")[0] not in free
    ]
