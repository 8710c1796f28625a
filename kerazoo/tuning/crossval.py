"""Cross-validation: what a network is worth, asked of the training images alone.

Whatever is fitted, weights, normalization, whitening, the epoch at which a training
stops, is handed a set in which the fold's images are missing. The set's own test split
is not looked at.
"""

import dataclasses
import functools
import hashlib
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from kerazoo import data as kerazoo_data
from kerazoo import processes, reader, recipes, tasks, training
from kerazoo.data.arrays import DataLike
from kerazoo.display import number, percent, table
from kerazoo.files import write_atomic
from kerazoo.reader import Name, NetworkName, Path
from kerazoo.recipe import Recipe
from kerazoo.run import Run, drop_networks
from kerazoo.training.class_weights import check_class_weight
from kerazoo.training.compatibility import check_compatible
from kerazoo.tuning import locks
from kerazoo.tuning.folds import (
    check_batches,
    fold_data,
    merge_splits,
    stratified_folds,
)
from kerazoo.tuning.records import Execution, Fold, FoldPlan, PrecisionName

# The plan's file.
PLAN = "plan.json"
KIND = "cross-validation"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """What came out of a cross-validation.

    Attributes:
        network: The network's name.
        data: The data set's name.
        recipe: The recipe of all folds.
        plan: How the images were split into folds.
        folds: The folds, tested.
    """

    network: str
    data: str
    recipe: Recipe
    plan: FoldPlan
    folds: tuple[Fold, ...]

    @property
    def score_name(self) -> str:
        """What the scores are, by the network's task."""
        return tasks.of_network(self.network).score_name

    @property
    def scores(self) -> list[float]:
        """The accuracy, or mean IoU, on every fold."""
        return [fold.score for fold in self.folds]

    @property
    def mean(self) -> float:
        """The mean score."""
        return float(np.mean(self.scores))

    @property
    def std(self) -> float:
        """The standard deviation over the folds, as scikit-learn's GridSearchCV has it.

        Folds share most of their training images: it is no standard error.
        """
        return float(np.std(self.scores))

    def rows(self) -> list[tuple[str, ...]]:
        """Repeat, number, images, score and loss of the folds, as texts."""
        return [
            (
                str(fold.repeat),
                str(fold.number),
                f"{fold.images:,}",
                percent(fold.score),
                number(fold.loss),
            )
            for fold in self.folds
        ]

    def _repr_html_(self) -> str:
        return table(
            self.rows(),
            ("repeat", "fold", "images", self.score_name, "loss"),
            title=f"{self.network} on {self.data}",
            note=f"{self.score_name} {percent(self.mean)}, standard deviation "
            f"{percent(self.std)}",
        )

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return reader.plain(self) | {
            "mean": self.mean,
            "std": self.std,
            "scores": self.scores,
        }


@reader.checked
def cross_validate(
    network: NetworkName,
    data: DataLike | None = None,
    recipe: Recipe | Name | None = None,
    *,
    folder: Path,
    plan: FoldPlan | None = None,
    execution: Execution | None = None,
    keep_models: bool = False,
) -> CrossValidation:
    """Trains a network once for every fold and tests it on the fold.

    Every fold is a training run in a folder of its own; the same call does not repeat
    those that have finished, and one that was interrupted resumes from its state. The
    same call at the same time from other places helps.

    Args:
        network: The network's name.
        data: As for :func:`kerazoo.fit`. Its training and validation images are split
            into folds, groups as a whole; its test images are not looked at.
        recipe: How to train; its validation share is split off a fold's training images
            where it watches a validation loss.
        folder: Where runs, ``plan.json`` and ``crossval.json`` are written.
        plan: How the images are split; by default ``FoldPlan()``.
        execution: How the folds are trained; by default ``Execution()``.
        keep_models: Whether the folds' networks are kept, for an ensemble.

    Raises:
        ValueError: For bad arguments, more folds than images of a class among them.
        kerazoo.training.state.Interrupted: On SIGTERM or Ctrl-C.
        kerazoo.training.state.Diverged: Where a fold's loss is no longer a number.
    """
    recipe, plan = recipes.choose(recipe, network), plan or FoldPlan()
    execution = execution or Execution()
    known = {"network": network, "recipe": recipe, "plan": plan}
    check_begun(FoldsConfig, KIND, pathlib.Path(folder), execution, **known)
    images = load(network, data, recipe, execution)
    config = FoldsConfig.of(
        KIND,
        network,
        images,
        recipe,
        plan,
        precision=execution.precision,
        data_dir=execution.data_dir,
        keep_models=keep_models,
    )
    work = FoldWork(config, images, pathlib.Path(folder), execution)
    work.claim()
    folds = work.run_all(functools.partial(_train, work))
    result = CrossValidation(
        network=network, data=images.name, recipe=recipe, plan=plan, folds=folds
    )
    work.write("crossval.json", result.to_dict())
    return result


