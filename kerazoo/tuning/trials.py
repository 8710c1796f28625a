"""The trials of a search: one training each, in a run folder of its own."""

import dataclasses
import functools
import gc
import json
import math
import os
import pathlib
import shutil
import time
from typing import Any

import keras
import tensorflow as tf

from kerazoo import data as kerazoo_data
from kerazoo import reader, registry, training
from kerazoo.analysis.ledger import ledger
from kerazoo.files import locked, replacing_folder, write_atomic
from kerazoo.run import Run, drop_networks
from kerazoo.training.state import Interrupted
from kerazoo.tuning import locks, tables
from kerazoo.tuning.crossval import cross_validate
from kerazoo.tuning.records import Execution, FoldPlan, Trial, summary
from kerazoo.tuning.results import Search, read_trial, validation_as_test

# How often a trial may be begun at the same place: its process died the other times.
STARTS = 3


class Trials:
    """Makes the trials of a search.

    Args:
        found: The search.
        images: The data set, decoded once for all trials.
        verbose: Whether to print a line for each.
    """

    def __init__(
        self, found: Search, images: kerazoo_data.ImageData, verbose: bool
    ) -> None:
        self.found, self.config, self.plan = found, found.config, found.config.plan
        self.space = found.config.space
        self.images, self.verbose = images, verbose
        self._costs: dict[Any, Any] = {}

    def score(self, number: int, given: dict[str, Any]) -> float | str:
        """Makes a trial; returns its score, or why it failed."""
        # Of a search that was killed a worker may still be saving its state.
        with locked(locks.lock_path(self._place(number)), wait=True):
            trial = self.run(number, given)
        return trial.reason or "" if trial.score is None else trial.score

    def _place(self, number):
        return self.found.path / f"trial_{number:04d}"

    def run(self, number: int, given: dict[str, Any]) -> Trial:
        """Makes, continues or finds a trial.

        Args:
            number: The trial's.
            given: keras-tuner's values; Hyperband's say how many epochs it gets and
                which trial it continues.
        """
        place = self._place(number)
        path = place.with_suffix(".json")
        old = read_trial(path) if path.is_file() else None
        if old and old.status != "running":
            # Its process died before the strategy was told.
            return old
        newest = _newest_state(place)
        trial = Trial(
            number=number,
            values=self.space.values(given),
            network=self.config.network,
            seconds=old.seconds if old else 0.0,
            epochs=given.get("tuner/epochs"),
            state=newest,
            starts=old.starts + 1 if old and old.state == newest else 1,
            worker=os.environ.get("KERASTUNER_TUNER_ID"),
            run=str(place),
        )
        _write(path, trial)
        start = time.perf_counter()

        def ended(**results):
            seconds = trial.seconds + time.perf_counter() - start
            changed = dataclasses.replace(trial, seconds=seconds, **results)
            _write(path, changed)
            return changed

        try:
            if trial.starts > STARTS:
                raise MemoryError(
                    f"its process ended {STARTS} times at the same place without a word"
                )
            network, recipe = self.space.apply(trial.values)
            trial = dataclasses.replace(trial, network=network)
            trial = dataclasses.replace(trial, macs=self._cost(network, recipe))
            trial = ended(status="completed", **self._train(trial, recipe, given))
        except (Interrupted, OSError):
            # A full disk says nothing about the trial, and no process has died.
            ended(starts=trial.starts - 1)
            raise
        except Exception as error:
            trial = ended(status="failed", reason=_reason(error))
        self._settle(trial)
        return trial

    def _train(self, trial, recipe, given):
        """Trains; what the trial's record says of it."""
        config, plan, place = self.config, self.plan, pathlib.Path(trial.run)
        if plan.folds:
            result = cross_validate(
                trial.network,
                self.images,
                recipe,
                folder=place,
                plan=FoldPlan(folds=plan.folds, repeats=plan.repeats, seed=plan.seed),
                execution=Execution(
                    data_dir=config.data_dir, precision=config.precision, verbose=False
                ),
            )
            done = {"score": result.mean, "std": result.std}
        else:
            self._continue(place, given)
            run = Run(place) if _finished(place) else None
            run = run or training.fit(
                trial.network,
                self._data(recipe),
                recipe,
                run=place,
                events=False,
                until=trial.epochs,
                save_every=config.save_every,
                data_dir=config.data_dir,
                precision=config.precision,
                verbose=0,
            )
            epochs = trial.epochs or len(run.history)
            done = {"score": run.metrics.score, "epochs": epochs}
        if not math.isfinite(done["score"]):
            raise ArithmeticError(f"its score is {done['score']}")
        return done

    def _data(self, recipe):
        """Images whose test split is what trials are scored on."""
        watches = recipe.early_stopping or recipe.schedule.name == "plateau"
        return self._watched if watches else self._unwatched

    @functools.cached_property
    def _unwatched(self):
        return validation_as_test(self.images)

    @functools.cached_property
    def _watched(self):
        """What early stopping watches is not what the trial is scored on."""
        recipe = self.space.recipe
        train, watched = self.images.train.split_off(recipe.validation, recipe.seed)
        return dataclasses.replace(self._unwatched, train=train, validation=watched)

    def _continue(self, place, given):
        """Begins a trial of Hyperband with the state of the one that it continues."""
        before = given.get("tuner/trial_id")
        if before is None or place.exists():
            return
        source = place.with_name(f"trial_{int(before):04d}")
        if not list((source / "state").glob("*.npz")):
            return
        with replacing_folder(place) as partial:
            shutil.copytree(source / "state", partial / "state")
            shutil.copy(source / "config.json", partial)

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

    def _settle(self, trial):
        """After a trial: the tables, the cap on the disk, memory."""
        names, trials = list(self.plan.space), self.found.trials
        write_atomic(self.found.path / "results.csv", tables.csv(trials, names))
        tables.log(self.found.path / "events", trial, names)
        _prune(trials, self.plan.keep, self.plan.strategy == "hyperband")
        keras.utils.clear_session(free_memory=False)
        # Collecting takes most of a second, as long as a small trial.
        if trial.status == "failed" or trial.seconds > 10 or trial.number % 10 == 9:
            gc.collect()
        if self.verbose:
            print(summary(trial))


def _write(path, trial):
    # Wherever the folder is moved, the run stands beside the file.
    write_atomic(path, reader.dump(dataclasses.replace(trial, run=path.stem)))


def _finished(place):
    return (place / "metrics.json").is_file()


def _newest_state(place):
    """The name of the newest state of a trial or of its folds; empty for none."""
    return max((path.name for path in place.rglob("step-*.npz")), default="")


def _reason(error):
    """Why a trial failed, in a line."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, (MemoryError, tf.errors.ResourceExhaustedError)):
        return f"out of memory: {text[:300]}"
    return text[:500]


def _prune(trials, keep, by_epochs):
    """Deletes networks and states of all but the best trials.

    Hyperband continues some of those that were stopped early: the best of every length
    are kept.
    """
    groups: dict[int | None, list[Trial]] = {}
    for trial in trials:
        if trial.status != "running":
            groups.setdefault(trial.epochs if by_epochs else None, []).append(trial)
    for group in groups.values():
        best = [trial for trial in group if trial.status == "completed"][:keep]
        for trial in group:
            if trial not in best:
                drop_networks(pathlib.Path(trial.run))
