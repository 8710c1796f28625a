"""A search's results, read from its folder.

===================  ================================================================
``search.json``      what is searched, where and how
``oracle.json``      the strategy's state
``trial_0007.json``  a trial: its values, score, cost, and its reason where it failed
``trial_0007/``      its run folder (or its folds'); only the best keep their networks
``results.csv``      the table, best first
``results.png``      the same as parallel coordinates
``events/``          the same for TensorBoard's HParams
===================  ================================================================
"""

import dataclasses
import functools
import math
import pathlib
import shutil
from typing import Any, Literal

from kerazoo import data as kerazoo_data
from kerazoo import display, reader, tasks, training
from kerazoo.data.arrays import DataLike
from kerazoo.files import check_own, replacing_folder, write_atomic
from kerazoo.reader import Path
from kerazoo.recipe import Recipe
from kerazoo.run import FILES as RUN_FILES
from kerazoo.run import Run, check_place
from kerazoo.training.evaluation import own_parts
from kerazoo.training.finishing import draw
from kerazoo.tuning import tables
from kerazoo.tuning.folds import merge_splits
from kerazoo.tuning.records import PrecisionName, SearchPlan, Trial, shorten
from kerazoo.tuning.spaces import Space


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """What is searched, where and how: a search's ``search.json``.

    Attributes:
        network: The network's name.
        data: The data set's name.
        recipe: What the space changes.
        plan: What is tried.
        precision: As in :func:`kerazoo.fit`.
        data_dir: Where the data set's files are.
        save_every: Steps between the states of a trial.
        images: A digest of which images are trained and scored on.
    """

    network: str
    data: str
    recipe: Recipe
    plan: SearchPlan
    precision: PrecisionName
    data_dir: str | None = None
    save_every: int | None = None
    images: str = ""

    @functools.cached_property
    def space(self) -> Space:
        """What is searched; made once, for it asks for every value."""
        return Space(self.network, self.recipe, self.plan.space)

    @property
    def score_name(self) -> str:
        """What trials are compared by, from the network's task."""
        return tasks.of_network(self.network).score_name

    def load_data(self, data: DataLike | None = None) -> kerazoo_data.ImageData:
        """The data set, or as it is one that is loaded."""
        return kerazoo_data.load(
            self.data if data is None else data,
            data_dir=self.data_dir,
            validation=self.recipe.validation,
            seed=self.recipe.seed,
        )


