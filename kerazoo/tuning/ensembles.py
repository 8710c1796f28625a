"""Ensembles: several trained networks answer as one.

Members are runs with different seeds, the best trials of a search or the folds of a
cross-validation, or the snapshots of one run.
"""

import dataclasses
import itertools
import json
import math
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from kerazoo import data as kerazoo_data
from kerazoo import reader, tasks
from kerazoo.analysis import plots
from kerazoo.data.arrays import DataLike
from kerazoo.display import number, percent, table
from kerazoo.errors import unknown
from kerazoo.files import (
    check_folder,
    check_own,
    replacing,
    replacing_folder,
    write_atomic,
)
from kerazoo.reader import Count, Path
from kerazoo.run import FILES as RUN_FILES
from kerazoo.run import Metrics, Run
from kerazoo.surgery import join
from kerazoo.surgery.preprocessing import resized_to_output
from kerazoo.tasks.classification import classification_metrics, predictions
from kerazoo.training.evaluation import SPLITS, images_to_measure
from kerazoo.training.snapshots import list_snapshots, model_at
from kerazoo.tuning.records import Fold
from kerazoo.tuning.results import Search

RULES = (*join.RULES, "weights")
# Of all subsets of one size at most so many are looked at.
SUBSETS = 100


@dataclasses.dataclass(frozen=True)
class Member:
    """A trained network that takes part.

    Attributes:
        run: Its run.
        epoch: Of the snapshot; ``None`` for the run's last weights.
    """

    run: Run
    epoch: Count | None = None

    def __post_init__(self) -> None:
        reader.validate(self)

    @property
    def name(self) -> str:
        """What tables call it."""
        at = "" if self.epoch is None else f"@{self.epoch}"
        return f"{self.run.path}{at}"

    def model(self) -> keras.Model:
        """Its served network."""
        if self.epoch is not None:
            return model_at(self.run, self.epoch)
        return self.run.model()


@dataclasses.dataclass(frozen=True, kw_only=True)
class MemberResult:
    """What a member is worth on its own.

    Attributes:
        name: What tables call it.
        network: The network's name.
        score: The share of right guesses, or the mean IoU.
        loss: Cross-entropy; ``None`` of a detection.
    """

    name: str
    network: str
    score: float
    loss: float | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """The errors of ensembles of one size.

    Attributes:
        members: The size.
        error: The mean over subsets of the members.
        low: The lowest.
        high: The highest.
        subsets: How many were looked at: all, or 100 drawn at random.
    """

    members: int
    error: float
    low: float
    high: float
    subsets: int


