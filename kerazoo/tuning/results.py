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
import json
import math
import os
import pathlib
import shutil

from kerazoo import data as kerazoo_data
from kerazoo import training
from kerazoo.files import replacing_folder, write_atomic
from kerazoo.recipe import Recipe
from kerazoo.run import Run
from kerazoo.training.evaluation import own_parts
from kerazoo.training.fitting import draw
from kerazoo.tuning import tables
from kerazoo.tuning.spaces import Space


class Search:
    """A search's results, read from its folder.

    Args:
        folder: The folder.

    Raises:
        ValueError: Where it holds no search.
    """

    def __init__(self, folder: str | os.PathLike):
        self.path = pathlib.Path(folder)
        path = self.path / "search.json"
        if not path.is_file():
            raise ValueError(f"{self.path} holds no search; kerazoo tune makes one.")
        try:
            self.plan = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error}.") from error

    def __repr__(self):
        return f"Search({str(self.path)!r})"

    @property
    def rows(self) -> list[dict]:
        """A row a trial, best first, then those that failed or still run.

        ``trial`` (its number), ``values`` by dimension, ``score`` (accuracy; the mean
        over the folds), ``spread`` (their standard deviation, or None), ``seconds``,
        ``macs`` (multiply-adds of an image), ``epochs``, ``status`` (``completed``,
        ``failed`` or ``running``), ``reason`` (of a failure), ``network`` and ``run``
        (its folder).
        """
        rows = []
        for path in self.path.glob("trial_*.json"):
            row = json.loads(path.read_text(encoding="utf-8"))
            rows.append(row | {"run": str(self.path / path.stem)})
        return sorted(rows, key=lambda row: (-_score(row), row["trial"]))

    @property
    def best(self) -> dict:
        """The best row.

        Raises:
            ValueError: Where no trial completed.
        """
        rows = self.rows
        if not rows or rows[0]["score"] is None:
            reasons = [row["reason"] for row in rows if row["reason"]]
            raise ValueError(
                f"No trial of {self.path} has completed"
                + (f"; the first failed because: {reasons[0]}" if reasons else ".")
            )
        return rows[0]

    @property
    def space(self) -> Space:
        """What was searched."""
        return Space(
            self.plan["network"],
            Recipe.from_dict(self.plan["recipe"]),
            self.plan["space"],
        )

    @property
    def network(self) -> str:
        """The best trial's network; where depth was searched, a member of the family.

        Raises:
            ValueError: Where no trial completed.
        """
        return self.best["network"]

    def recipe(self) -> Recipe:
        """The best trial's recipe.

        Raises:
            ValueError: Where no trial completed.
        """
        return self.space.apply(self.best["values"])[1]

    def runs(self, count: int | None = None) -> list[Run]:
        """The runs of the best trials that keep their networks, best first."""
        runs = [row["run"] for row in self.rows if row["status"] == "completed"]
        kept = [run for run in runs if pathlib.Path(run, "model.keras").is_file()]
        return [Run(run) for run in kept[:count]]

    def winner(
        self,
        run: str | os.PathLike,
        *,
        data_dir: str | os.PathLike | None = None,
        overwrite: bool = False,
    ) -> Run:
        """Makes the best trial a run folder like those of ``kerazoo train``.

        The trial's network is taken as it is and measured on the test images, for the
        first time; where the trial was a cross-validation, its recipe is trained.

        Args:
            run: The run folder to make.
            data_dir: Where the data set's files are; by default as in the search.
            overwrite: Whether a run that stands there may be deleted.

        Raises:
            ValueError: Where no trial completed, or something stands in the folder.
        """
        best, plan = self.best, self.plan
        data_dir = data_dir or plan["data_dir"]
        source, run = pathlib.Path(best["run"]), pathlib.Path(run)
        if plan["folds"] or not (source / "model.keras").is_file():
            return training.fit(
                best["network"],
                plan["data"],
                self.recipe(),
                run=run,
                data_dir=data_dir,
                precision=plan["precision"],
                overwrite=overwrite,
            )
        if run.is_file():
            raise ValueError(f"{run} is a file; give a folder for the run.")
        if run.exists() and any(run.iterdir()) and not overwrite:
            raise ValueError(
                f"{run} is not empty; give another folder for the run, or overwrite "
                "it (--overwrite)."
            )
        recipe = self.recipe()
        images = load(plan, recipe)
        with replacing_folder(run) as partial:
            shutil.copytree(source, partial, dirs_exist_ok=True)
            copy = Run(partial)
            config, parts = copy.config, own_parts(scored(images), recipe)
            if images.validation and parts == config.parts:
                # Parted as by name, but that the validation part was the test's.
                config = dataclasses.replace(config, parts=None)
            write_atomic(partial / "config.json", config.to_json())
            metrics = training.evaluate(copy, data_dir=data_dir)
            write_atomic(partial / "metrics.json", metrics.to_json())
            draw(copy, copy.history, metrics)
        return Run(run)

    def report(self) -> None:
        """Writes ``results.csv`` and ``results.png``."""
        names = list(self.plan["space"])
        write_atomic(self.path / "results.csv", tables.csv(self.rows, names))
        tables.draw(self.path / "results.png", self.rows, names)


def _score(row):
    return -math.inf if row["score"] is None else row["score"]


def load(plan: dict, recipe: Recipe) -> kerazoo_data.ImageData:
    """The data set of a search."""
    return kerazoo_data.load(
        plan["data"],
        data_dir=plan["data_dir"],
        validation=recipe.validation,
        seed=recipe.seed,
    )


def scored(images: kerazoo_data.ImageData) -> kerazoo_data.ImageData:
    """Images with the validation part in the place of the test part."""
    return dataclasses.replace(images, validation=None, test=images.validation)