class Search:
    """A search's results, read from its folder.

    Args:
        folder: The folder.

    Raises:
        ValueError: Where it holds no search.
    """

    @reader.checked
    def __init__(self, folder: Path) -> None:
        self.path = pathlib.Path(folder)
        path = self.path / "search.json"
        if not path.is_file():
            raise ValueError(f"{self.path} holds no search; kerazoo tune makes one.")
        self.config = reader.load(SearchConfig, path)

    def __repr__(self) -> str:
        return f"Search({str(self.path)!r})"

    def _repr_html_(self) -> str:
        names, trials = list(self.config.plan.space), self.trials
        rows = [
            (
                str(one.number),
                (one.reason or one.status)
                if one.score is None
                else display.percent(one.score),
                f"{one.seconds:.1f}",
                one.network,
                *(shorten(one.values[name]) for name in names),
            )
            for one in trials[:20]
        ]
        head = ("trial", self.config.score_name, "seconds", "network", *names)
        more = len(trials) - len(rows)
        note = f"and {more:,} more" if more else ""
        return display.table(rows, head, title=f"search {self.path}", note=note)

    @property
    def trials(self) -> list[Trial]:
        """Its trials, best first, then those that failed or still run."""
        trials = [read_trial(path) for path in self.path.glob("trial_[0-9]*.json")]
        return sorted(trials, key=lambda one: (-_score(one), one.number))

    @property
    def best(self) -> Trial:
        """The best trial.

        Raises:
            ValueError: Where no trial completed.
        """
        trials = self.trials
        if not trials or trials[0].score is None:
            reasons = [one.reason for one in trials if one.reason]
            raise ValueError(
                f"No trial of {self.path} has completed"
                + (f"; the first failed because: {reasons[0]}" if reasons else ".")
            )
        return trials[0]

    @property
    def network(self) -> str:
        """The best trial's network; where depth was searched, a member of the family.

        Raises:
            ValueError: Where no trial completed.
        """
        return self.best.network

    def recipe(self) -> Recipe:
        """The best trial's recipe.

        Raises:
            ValueError: Where no trial completed.
        """
        return self.config.space.apply(self.best.values)[1]

    def runs(self, count: int | None = None) -> list[Run]:
        """The runs of the best trials that keep their networks, best first."""
        runs = [one.run for one in self.trials if one.status == "completed"]
        kept = [run for run in runs if pathlib.Path(run, "model.keras").is_file()]
        return [Run(run) for run in kept[:count]]

    @reader.checked
    def winner(
        self,
        run: Path,
        *,
        data: DataLike | None = None,
        data_dir: Path | None = None,
        overwrite: bool = False,
        retrain: bool = False,
        verbose: Literal["auto", 0, 1, 2] | bool = "auto",
    ) -> Run:
        """Makes the best trial a run folder like those of ``kerazoo train``.

        The trial's network is taken as it is and measured on the test images, for the
        first time; where the trial was a cross-validation, its recipe is trained.

        Args:
            run: The run folder to make.
            data: The set, where it was given to the search in memory.
            data_dir: Where the data set's files are; by default as in the search.
            overwrite: Whether a run that stands there may be deleted.
            retrain: Whether the best recipe is trained anew on all images but those of
                the test, now that nothing is left to choose. Where it stops early, it
                is trained for as many epochs as the trial's best had.
            verbose: What a training prints, as in :func:`kerazoo.fit`.

        Raises:
            ValueError: Where no trial completed, something stands in the folder, or
                `retrain` finds validation images that cannot be learnt from, or no
                number of epochs.
        """
        best, config = self.best, self.config
        data_dir = data_dir or config.data_dir
        source, run = pathlib.Path(best.run), check_place(run)
        if retrain:
            images = config.load_data(data)
            train = merge_splits(images)
            return training.fit(
                best.network,
                dataclasses.replace(images, train=train, validation=None),
                self._without_validation(),
                run=run,
                data_dir=data_dir,
                precision=config.precision,
                overwrite=overwrite,
                verbose=verbose,
            )
        if config.plan.folds or not (source / "model.keras").is_file():
            return training.fit(
                best.network,
                config.data if data is None else data,
                self.recipe(),
                run=run,
                data_dir=data_dir,
                precision=config.precision,
                overwrite=overwrite,
                verbose=verbose,
            )
        if run.exists() and any(run.iterdir()):
            if not overwrite:
                raise ValueError(
                    f"{run} holds a run; give another folder, or overwrite it "
                    "(--overwrite)."
                )
            check_own(run, RUN_FILES, "run")
        trained, old = Run(source).config, Run(source)
        recipe = self.recipe()
        images = config.load_data(data)
        with replacing_folder(run) as partial:
            # The state is for Hyperband's next trials.
            ignore = shutil.ignore_patterns("state")
            shutil.copytree(source, partial, dirs_exist_ok=True, ignore=ignore)
            copy = Run(partial)
            parts = own_parts(validation_as_test(images), recipe)
            if images.validation and parts == trained.parts:
                # Split as by name, but that the validation images were the test's.
                counts = images.fingerprint
                trained = dataclasses.replace(trained, parts=None, images=counts)
            write_atomic(partial / "config.json", reader.dump(trained))
            metrics = training.evaluate(copy, data=data, data_dir=data_dir)
            write_atomic(partial / "metrics.json", metrics.to_json())
            task = tasks.find(trained.task)
            draw(copy, old.history, metrics, task, old.step_history)
        return Run(run)

    def _without_validation(self):
        """The best trial's recipe, for when no images are left to watch."""
        recipe = self.recipe()
        fields: dict[str, Any] = {"validation": 0.0, "validate_every": None}
        if recipe.early_stopping:
            if self.config.plan.folds:
                raise ValueError(
                    "retrain has no number of epochs: the recipe stops early, and each "
                    "fold did so after its own; save it (--save-recipe), and train it "
                    "with early_stopping=None, validation=0 and epochs of your choice."
                )
            losses = [row["val_loss"] for row in Run(self.best.run).history]
            epochs = 1 + losses.index(min(losses))
            fields |= {"early_stopping": None, "steps": None, "epochs": epochs}
        return recipe.replace(fields)

    def report(self) -> None:
        """Writes ``results.csv`` and ``results.png``."""
        names, trials = list(self.config.plan.space), self.trials
        write_atomic(self.path / "results.csv", tables.csv(trials, names))
        tables.draw(self.path / "results.png", trials, names)


def _score(trial):
    return -math.inf if trial.score is None else trial.score


def read_trial(path: pathlib.Path) -> Trial:
    """The trial of a file; its run folder stands beside it."""
    trial = reader.load(Trial, path)
    return dataclasses.replace(trial, run=str(path.with_suffix("")))


def validation_as_test(images: kerazoo_data.ImageData) -> kerazoo_data.ImageData:
    """Images with the validation split in the place of the test split."""
    assert images.validation, "a search has asked for validation images"
    return dataclasses.replace(images, validation=None, test=images.validation)