def _train(work, number):
    work.fit(number, work.config.network, work.config.recipe, work.places[number])


def join(folder: pathlib.Path) -> None:
    """Takes part in the cross-validation of a folder."""
    work = FoldWork.of_folder(folder, FoldsConfig)
    work.run_pending(functools.partial(_train, work))


def load(
    network: str,
    data: DataLike | None,
    recipe: Recipe,
    execution: Execution,
) -> kerazoo_data.ImageData:
    """The data set of a cross-validation.

    Args:
        network: The network's name.
        data: Its name, or itself; by default the recipe's.
        recipe: How to train.
        execution: Where its files are, and how many workers load it.

    Raises:
        ValueError: Where network and recipe contradict each other, the recipe's weights
            have seen the images, or several workers cannot share the set.
    """
    check_compatible(network, recipe)
    given = recipe.data if data is None else data
    if execution.workers > 1 and not isinstance(given, (str, os.PathLike)):
        raise ValueError(
            f"{execution.workers} workers cannot share a set that only this process "
            "has loaded; give its name (data='digits', 'folder:PATH'), or workers=1."
        )
    images = kerazoo_data.load(
        given, data_dir=execution.data_dir, validation=0, seed=recipe.seed
    )
    check_class_weight(recipe, images.classes)
    if recipe.start_from:
        seen = Run(recipe.start_from).config.data
        if seen == images.name:
            raise ValueError(
                f"The recipe {recipe.name} starts from {recipe.start_from}, whose "
                f"weights have seen the images of {seen} that the folds are to test; "
                "begin with new weights (start_from=None)."
            )
    return images


@dataclasses.dataclass(frozen=True, kw_only=True)
class FoldsConfig:
    """What is cross-validated, and how: a ``plan.json``.

    Attributes:
        kind: What it is called.
        network: The network's name.
        data: The data set's name.
        classes: Its classes.
        images: How many images are split.
        labels: A digest of which images, and of their labels.
        recipe: How to train.
        plan: How the images are split.
        precision: As in :func:`kerazoo.fit`.
        data_dir: Where the data set's files are.
        keep_models: Whether the folds' networks are kept.
    """

    kind: str
    network: str
    data: str
    classes: tuple[str, ...]
    images: int
    labels: str
    recipe: Recipe
    plan: FoldPlan
    precision: PrecisionName = "auto"
    data_dir: str | None = None
    keep_models: bool = False

    @classmethod
    def of(
        cls,
        kind: str,
        network: str,
        images: kerazoo_data.ImageData,
        recipe: Recipe,
        plan: FoldPlan,
        **own: Any,
    ) -> "FoldsConfig":
        """The configuration for a loaded set."""
        pool = merge_splits(images)
        digest = hashlib.sha256(pool.indices.tobytes())
        digest.update(pool.read_labels().astype("int64").tobytes())
        if images.digest:
            digest.update(images.digest.encode())
        return cls(
            kind=kind,
            network=network,
            data=images.name,
            classes=images.classes,
            images=pool.size,
            labels=digest.hexdigest()[:16],
            recipe=recipe,
            plan=plan,
            **own,
        )


def check_begun(
    kind: type[FoldsConfig],
    title: str,
    folder: pathlib.Path,
    execution: Execution,
    **known: Any,
) -> None:
    """Refuses a folder in which other folds were begun, before any data is loaded.

    Args:
        kind: The record of what is done.
        title: What it is called, for the errors.
        folder: The folder; it may not exist.
        execution: How it is done.
        known: What is asked for, by the fields of the record.

    Raises:
        ValueError: Where something else stands there, or the record is damaged.
    """
    old = locks.read_plan(folder, PLAN, title)
    if old is None or execution.overwrite:
        return
    begun = reader.record(kind, old, str(folder / PLAN))
    asked = dataclasses.replace(begun, precision=execution.precision, **known)
    locks.check_same_plan(asked, old, folder, title, FoldWork.FREE)