@dataclasses.dataclass(frozen=True)
class Ensemble:
    """What came out of joining some networks.

    Attributes:
        rule: How their answers become one.
        model: One served network: raw images of any size to class probabilities.
        data: The data set that all were measured on.
        split: Its part.
        members: Every member on its own.
        metrics: The same measures of the whole as of a run.
        correlation: How much any two members err on the same images: the correlation
            of their errors, ``None`` where a member makes none; empty for a
            segmentation, as the answers for all pixels of all images are too many to
            hold.
        curve: The error for 1, 2, ... members; empty where weights are averaged, and
            for a segmentation.
        score_name: What the members' scores are.
    """

    rule: str
    model: keras.Model
    data: str
    split: str
    members: tuple[MemberResult, ...]
    metrics: Metrics
    correlation: list[list[float | None]]
    curve: tuple[CurvePoint, ...]
    score_name: str = "accuracy"

    @property
    def mean_correlation(self) -> float | None:
        """The mean over all pairs of members whose correlation there is."""
        count = len(self.correlation)
        pairs = [
            self.correlation[i][j] for i, j in itertools.combinations(range(count), 2)
        ]
        known = [value for value in pairs if value is not None]
        return float(np.mean(known)) if known else None

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, score and loss of the members, then of all together, as texts."""
        joint = self.metrics
        rows = [(one.name, one.score, one.loss) for one in self.members]
        rows.append((f"together ({self.rule})", joint.score, joint.loss))
        return [(name, percent(right), number(loss)) for name, right, loss in rows]

    def _repr_html_(self) -> str:
        head = ("member", self.score_name, "loss")
        return table(self.rows(), head, title=f"{self.data} {self.split}")

    def to_dict(self) -> dict[str, Any]:
        """All of it but the network, as plain data."""
        return {
            "rule": self.rule,
            "data": self.data,
            "split": self.split,
            "members": [reader.plain(member) for member in self.members],
            "metrics": self.metrics.to_dict(),
            "correlation": self.correlation,
            "mean_correlation": self.mean_correlation,
            "curve": [reader.plain(point) for point in self.curve],
        }


@reader.checked
def members(
    place: Path, *, top: Count | None = None, snapshots: bool = False
) -> list[Member]:
    """The networks of a folder that can take part in an ensemble.

    Args:
        place: A run, a cross-validation or a search.
        top: How many of the best of a search or a cross-validation; by default all.
        snapshots: Whether a run stands for its snapshots.

    Raises:
        ValueError: Where there is nothing of the kind.
    """
    place = pathlib.Path(place)
    for name in ("crossval.json", "nested.json"):
        if (place / name).is_file():
            path = place / name
            data = reader.read(Mapping[str, Any], reader.read_json(path), str(path))
            listed = reader.read(list[Any], data.get("folds"), f"{path}: folds")
            folds = [reader.record(Fold, fold, str(path)) for fold in listed]
            folds.sort(key=lambda fold: -fold.score)
            return [Member(Run(place / fold.run)) for fold in folds[:top]]
    if (place / "config.json").is_file() or not place.is_dir():
        run = Run(place)
        if not snapshots:
            return [Member(run)]
        epochs = list_snapshots(run)
        if not epochs:
            raise ValueError(
                f"{place} has kept no snapshots; name their epochs when training, as "
                "in --set snapshots=10,20,30."
            )
        return [Member(run, epoch) for epoch in epochs]
    runs = Search(place).runs(top)
    if not runs:
        raise ValueError(
            f"{place} keeps no networks: its trials were cross-validations, or none "
            "has completed; train its best recipes and give those runs."
        )
    return [Member(run) for run in runs]


@reader.checked
def ensemble(
    runs: Path | Sequence[Path],
    *,
    rule: str = "probabilities",
    top: Count | None = None,
    snapshots: bool = False,
    folder: Path | None = None,
    data: DataLike | None = None,
    data_dir: Path | None = None,
    split: str = "test",
    overwrite: bool = False,
) -> Ensemble:
    """Joins trained networks and measures the members and the whole side by side.

    Args:
        runs: One or several folders of runs, searches or cross-validations.
        rule: ``probabilities``, ``logits`` or ``votes`` (see
            :func:`kerazoo.tuning.joined`), or ``weights`` for one network of the mean
            weights (:func:`kerazoo.tuning.averaged`).
        top: How many of the best of a search or a cross-validation.
        snapshots: Whether a run stands for its snapshots.
        folder: Where to leave a run folder with the joined ``model.keras``,
            ``metrics.json``, ``ensemble.json`` and ``ensemble.png``.
        data: Another data set with the same classes, as for :func:`kerazoo.evaluate`;
            by default the members'.
        data_dir: Where its files are; by default where the first member found them.
        split: ``test``, or ``train`` or ``validation`` where all members have split
            the set alike.
        overwrite: Whether an ensemble that stands in the folder may be deleted.

    Raises:
        ValueError: For fewer than two members, one that is named twice or is not
            finished, or members that do not belong together.
    """
    if rule not in RULES:
        raise unknown("rule", rule, RULES)
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    runs = [runs] if isinstance(runs, (str, os.PathLike)) else runs
    _check_choice(runs, top, snapshots)
    found = [one for run in runs for one in members(run, top=top, snapshots=snapshots)]
    configs = _check_together(found)
    if rule != "weights" and any(one.task == "detection" for one in configs):
        raise ValueError(
            f"rule {rule} joins scores, but detectors give boxes, and each its own; "
            "give rule weights, for networks of one training."
        )
    folder = None if folder is None else _free(folder, overwrite)
    _check_split(found, configs, split)
    models = [member.model() for member in found]
    images = images_to_measure(found[0].run, data, data_dir)
    if rule == "weights":
        whole = join.averaged(models, _training_batches(models, found[0], images))
    else:
        whole = join.joined(models, rule)
    result = _measured(found, models, whole, rule, images, split)
    if folder is not None:
        with replacing_folder(folder) as place:
            _write(place, result, found, configs)
    return result


def _check_choice(places, top, snapshots):
    """Refuses a choice among what none of the places has."""
    runs = [(pathlib.Path(place) / "config.json").is_file() for place in places]
    if top is not None and all(runs):
        raise ValueError(
            f"top is {top}, but only runs are given; it chooses the best of a search "
            "or of a cross-validation."
        )
    if snapshots and not any(runs):
        raise ValueError(
            "snapshots are those of runs, but no run is given; leave it out."
        )


def _check_together(found):
    """Refuses members that do not belong together; their configurations."""
    names = [member.name for member in found]
    if len(found) < 2:
        raise ValueError(
            f"An ensemble needs two members or more, but {names[0]} is the only one; "
            "give more runs, a search with --top 5, or a run with --snapshots."
            if found
            else "An ensemble needs two members or more; give the folders of runs."
        )
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name} is named twice; give each member once.")
    configs = [member.run.config for member in found]
    for member, config in zip(found, configs, strict=True):
        if not member.run.finished:
            raise ValueError(
                f"{member.run.path} has not ended; finish it with the command that "
                "began it, or leave it out."
            )
        for field in ("classes", "data"):
            one, other = getattr(configs[0], field), getattr(config, field)
            if one != other:
                one, other = _short(one), _short(other)
                raise ValueError(
                    f"{names[0]} was trained on {field} {one} and {member.name} on "
                    f"{other}; join networks of the same {field}."
                )
    return configs


def _short(value):
    if isinstance(value, str):
        return value
    return ", ".join(value[:4]) + " ..." * (len(value) > 4)


def _check_split(found, configs, split):
    ways = {
        (config.parts, member.run.recipe.validation, member.run.recipe.seed)
        for member, config in zip(found, configs, strict=True)
    }
    if split != "test" and (len(ways) > 1 or configs[0].parts):
        raise ValueError(
            f"The members have split {configs[0].data} differently, so that some "
            f"have learnt from the {split} images of others; measure split test."
        )


def _free(folder, overwrite):
    folder = check_folder(folder, "ensemble")
    if folder.exists() and any(folder.iterdir()):
        if not (folder / "ensemble.json").is_file():
            raise ValueError(f"{folder} holds something else; give another folder.")
        if not overwrite:
            raise ValueError(
                f"{folder} holds an ensemble; give another folder, or overwrite it "
                "(--overwrite)."
            )
        check_own(folder, RUN_FILES, "ensemble")
    return folder


def _training_batches(models, member, images):
    """What the statistics of batch norms are measured on, as in training."""
    if not join.norms_of(models[0]):
        return None
    config, recipe = member.run.config, member.run.recipe
    if config.parts:
        raise ValueError(
            f"{member.run.path} was trained on parts of {config.data} that cannot "
            "be found by name, so that its batch norms cannot be measured again; "
            "average snapshots of a run on a whole set."
        )
    return kerazoo_data.Batches(
        images.train,
        recipe.batch_size,
        image_shape=config.image_shape,
        resize=recipe.resize,
        augment=recipe.augment,
        seed=recipe.seed,
        shuffle=True,
        drop_remainder=True,
    )


def _measured(found, models, whole, rule, images, split):
    """Every member sees the images as in its own evaluation."""
    part = getattr(images, split)
    if part is None:
        raise ValueError(f"{images.name} has no {split} images; measure split test.")
    seen = {}

    def batches(member):
        config, recipe = member.run.config, member.run.recipe
        way = (config.image_shape, recipe.resize)
        if way not in seen:
            seen[way] = kerazoo_data.Batches(
                part, recipe.batch_size, image_shape=way[0], resize=way[1]
            )
        return seen[way]

    if images.task == "classification":
        measured = _classified(found, models, whole, rule, images.classes, batches)
    else:
        task = tasks.find(images.task)

        def measure(model, member):
            served = resized_to_output(model)
            return task.measure(served, batches(member), images.classes)

        single = [measure(*one) for one in zip(models, found, strict=True)]
        # Members of several sizes answer at their own; the whole at the first's.
        measured = single, measure(whole, found[0]), [], ()
    single, together, correlation, curve = measured
    return Ensemble(
        rule=rule,
        model=whole,
        data=images.name,
        split=split,
        members=tuple(
            MemberResult(
                name=member.name,
                network=member.run.config.network,
                score=metrics.score,
                loss=metrics.loss,
            )
            for member, metrics in zip(found, single, strict=True)
        ),
        metrics=together,
        correlation=correlation,
        curve=curve,
        score_name=tasks.find(images.task).score_name,
    )


def _classified(found, models, whole, rule, classes, batches):
    """The metrics of the members and of the whole, how errors correlate, the curve."""
    gathered = []
    networks = [*models, whole] if rule == "weights" else models
    members_of = [*found, found[0]] if rule == "weights" else found
    for member, model in zip(members_of, networks, strict=True):
        if rule == "logits":
            model = join.logits_of(model)
        truth, scores = predictions(resized_to_output(model), batches(member))
        gathered.append(scores)
    averaged = gathered.pop() if rule == "weights" else None
    answers = np.stack(gathered)
    single = _softmax(answers) if rule == "logits" else answers
    wrong = single.argmax(-1) != truth
    if averaged is None:
        averaged = combine(answers, rule)
    return (
        [classification_metrics(truth, scores, classes) for scores in single],
        classification_metrics(truth, averaged, classes),
        _correlation(wrong),
        () if rule == "weights" else error_curve(answers, truth, rule),
    )


def _softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def combine(answers: np.ndarray, rule: str) -> np.ndarray:
    """What members say as one, as the joined network does.

    Args:
        answers: ``(members, images, classes)``: probabilities, or logits for that rule.
        rule: ``probabilities``, ``logits`` or ``votes``.

    Returns:
        Probabilities ``(images, classes)``.
    """
    if rule == "votes":
        answers = np.eye(answers.shape[-1])[answers.argmax(-1)]
    mean = answers.mean(0)
    return _softmax(mean) if rule == "logits" else mean


def error_curve(
    answers: np.ndarray, truth: np.ndarray, rule: str
) -> tuple[CurvePoint, ...]:
    """The error against the number of members.

    Args:
        answers: As for :func:`together`.
        truth: The class of every image.
        rule: As for :func:`together`.

    Returns:
        A point for 1, 2, ... members.
    """
    count, points = len(answers), []
    draw = np.random.default_rng(1)
    for size in range(1, count + 1):
        if math.comb(count, size) <= SUBSETS:
            subsets = np.array(list(itertools.combinations(range(count), size)))
        else:
            picks = [draw.choice(count, size, replace=False) for _ in range(SUBSETS)]
            subsets = np.array(picks)
        errors = [
            float((combine(answers[one], rule).argmax(-1) != truth).mean())
            for one in subsets
        ]
        points.append(
            CurvePoint(
                members=size,
                error=float(np.mean(errors)),
                low=min(errors),
                high=max(errors),
                subsets=len(errors),
            )
        )
    return tuple(points)


def _correlation(wrong):
    """Pearson's correlation of the errors ``(members, images)``, pair by pair."""
    centred = wrong - wrong.mean(1, keepdims=True)
    norms = np.sqrt((centred**2).sum(1))
    return [
        [
            float(one @ other / (a * b)) if a and b else None
            for other, b in zip(centred, norms, strict=True)
        ]
        for one, a in zip(centred, norms, strict=True)
    ]


def _write(folder, result, found, configs):
    """A run folder."""
    config = dataclasses.replace(
        configs[0],
        network="ensemble",
        rule=result.rule,
        members=tuple(member.name for member in found),
    )
    write_atomic(folder / "config.json", reader.dump(config))
    with replacing(folder / "model.keras") as path:
        result.model.save(path)
    write_atomic(
        folder / "ensemble.json", json.dumps(result.to_dict(), indent=2) + "\n"
    )
    if result.curve:
        with replacing(folder / "ensemble.png") as path:
            plots.save(plots.ensemble(result.curve), path)
    write_atomic(folder / "metrics.json", result.metrics.to_json())
