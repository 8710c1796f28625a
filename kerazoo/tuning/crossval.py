"""Cross-validation: what a network is worth, asked of the training images alone.

:func:`cross_validate` gives mean and spread of one recipe's accuracy over the folds.
:func:`nested` does so for a whole search: for every outer fold the hyper-parameters are
searched anew on the other folds, so that no image helps to choose the network that it
tests (Varma & Simon, "Bias in error estimation when using cross-validation for model
selection", BMC Bioinformatics 7:91, 2006; Cawley & Talbot, JMLR 11, 2010).

Whatever is fitted, weights, normalisation, whitening, the epoch at which a training
stops, the hyper-parameters, is handed a set in which the fold's images are missing. The
set's own test split is not looked at.
"""

import collections
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import sys

import numpy as np

from kerazoo import data as kerazoo_data
from kerazoo import training
from kerazoo.files import write_atomic
from kerazoo.recipe import Recipe
from kerazoo.run import Run
from kerazoo.training.compatibility import check
from kerazoo.tuning import locks, strategies
from kerazoo.tuning.folds import labels_of, parted, pooled, stratified_folds
from kerazoo.tuning.searching import search
from kerazoo.tuning.spaces import Space


@dataclasses.dataclass(frozen=True)
class CrossValidation:
    """What came out of a cross-validation.

    Attributes:
        network: The network's name.
        data: The data set's name.
        recipe: The recipe of all folds.
        folds: Folds of a repeat.
        repeats: How often all was parted anew.
        seed: Of the parting.
        rows: For every fold ``repeat``, ``fold`` (from 1), ``images`` (tested),
            ``score`` (the accuracy on them), ``loss``, ``run`` (its run folder, within
            the cross-validation's).
    """

    network: str
    data: str
    recipe: Recipe
    folds: int
    repeats: int
    seed: int
    rows: list[dict]

    @property
    def scores(self) -> list[float]:
        """The accuracy on every fold."""
        return [row["score"] for row in self.rows]

    @property
    def mean(self) -> float:
        """The mean accuracy."""
        return float(np.mean(self.scores))

    @property
    def std(self) -> float:
        """The standard deviation over the folds, as scikit-learn's GridSearchCV has it.

        Folds share most of their training images: it is a spread, no standard error.
        """
        return float(np.std(self.scores))

    def to_dict(self) -> dict:
        """All of it as plain data."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        fields["recipe"] = self.recipe.to_dict()
        return fields | {"mean": self.mean, "std": self.std, "scores": self.scores}


@dataclasses.dataclass(frozen=True)
class Nested(CrossValidation):
    """What came out of a nested cross-validation.

    A row has ``inner_score`` too, the mean over the inner folds by which its winner was
    chosen, and the winner's ``network`` and hyper-parameters, ``values``.

    Attributes:
        inner: Folds of the search within an outer fold.
        strategy: How it searched.
        trials: How many hyper-parameter sets it tried.
    """

    inner: int
    strategy: str
    trials: int

    @property
    def winners(self) -> list[dict]:
        """Each hyper-parameter set that won, ``values``, and in which ``folds``.

        None of them is the answer: what is estimated is the procedure that finds one.
        """
        found = collections.defaultdict(list)
        for row in self.rows:
            found[json.dumps(row["values"], sort_keys=True)].append(row["fold"])
        return [
            {"values": json.loads(values), "folds": folds}
            for values, folds in sorted(found.items(), key=lambda one: -len(one[1]))
        ]

    def to_dict(self) -> dict:
        """All of it as plain data."""
        return super().to_dict() | {"winners": self.winners}


def cross_validate(
    network: str,
    data: str | kerazoo_data.ImageData | None = None,
    recipe: Recipe | None = None,
    *,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 1,
    folder: str | os.PathLike,
    data_dir: str | os.PathLike | None = None,
    precision: str = "auto",
    keep_models: bool = False,
    workers: int = 1,
    overwrite: bool = False,
    verbose: str | int = "auto",
) -> CrossValidation:
    """Trains a network once for every fold and tests it on the fold.

    Every fold is a training run in a folder of its own; the same call does not repeat
    those that have finished, and one that was interrupted goes on from its state.

    Args:
        network: The network's name.
        data: A data set's name, or a loaded one; by default the recipe's. Its training
            and validation images are parted; its test images are not looked at.
        recipe: How to train; its validation share is carved from a fold's training
            images where it watches a validation loss.
        folds: How many.
        repeats: How often all images are parted anew.
        seed: Of the parting; the trainings have the recipe's.
        folder: Where the runs, ``plan.json`` and ``crossval.json`` are written.
        data_dir: Where the data set's files are.
        precision: As for :func:`kerazoo.training.fit`.
        keep_models: Whether the folds' networks are kept, for an ensemble.
        workers: Processes of this machine that share the folds. The same call at the
            same time from other places helps, too.
        overwrite: Whether a cross-validation that stands there may be deleted.
        verbose: Whether every fold is reported; ``auto`` on a terminal alone.

    Raises:
        ValueError: For bad arguments, more folds than images of a class among them.
        kerazoo.training.state.Interrupted: On SIGTERM or Ctrl-C.
        kerazoo.training.state.Diverged: Where a fold's loss is no longer a number.
    """
    recipe = recipe or Recipe()
    work = _Work(
        network, data, recipe, folds, repeats, seed, folder, data_dir, precision,
        keep_models, workers, verbose,
    )  # fmt: skip
    work.begin("cross-validation", {"repeats": repeats}, overwrite)

    def train(number):
        work.fit(number, network, recipe, work.places[number])

    rows = work.off(train, [f"--repeats={repeats}"])
    name = work.images.name
    result = CrossValidation(network, name, recipe, folds, repeats, seed, rows)
    write_atomic(
        work.folder / "crossval.json", json.dumps(result.to_dict(), indent=2) + "\n"
    )
    return result


def nested(
    network: str,
    data: str | kerazoo_data.ImageData | None = None,
    recipe: Recipe | None = None,
    *,
    folds: int = 5,
    inner: int = 4,
    space: tuple[str, ...] = (),
    strategy: str = "random",
    trials: int = 10,
    seed: int = 1,
    folder: str | os.PathLike,
    data_dir: str | os.PathLike | None = None,
    precision: str = "auto",
    keep_models: bool = False,
    workers: int = 1,
    overwrite: bool = False,
    verbose: str | int = "auto",
) -> Nested:
    """Estimates what a search's winner is worth, with the search redone in every fold.

    For every outer fold :func:`kerazoo.tuning.search` compares hyper-parameters by
    cross-validation over the other folds; the winner is trained on all of them and
    tested on the outer fold.

    All searches draw with the same seed, so that a random one compares the same
    hyper-parameters in every fold and :attr:`Nested.winners` can count.

    Args:
        network: The network's name.
        data: As for :func:`cross_validate`.
        recipe: What the search begins with.
        folds: Outer folds.
        inner: Folds within the training part of each.
        space: Dimensions, as for the search.
        strategy: As for the search.
        trials: Hyper-parameter sets to try in every outer fold.
        seed: Of the parting and of the searches.
        folder: Where searches, runs, ``plan.json`` and ``nested.json`` are written.
        data_dir: Where the data set's files are.
        precision: As for :func:`kerazoo.training.fit`.
        keep_models: Whether the winners' networks are kept.
        workers: Processes of this machine that share the outer folds.
        overwrite: Whether a nested cross-validation that stands there may be deleted.
        verbose: Whether every fold is reported; ``auto`` on a terminal alone.

    Raises:
        ValueError: For bad arguments.
        kerazoo.training.state.Interrupted: On SIGTERM or Ctrl-C.
        kerazoo.training.state.Diverged: Where a winner's loss is no longer a number.
    """
    recipe = recipe or Recipe()
    space = tuple(space)
    if strategy == "hyperband":
        raise ValueError(
            "hyperband stops trials early, which the inner folds cannot; take another "
            "strategy, such as random or bayesian."
        )
    # What the searches would refuse is refused before anything is written.
    dimensions = Space(network, recipe, space)
    strategies.strategy(strategy, dimensions, trials, seed, recipe.epochs)
    work = _Work(
        network, data, recipe, folds, 1, seed, folder, data_dir, precision,
        keep_models, workers, verbose,
    )  # fmt: skip
    images, pool = work.images, work.pool
    for train, _ in work.parts:
        stratified_folds(pool.subset(train), inner, seed=seed)
    own = {"inner": inner, "space": space, "strategy": strategy, "trials": trials}
    work.begin("nested cross-validation", own, overwrite)

    def choose(number):
        place, (train, _) = work.places[number], work.parts[number]
        # Not even the choice of hyper-parameters may see the fold: it is not there.
        rest = dataclasses.replace(
            images,
            train=pool.subset(train, f"{images.name} train"),
            validation=None,
            test=None,
            published=None,
        )
        found = search(
            network,
            rest,
            recipe,
            space=space,
            strategy=strategy,
            trials=trials,
            folds=inner,
            seed=seed,
            folder=place / "search",
            data_dir=data_dir,
            precision=precision,
            verbose=0,
        )
        winner = {
            "network": found.network,
            "values": found.best["values"],
            "inner_score": found.best["score"],
        }
        write_atomic(place / "winner.json", json.dumps(winner, indent=2) + "\n")
        work.fit(number, found.network, found.recipe(), place / "run")

    words = [f"--nested={inner}", f"--strategy={strategy}", f"--trials={trials}"]
    words += [f"--space={setting}" for setting in space]
    rows = work.off(choose, words, run="run")
    for row, place in zip(rows, work.places, strict=True):
        row |= json.loads((place / "winner.json").read_text(encoding="utf-8"))
    result = Nested(
        network, images.name, recipe, folds, 1, seed, rows, inner, strategy, trials
    )
    write_atomic(
        work.folder / "nested.json", json.dumps(result.to_dict(), indent=2) + "\n"
    )
    return result


@dataclasses.dataclass
class _Work:
    """The folds of a data set, each tested by a training, whatever comes before it."""

    network: str
    data: str | kerazoo_data.ImageData | None
    recipe: Recipe
    folds: int
    repeats: int
    seed: int
    folder: str | os.PathLike
    data_dir: str | os.PathLike | None
    precision: str
    keep_models: bool
    workers: int
    verbose: str | int

    def __post_init__(self):
        _check_workers(self.workers, self.data)
        self.folder = pathlib.Path(self.folder)
        self.images = _load(self.network, self.data, self.recipe, self.data_dir)
        self.pool = pooled(self.images)
        self.parts = stratified_folds(
            self.pool, self.folds, repeats=self.repeats, seed=self.seed
        )
        digits = max(2, len(str(len(self.parts))))
        names = [f"fold_{n:0{digits}d}" for n in range(1, len(self.parts) + 1)]
        self.places = [self.folder / name for name in names]

    def begin(self, kind, own, overwrite):
        """Makes the folder, or finds it."""
        plan = {
            "kind": kind,
            "network": self.network,
            **_identity(self.images, self.pool),
            "recipe": self.recipe.to_dict(),
            "folds": self.folds,
            "seed": self.seed,
            "precision": self.precision,
        }
        locks.begin(self.folder, "plan.json", kind, plan | own, overwrite)

    def fit(self, number, network, recipe, run):
        """Trains on all but a fold and tests on it."""
        done = training.fit(
            network,
            parted(self.images, self.pool, *self.parts[number], recipe),
            recipe,
            run=run,
            data_dir=self.data_dir,
            precision=self.precision,
            events=False,
            verbose=0,
        )
        if not self.keep_models:
            # A fold's figures stay; its network nobody asked for.
            shutil.rmtree(run / "state", ignore_errors=True)
            (run / "model.keras").unlink(missing_ok=True)
        if sys.stdout.isatty() if self.verbose == "auto" else self.verbose:
            accuracy, images = done.metrics.accuracy, done.metrics.images
            words = f"fold {number + 1} of {len(self.places)}: {accuracy:.2%}"
            print(f"{words} of {images:,} images")

    def off(self, work, words, run="."):
        """Does the work of all folds, with the workers' help.

        Args:
            work: What to do for the fold of a number.
            words: The command's own words, by which a worker takes part.
            run: Where a fold's run is, seen from its place.

        Returns:
            A row for every fold.
        """
        runs = [place / run for place in self.places]
        with locks.helped(self.workers - 1, self._words() + words), locks.quiet():
            locks.work_off(
                self.places,
                lambda place: (place / run / "metrics.json").is_file(),
                work,
            )
        rows = []
        for number, place in enumerate(runs):
            metrics = Run(place).metrics
            rows.append(
                {
                    "repeat": number // self.folds + 1,
                    "fold": number % self.folds + 1,
                    "images": metrics.images,
                    "score": metrics.accuracy,
                    "loss": metrics.loss,
                    "run": place.relative_to(self.folder).as_posix(),
                }
            )
        return rows

    def _words(self):
        """The command by which a worker takes part, but for what is its own."""
        if self.workers == 1:
            return []
        recipe = self.folder / "recipe.json"
        write_atomic(recipe, self.recipe.to_json() + "\n")
        given = {
            "data": self.data or self.recipe.data,
            "recipe": recipe,
            "folds": self.folds,
            "seed": self.seed,
            "folder": self.folder,
            "precision": self.precision,
        }
        if self.data_dir:
            given["data-dir"] = self.data_dir
        words = [f"--{name}={value}" for name, value in given.items()]
        return ["crossval", self.network, *words, *["--keep-models"] * self.keep_models]


def _check_workers(workers, data):
    if workers < 1:
        raise ValueError(f"workers is {workers}; it must be 1 or more.")
    if workers > 1 and isinstance(data, kerazoo_data.ImageData):
        raise ValueError(
            f"{workers} workers cannot share a set that only this process has loaded; "
            "give its name (data='digits', 'folder:PATH'), or workers=1."
        )


def _load(network, data, recipe, data_dir):
    check(network, recipe)
    images = data
    if not isinstance(data, kerazoo_data.ImageData):
        images = kerazoo_data.load(
            data or recipe.data, data_dir=data_dir, validation=0, seed=recipe.seed
        )
    if recipe.start_from:
        seen = Run(recipe.start_from).config.data
        if seen == images.name:
            raise ValueError(
                f"The recipe {recipe.name} starts from {recipe.start_from}, whose "
                f"weights have seen the images of {seen} that the folds are to test; "
                "begin with new weights (start_from=None)."
            )
    return images


def _identity(images, pool):
    """By what a set is known again."""
    digest = hashlib.sha256(pool.indices.tobytes())
    digest.update(labels_of(pool).astype("int64").tobytes())
    return {
        "data": images.name,
        "classes": list(images.classes),
        "images": pool.size,
        "labels": digest.hexdigest()[:16],
    }