class FoldWork:
    """The folds of a data set, each tested by a training, whatever comes before it.

    Args:
        config: What is done.
        images: The data set.
        folder: Where it is done.
        execution: How.

    Attributes:
        pool: All images that are split into folds.
        parts: Positions in the pool to learn from and to test, for every fold.
        places: The folder of every fold.
    """

    # What may differ when it goes on.
    FREE = ("data_dir", "keep_models")

    def __init__(
        self,
        config: FoldsConfig,
        images: kerazoo_data.ImageData,
        folder: pathlib.Path,
        execution: Execution,
    ) -> None:
        self.config, self.images = config, images
        self.folder, self.execution = folder, execution
        self.pool, plan = merge_splits(images), config.plan
        self.parts = stratified_folds(
            self.pool, plan.folds, repeats=plan.repeats, seed=plan.seed
        )
        check_batches(self.pool, self.parts, config.recipe)
        digits = max(2, len(str(len(self.parts))))
        names = [f"fold_{n:0{digits}d}" for n in range(1, len(self.parts) + 1)]
        self.places = [folder / name for name in names]
        self.reported: set[int] = set()

    @classmethod
    def of_folder(cls, folder: pathlib.Path, kind: type[FoldsConfig]) -> "FoldWork":
        """The work that was begun in a folder, for a worker."""
        config = reader.load(kind, folder / PLAN)
        execution = Execution(
            data_dir=config.data_dir, precision=config.precision, verbose=False
        )
        images = load(config.network, config.data, config.recipe, execution)
        return cls(config, images, folder, execution)

    def claim(self) -> None:
        """Makes the folder, or finds it."""
        kind, overwrite = self.config.kind, self.execution.overwrite
        locks.claim_plan(self.folder, PLAN, kind, self.config, overwrite, self.FREE)

    def fit(self, number: int, network: str, recipe: Recipe, run: pathlib.Path) -> None:
        """Trains on all but a fold and tests on it."""
        training.fit(
            network,
            fold_data(self.images, self.pool, *self.parts[number], recipe),
            recipe,
            run=run,
            data_dir=self.execution.data_dir,
            precision=self.execution.precision,
            save_every=self.execution.save_every,
            events=False,
            verbose=0,
        )
        if not self.config.keep_models:
            # A fold's metrics stay; its network nobody asked for.
            drop_networks(run)
        self.report(number, run)

    def report(self, number: int, run: pathlib.Path) -> None:
        """Prints a line for a fold that was tested, whoever did so, and only once."""
        if self.execution.verbose and number not in self.reported:
            self.reported.add(number)
            metrics = Run(run).metrics
            fold = f"fold {number + 1} of {len(self.places)}"
            print(f"{fold}: {percent(metrics.score)} of {metrics.images:,} images")

    def _done(self, place, run):
        if not (place / run / "metrics.json").is_file():
            return False
        self.report(self.places.index(place), place / run)
        return True

    def run_pending(self, work: Callable[[int], None], run: str = ".") -> None:
        """Does what is left to do, beside others that do the same.

        Args:
            work: What to do for the fold of a number.
            run: Where a fold's run is, seen from its place.
        """
        with locks.quiet():
            locks.run_pending(self.places, lambda place: self._done(place, run), work)

    def run_all(self, work: Callable[[int], None], run: str = ".") -> tuple[Fold, ...]:
        """As :meth:`run_pending`, with the workers' help; the folds, tested."""
        argv = ["kerazoo.tuning.worker", str(self.folder)]
        with processes.with_helpers(self.execution.workers - 1, argv):
            self.run_pending(work, run)
        folds, count = [], self.config.plan.folds
        for index, place in enumerate(self.places):
            metrics = Run(place / run).metrics
            folds.append(
                Fold(
                    repeat=index // count + 1,
                    number=index % count + 1,
                    images=metrics.images,
                    score=metrics.score,
                    loss=metrics.loss,
                    run=(place / run).relative_to(self.folder).as_posix(),
                )
            )
        return tuple(folds)

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Writes the results."""
        write_atomic(self.folder / name, json.dumps(content, indent=2) + "\n")
