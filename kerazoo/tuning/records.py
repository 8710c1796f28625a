"""The records of searches and cross-validations: their plans, trials and folds."""

import dataclasses
import os
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from kerazoo import memory, reader
from kerazoo.reader import LARGEST, Count, Path, Range, Whole

# See :class:`kerazoo.tuning.Space`.
Settings = str | Mapping[str, Any] | Iterable[Any]
Folds = Annotated[int, Range(2, LARGEST)]
# A thousand times as many trainings as there are folds.
Repeats = Annotated[int, Range(1, 1001)]
PrecisionName = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchPlan:
    """What a search tries, and how it scores that.

    Attributes:
        space: Dimensions as in ``learning_rate=log:1e-4:1e-1`` (see
            :class:`kerazoo.tuning.Space`); by default those of
            :func:`kerazoo.tuning.default_space`.
        strategy: ``random``, ``grid``, ``hyperband``, ``bayesian`` or ``tpe``.
        trials: How many to make; by default 10, or all that a grid (of at most 100
            points) or Hyperband has.
        folds: Score a trial by cross-validation over so many folds of the training and
            validation images, instead of on the validation images.
        repeats: How often these folds are drawn anew.
        seed: Of the strategy and the folds; a training has the recipe's.
        keep: How many of the best trials keep their networks and states.

    Raises:
        ValueError: For a bad value, or Hyperband with folds.
    """

    space: Settings = ()
    strategy: Literal["random", "grid", "hyperband", "bayesian", "tpe"] = "random"
    trials: Count | None = None
    folds: Folds | None = None
    repeats: Repeats = 1
    # Zero is any seed to keras-tuner.
    seed: Count = 1
    keep: Count = 3

    def __post_init__(self) -> None:
        reader.validate(self)
        if self.folds and self.strategy == "hyperband":
            raise ValueError(
                "hyperband stops trials early, which folds cannot; leave folds out, or "
                "take another strategy, such as random or bayesian."
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class FoldPlan:
    """Into which folds the images of a cross-validation are split.

    Attributes:
        folds: How many, each tested once.
        repeats: How often all images are split anew.
        seed: Of the split; the trainings have the recipe's.

    Raises:
        ValueError: For a bad value.
    """

    folds: Folds = 5
    repeats: Repeats = 1
    seed: Whole = 1

    def __post_init__(self) -> None:
        reader.validate(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Execution:
    """How many trainings are carried out; nothing of it changes a result.

    Attributes:
        data_dir: Where the data set's files are.
        precision: As in :func:`kerazoo.fit`.
        workers: Processes of this machine that share the trainings.
        save_every: Steps between the states of a training, as in :func:`kerazoo.fit`.
        overwrite: Whether what stands in the folder may be deleted.
        verbose: Whether every training is reported by a line.

    Raises:
        ValueError: For a bad value.
    """

    data_dir: Path | None = None
    precision: PrecisionName = "auto"
    workers: Count = 1
    save_every: Count | None = None
    overwrite: bool = False
    verbose: bool = True

    def __post_init__(self) -> None:
        reader.validate(self)
        memory.check_processes(self.workers, "workers")
        if self.data_dir is not None:
            object.__setattr__(self, "data_dir", os.fspath(self.data_dir))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """A trial of a search: its ``trial_0007.json``.

    Attributes:
        number: Its number, from 0.
        values: By dimension.
        network: The network; where depth is searched, a member of the family.
        status: ``completed``, ``failed`` or ``running``.
        score: Accuracy, the mean over the folds where there are any.
        std: The folds' standard deviation.
        seconds: What it took.
        macs: Multiply-adds of an image.
        epochs: How many it was trained.
        reason: Why it failed.
        state: The newest state when it was last begun.
        starts: How often it was begun at that state.
        worker: The process that has it.
        run: Its run folder, or that of its folds.
    """

    number: Annotated[int, Range(0)]
    values: Mapping[str, Any]
    network: str
    status: Literal["completed", "failed", "running"] = "running"
    score: float | None = None
    std: float | None = None
    seconds: float = 0.0
    macs: int | None = None
    epochs: int | None = None
    reason: str | None = None
    state: str = ""
    starts: int = 0
    worker: str | None = None
    run: str = ""


def summary(trial: Trial) -> str:
    """An ended trial in a line, as in ``trial 3: 0.9441 (2.1 s) dropout=0.5``."""
    score = trial.reason if trial.score is None else f"{trial.score:.4f}"
    values = one_line(trial.values)
    return f"trial {trial.number}: {score} ({trial.seconds:.1f} s) {values}"


def shorten(value: Any) -> str:
    """A hyper-parameter for people, as in ``0.01``."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def one_line(values: Mapping[str, Any]) -> str:
    """Hyper-parameters for people, as in ``learning_rate=0.01 pool=max``."""
    return " ".join(f"{name}={shorten(value)}" for name, value in values.items())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Winner:
    """What a search chose within a fold.

    Attributes:
        network: The network's name.
        values: The hyper-parameters.
        inner_score: The mean score over the inner folds, by which it was chosen.
    """

    network: str
    values: Mapping[str, Any]
    inner_score: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fold:
    """A fold of a cross-validation, tested.

    Attributes:
        repeat: Of the split into folds, from 1.
        number: Its number within the repeat, from 1.
        images: How many were tested.
        score: The accuracy on them, or the mean IoU.
        loss: Their cross-entropy; ``None`` of a detection.
        run: The run folder, within the cross-validation's.
        winner: What the search within the fold chose, where there was one.
    """

    repeat: int
    number: int
    images: int
    score: float
    loss: float | None
    run: str
    winner: Winner | None = None
