"""Searches: many trainings of a network, of which the best is kept.

A trial is a training run like every other, in a run folder of its own; so it resumes,
and the best of them already is a run. What it is scored on, the validation part or the
folds of a cross-validation, stands in the place of the test part: the data set's own
test images are not looked at.

A search's folder:

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
import gc
import hashlib
import json
import math
import os
import pathlib
import shutil
import sys
import time

import keras
import tensorflow as tf

from kerazoo import data as kerazoo_data
from kerazoo import registry, training
from kerazoo.analysis.ledger import ledger
from kerazoo.recipe import Recipe
from kerazoo.training.evaluation import own_parts
from kerazoo.training.fitting import draw
from kerazoo.training.run import LOCK, PARTIAL, write
from kerazoo.training.state import Interrupted
from kerazoo.tuning import sharing, strategies, tables, working
from kerazoo.tuning.spaces import Space

# A grid of more points is asked for by number.
GRID_LIMIT = 100
# How often a trial may be begun at the same place: its process died the other times.
STARTS = 3
# What may differ when a search goes on.
FREE = ("trials", "keep", "data_dir", "save_every")


def search(
    network: str,
    data: str | kerazoo_data.ImageData | None = None,
    recipe: Recipe | None = None,
    *,
    space=(),
    strategy: str = "random",
    trials: int | None = None,
    folds: int | None = None,
    repeats: int = 1,
    seed: int = 1,
    folder: str | os.PathLike,
    data_dir: str | os.PathLike | None = None,
    precision: str = "auto",
    keep: int = 3,
    workers: int = 1,
    save_every: int | None = None,
    overwrite: bool = False,
    verbose: str | int = "auto",
) -> "Search":
    """Searches the hyper-parameters with which a network does best.

    The same call goes on where a killed one stopped: finished trials are not repeated,
    and an interrupted one resumes from its own state.

    Args:
        network: The network's name.
        data: A data set's name, or a loaded one; by default the recipe's. Its test
            images are not used.
        recipe: What the space changes; by default ``Recipe()``.
        space: Dimensions as in ``"learning_rate=log:1e-4:1e-1"`` (see
            :class:`kerazoo.tuning.Space`); by default :func:`default_space`.
        strategy: ``random``, ``grid``, ``hyperband``, ``bayesian`` or ``tpe``.
        trials: How many to make; by default 10, or all that a grid (of at most 100
            points) or Hyperband has.
        folds: Score a trial by cross-validation over so many folds of the training and
            validation images, instead of on the validation part.
        repeats: How often these are parted anew.
        seed: Of the strategy and the folds, 1 or more; a training has the recipe's.
        folder: The search's folder, to make or to continue.
        data_dir: Where the data set's files are.
        precision: As in :func:`kerazoo.fit`.
        keep: How many of the best trials keep their networks and states.
        workers: Processes of this machine. Where ``KERASTUNER_TUNER_ID``,
            ``KERASTUNER_ORACLE_IP`` and ``KERASTUNER_ORACLE_PORT`` are set, this
            process is the chief or a worker of a search on several machines.
        save_every: Steps between the states of a trial, as in :func:`kerazoo.fit`.
        overwrite: Whether a search that stands in the folder may be deleted.
        verbose: Whether to report every trial; ``auto`` does so on a terminal.

    Returns:
        The search.

    Raises:
        ValueError: For bad arguments; a grid that is too large says how long it takes.
        kerazoo.training.state.Interrupted: On SIGTERM or Ctrl-C, with the trial's state
            saved.
    """
    recipe = recipe or Recipe()
    _check(trials, folds, keep, workers, strategy)
    if verbose == "auto":
        verbose = sys.stdout.isatty()
    space = Space(network, recipe, space)
    plan = {
        "network": network,
        "data": data.name
        if isinstance(data, kerazoo_data.ImageData)
        else data or recipe.data,
        "recipe": recipe.to_dict(),
        "space": space.to_dict(),
        "strategy": strategy,
        "folds": folds,
        "repeats": repeats,
        "seed": seed,
        "precision": precision,
        "trials": trials,
        "keep": keep,
        "data_dir": None if data_dir is None else str(data_dir),
        "save_every": save_every,
    }
    _oracle(space, plan)
    images = data
    if not isinstance(data, kerazoo_data.ImageData):
        images = _load(plan, recipe)
    elif workers > 1 or working.role():
        raise ValueError(
            "Several workers load the data each on its own, so data must be a name; "
            "give a name, or leave out workers."
        )
    plan["images"] = _digest(images)
    if folds is None and images.validation is None:
        raise ValueError(
            f"The recipe {recipe.name} holds out no images to score trials on; give "
            "it a share (validation=0.1), or folds."
        )
    if working.role() == "worker":
        working.reach_chief()
        _same(plan, _awaited(pathlib.Path(folder)))
    else:
        _claim(folder, plan, overwrite)
    found = Search(folder)
    if workers > 1:
        _check_grid(found, space, plan, None, workers)
        working.supervise(found.path, workers, verbose)
    else:
        _run(found, space, plan, images, verbose)
    if working.role() != "worker":
        found.report()
    return found


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

    def runs(self, count: int | None = None) -> list[training.Run]:
        """The runs of the best trials that keep their networks, best first."""
        runs = [row["run"] for row in self.rows if row["status"] == "completed"]
        kept = [run for run in runs if pathlib.Path(run, "model.keras").is_file()]
        return [training.Run(run) for run in kept[:count]]

    def winner(
        self,
        run: str | os.PathLike,
        *,
        data_dir: str | os.PathLike | None = None,
        overwrite: bool = False,
    ) -> training.Run:
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
        if run.exists() and (not run.is_dir() or any(run.iterdir())):
            if not overwrite:
                raise ValueError(
                    f"{run} is not empty; give another folder for the run, or "
                    "overwrite it (--overwrite)."
                )
            shutil.rmtree(run)
        recipe = self.recipe()
        images = _load(plan, recipe)
        partial = run.with_name(f"{PARTIAL}{run.name}")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source, partial, ignore=shutil.ignore_patterns(LOCK))
        copy = training.Run(partial)
        config = copy.config
        if images.validation and own_parts(_scored(images), recipe) == config["parts"]:
            # Parted as by name, but that the validation part took the place of test.
            del config["parts"]
        write(partial / "config.json", json.dumps(config, indent=2) + "\n")
        metrics = training.evaluate(copy, data_dir=data_dir)
        write(partial / "metrics.json", json.dumps(metrics, indent=2) + "\n")
        draw(copy, copy.history, metrics)
        os.replace(partial, run)
        return training.Run(run)

    def report(self) -> None:
        """Writes ``results.csv`` and ``results.png``."""
        names = list(self.plan["space"])
        write(self.path / "results.csv", tables.csv(self.rows, names))
        tables.draw(self.path / "results.png", self.rows, names)


def _score(row):
    return -math.inf if row["score"] is None else row["score"]


# Before the first trial ---------------------------------------------------------------


def _check(trials, folds, keep, workers, strategy):
    for name, value, least in (
        ("trials", trials, 1),
        ("folds", folds, 2),
        ("keep", keep, 1),
        ("workers", workers, 1),
    ):
        whole = isinstance(value, int) and not isinstance(value, bool)
        if value is not None and not (whole and value >= least):
            raise ValueError(
                f"{name} is {value!r}; it must be a whole number of {least} or more."
            )
    if folds and strategy == "hyperband":
        raise ValueError(
            "hyperband stops trials early, which folds cannot; leave folds out, or "
            "take another strategy."
        )


def _oracle(space, plan):
    trials = plan["trials"]
    if trials is None and plan["strategy"] not in ("grid", "hyperband"):
        trials = 10
    epochs = plan["recipe"]["epochs"]
    return strategies.strategy(plan["strategy"], space, trials, plan["seed"], epochs)


def _load(plan, recipe):
    return kerazoo_data.load(
        plan["data"],
        data_dir=plan["data_dir"],
        validation=recipe.validation,
        seed=recipe.seed,
    )


def _digest(images):
    """By which images are known again when a search goes on."""
    digest = hashlib.sha256()
    for part in (images.train, images.validation):
        digest.update(b"|" if part is None else part.indices.tobytes() + b"|")
    return digest.hexdigest()[:16]


def _claim(folder, plan, overwrite):
    folder = pathlib.Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; give a folder for the search.")
    if folder.exists() and any(folder.iterdir()):
        old = Search(folder).plan
        if overwrite:
            shutil.rmtree(folder)
        else:
            _same(plan, old, folder)
    try:
        write(folder / "search.json", json.dumps(plan, indent=2) + "\n")
    except OSError as error:
        raise ValueError(
            f"The folder {folder} cannot be written: {error.strerror or error}."
        ) from error


def _same(plan, old, folder="The search's folder"):
    new = json.loads(json.dumps(plan))
    differing = [key for key in new if key not in FREE and old.get(key) != new[key]]
    if differing:
        raise ValueError(
            f"{folder} holds another search ({', '.join(differing)} differ); continue "
            "it with the same, give another folder, or overwrite it (--overwrite)."
        )


def _awaited(folder, seconds=60.0):
    """The plan that the chief writes."""
    deadline = time.monotonic() + seconds
    while not (folder / "search.json").is_file():
        if time.monotonic() > deadline:
            raise ValueError(
                f"The worker does not see the search that the chief began in {folder}; "
                "give a folder that all machines share."
            )
        time.sleep(0.5)
    return Search(folder).plan


def _check_grid(found, space, plan, once, workers=1):
    """Refuses a grid that is too large, with what it costs.

    ``once`` makes one trial, to have a rate; it is None where none is to be made.
    """
    if plan["strategy"] != "grid":
        return
    count, allowed = space.grid_size(), plan["trials"] or GRID_LIMIT
    if count <= allowed:
        return
    if once and not found.rows:
        once()
    seconds = [row["seconds"] for row in found.rows if row["status"] != "running"]
    cost = "run it once without workers to learn how long that takes"
    if seconds:
        rate = sum(seconds) / len(seconds)
        cost = (
            f"that takes about {_duration(count * rate / workers)} at the {rate:.3g} s "
            f"of a trial here, and {allowed} of them would be a corner of it"
        )
    raise ValueError(
        f"The grid has {count:,} points, more than {allowed}; {cost}: ask for all with "
        f"trials={count}, give the dimensions fewer points, or take another strategy. "
        "Finished trials are kept."
    )


def _duration(seconds):
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} seconds"


# The trials ---------------------------------------------------------------------------


def join(folder: str | os.PathLike) -> None:
    """Takes part in a search as the environment says, as its chief or a worker."""
    found = Search(folder)
    space, plan = found.space, found.plan
    images = None
    if working.role() == "worker":
        working.reach_chief()
        images = _load(plan, space.recipe)
    _run(found, space, plan, images, verbose=False)


def _run(found, space, plan, images, verbose):
    """Makes trials until there are no more, as chief, worker or alone."""
    role = working.role()
    oracle = _oracle(space, plan)
    oracle.verbose = 0
    oracle.path = found.path / "oracle.json"
    if role:
        oracle.signs = found.path / "workers"
    if role != "worker":
        oracle.reload()
    trials = Trials(found, space, plan, images, verbose)
    loop = strategies.Loop(oracle, found.path, trials.score)
    with sharing.quiet(), working.signs_of_life(found.path, oracle):
        if role == "chief":
            loop.search()
            return
        if role is None:

            def once():
                limit, oracle.max_trials = oracle.max_trials, 1
                loop.work()
                oracle.max_trials = limit

            _check_grid(found, space, plan, once)
        loop.work()


class Trials:
    """Makes the trials of a search.

    Args:
        found: The :class:`Search`, for its folder.
        space: The space.
        plan: The search's configuration.
        images: The data set, decoded once for all trials.
        verbose: Whether to print a line for each.
    """

    def __init__(self, found, space, plan, images, verbose):
        self.found, self.space, self.plan = found, space, plan
        self.images, self.verbose = images, verbose
        self._costs = {}

    def score(self, number: int, given: dict) -> float | str:
        """Makes a trial; returns its score, or why it failed."""
        row = self.run(number, given)
        return row["reason"] if row["status"] == "failed" else row["score"]

    def run(self, number: int, given: dict) -> dict:
        """Makes, continues or finds a trial.

        Args:
            number: The trial's.
            given: keras-tuner's values; Hyperband's say how many epochs it gets and
                which trial it continues.

        Returns:
            Its row.
        """
        place = self.found.path / f"trial_{number:04d}"
        path = place.with_suffix(".json")
        row = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if row.get("status") in ("completed", "failed"):
            # Its process died before the strategy was told.
            return row
        values = self.space.values(given)
        newest = _newest_state(place)
        same = row.get("state", newest) == newest
        row = {
            "trial": number,
            "values": values,
            "network": self.plan["network"],
            "score": None,
            "spread": None,
            "seconds": row.get("seconds", 0.0),
            "macs": None,
            "epochs": given.get("tuner/epochs"),
            "status": "running",
            "reason": None,
            "state": newest,
            "worker": os.environ.get("KERASTUNER_TUNER_ID"),
            "starts": row.get("starts", 0) * same + 1,
        }
        write(path, json.dumps(row, indent=2) + "\n")
        start = time.perf_counter()
        try:
            if row["starts"] > STARTS:
                raise MemoryError(
                    f"its process ended {STARTS} times at the same place without a word"
                )
            self._train(row, place, given)
            row["status"] = "completed"
        except Interrupted:
            row["seconds"] += time.perf_counter() - start
            write(path, json.dumps(row, indent=2) + "\n")
            raise
        except Exception as error:
            row |= {"status": "failed", "score": None, "reason": _reason(error)}
        row["seconds"] += time.perf_counter() - start
        write(path, json.dumps(row, indent=2) + "\n")
        self._settle(row)
        return row

    def _train(self, row, place, given):
        network, recipe = self.space.apply(row["values"])
        row["network"] = network
        row["macs"] = self._cost(network, recipe)
        options = {
            "data_dir": self.plan["data_dir"],
            "precision": self.plan["precision"],
            "verbose": 0,
        }
        if self.plan["folds"]:
            from kerazoo.tuning.crossval import cross_validate

            result = cross_validate(
                network,
                self.images,
                recipe,
                folds=self.plan["folds"],
                repeats=self.plan["repeats"],
                seed=self.plan["seed"],
                folder=place,
                **options,
            )
            row |= {"score": result.mean, "spread": result.std}
        else:
            self._continue(place, given)
            run = training.Run(place) if _finished(place) else None
            run = run or training.fit(
                network,
                self._parted(recipe),
                recipe,
                run=place,
                events=False,
                until=row["epochs"],
                save_every=self.plan["save_every"],
                **options,
            )
            row["score"] = run.metrics["accuracy"]
            row["epochs"] = row["epochs"] or len(run.history)
        if not math.isfinite(row["score"]):
            raise ArithmeticError(f"its score is {row['score']}")

    def _parted(self, recipe):
        """Images whose test part is what trials are scored on."""
        watches = recipe.early_stopping or recipe.schedule.name == "plateau"
        return self._watched if watches else self._unwatched

    @functools.cached_property
    def _unwatched(self):
        return _scored(self.images)

    @functools.cached_property
    def _watched(self):
        """What early stopping watches is not what the trial is scored on."""
        recipe = self.space.recipe
        train, watched = self.images.train.carve(recipe.validation, recipe.seed)
        return dataclasses.replace(
            self.images, train=train, validation=watched, test=self.images.validation
        )

    def _continue(self, place, given):
        """Begins a trial of Hyperband with the state of the one that it continues."""
        before = given.get("tuner/trial_id")
        if before is None or place.exists():
            return
        source = place.with_name(f"trial_{int(before):04d}")
        if not list((source / "state").glob("*.npz")):
            return
        partial = place.with_name(f"{PARTIAL}{place.name}")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source / "state", partial / "state")
        shutil.copy(source / "config.json", partial)
        os.replace(partial, place)

    def _cost(self, network, recipe):
        """Multiply-adds of an image, counted once for every shape of the network."""
        shape = recipe.image_shape or registry.find(network).input_shape
        key = (network, tuple(shape), json.dumps(recipe.options, sort_keys=True))
        if key not in self._costs:
            model = registry.create(
                network,
                input_shape=tuple(shape),
                classes=len(self.images.classes),
                **recipe.options,
            )
            self._costs[key] = ledger(model).macs
        return self._costs[key]

    def _settle(self, row):
        """After a trial: the tables, the cap on the disk, memory."""
        names = list(self.plan["space"])
        rows = self.found.rows
        write(self.found.path / "results.csv", tables.csv(rows, names))
        tables.log(self.found.path / "events", row, names)
        _prune(rows, self.plan["keep"], self.plan["strategy"] == "hyperband")
        keras.utils.clear_session(free_memory=False)
        # Collecting takes most of a second, as long as a small trial.
        if row["status"] == "failed" or row["seconds"] > 10 or row["trial"] % 10 == 9:
            gc.collect()
        if self.verbose:
            score = f"{row['score']:.4f}" if row["score"] is not None else row["reason"]
            words = " ".join(f"{k}={_short(v)}" for k, v in row["values"].items())
            print(f"trial {row['trial']}: {score} ({row['seconds']:.1f} s) {words}")


def _scored(images):
    """Images with the validation part in the place of the test part."""
    return dataclasses.replace(images, validation=None, test=images.validation)


def _finished(place):
    return (place / "metrics.json").is_file()


def _short(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _newest_state(place):
    """The name of the newest state of a trial or of its folds; empty for none."""
    return max((path.name for path in place.rglob("step-*.npz")), default="")


def _reason(error):
    """Why a trial failed, in a line."""
    words = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, (MemoryError, tf.errors.ResourceExhaustedError)):
        return f"out of memory: {words[:300]}"
    return words[:500]


def _prune(rows, keep, by_epochs):
    """Deletes networks and states of all but the best trials.

    Hyperband continues some of those that were stopped early: the best of every length
    are kept.
    """
    groups = {}
    for row in rows:
        if row["status"] != "running":
            groups.setdefault(row["epochs"] if by_epochs else None, []).append(row)
    for group in groups.values():
        best = [row for row in group if row["status"] == "completed"][:keep]
        for row in group:
            if row not in best:
                shutil.rmtree(pathlib.Path(row["run"], "state"), ignore_errors=True)
                pathlib.Path(row["run"], "model.keras").unlink(missing_ok=True)
