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

import keras
import tensorflow as tf

from kerazoo import registry, training
from kerazoo.analysis.ledger import ledger
from kerazoo.files import locked, replacing_folder, write_atomic
from kerazoo.run import Run
from kerazoo.training.state import Interrupted
from kerazoo.tuning import locks, tables
from kerazoo.tuning.results import scored

# How often a trial may be begun at the same place: its process died the other times.
STARTS = 3


class Trials:
    """Makes the trials of a search.

    Args:
        found: The :class:`kerazoo.tuning.Search`.
        images: The data set, decoded once for all trials.
        verbose: Whether to print a line for each.
    """

    def __init__(self, found, images, verbose):
        self.found, self.space, self.plan = found, found.space, found.plan
        self.images, self.verbose = images, verbose
        self._costs = {}

    def score(self, number: int, given: dict) -> float | str:
        """Makes a trial; returns its score, or why it failed."""
        # Of a search that was killed a worker may still be saving its state.
        with locked(locks.beside(self._place(number)), wait=True):
            row = self.run(number, given)
        return row["reason"] if row["status"] == "failed" else row["score"]

    def _place(self, number):
        return self.found.path / f"trial_{number:04d}"

    def run(self, number: int, given: dict) -> dict:
        """Makes, continues or finds a trial.

        Args:
            number: The trial's.
            given: keras-tuner's values; Hyperband's say how many epochs it gets and
                which trial it continues.

        Returns:
            Its row.
        """
        place = self._place(number)
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
        write_atomic(path, json.dumps(row, indent=2) + "\n")
        start = time.perf_counter()
        try:
            if row["starts"] > STARTS:
                raise MemoryError(
                    f"its process ended {STARTS} times at the same place without a word"
                )
            self._train(row, place, given)
            row["status"] = "completed"
        except (Interrupted, OSError):
            # A full disk says nothing about the trial.
            row["seconds"] += time.perf_counter() - start
            write_atomic(path, json.dumps(row, indent=2) + "\n")
            raise
        except Exception as error:
            row |= {"status": "failed", "score": None, "reason": _reason(error)}
        row["seconds"] += time.perf_counter() - start
        write_atomic(path, json.dumps(row, indent=2) + "\n")
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
            run = Run(place) if _finished(place) else None
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
            row["score"] = run.metrics.accuracy
            row["epochs"] = row["epochs"] or len(run.history)
        if not math.isfinite(row["score"]):
            raise ArithmeticError(f"its score is {row['score']}")

    def _parted(self, recipe):
        """Images whose test part is what trials are scored on."""
        watches = recipe.early_stopping or recipe.schedule.name == "plateau"
        return self._watched if watches else self._unwatched

    @functools.cached_property
    def _unwatched(self):
        return scored(self.images)

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

    def _settle(self, row):
        """After a trial: the tables, the cap on the disk, memory."""
        names = list(self.plan["space"])
        rows = self.found.rows
        write_atomic(self.found.path / "results.csv", tables.csv(rows, names))
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
