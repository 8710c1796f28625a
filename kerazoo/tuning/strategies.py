"""Strategies: which hyper-parameters to try next.

They are keras-tuner's oracles, mended by subclassing where our users would suffer:

- the state is one file that is replaced whole, so that a search killed at any moment
  goes on, a grid among them (keras-tuner's cannot, its issue 1055);
- a trial that was running goes back to whoever asks first, once the process that had it
  misses its heartbeats (keras-tuner's chief waits for it for ever);
- one failed trial, or three, do not end the search;
- a small space is searched whole and no point of it twice;
- the Bayesian search begins to learn after a third of its trials, not after three for
  every dimension, which may be all of them, and takes moments for what took seconds;
- a failed trial prints no traceback.

``tpe`` is Optuna's sampler behind the same interface.
"""

import functools
import itertools
import json
import pathlib
import random
import time
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import keras_tuner
import numpy as np
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial, TrialStatus

from kerazoo import reader
from kerazoo.files import write_atomic
from kerazoo.tuning.records import SearchPlan
from kerazoo.tuning.spaces import GRID_POINTS, Space

OBJECTIVE = "score"
# Of a strategy that has no number of its own.
TRIALS = 10
# Heartbeat timeout in seconds; the trial of a worker that misses it is reassigned.
HEARTBEAT_TIMEOUT = 60.0


# Mixed into the class of an oracle.
Base: Any = keras_tuner.Oracle if TYPE_CHECKING else object


class FileBackedOracle(Base):
    """An oracle whose state is one file, and whose trials outlive their workers.

    Attributes:
        path: The file.
        heartbeats: The folder of the workers' heartbeats (see
            :mod:`kerazoo.tuning.parallel`); None where there are no others.
    """

    path: pathlib.Path
    heartbeats: pathlib.Path | None = None

    ongoing_trials: dict[str, Trial]

    @functools.cached_property
    def seen(self) -> dict[str, tuple[float | None, float]]:
        """The last heartbeat of every worker, and when it was new."""
        return {}

    def save(self) -> None:
        """Writes the state, trials included."""
        state = {
            "oracle": self.get_state(),
            "trials": [trial.get_state() for trial in self.trials.values()],
        }
        write_atomic(self.path, json.dumps(state))

    def reload(self) -> None:
        """Reads the state back; nothing where there is none."""
        if not self.path.is_file():
            return
        state = reader.read_json(self.path)
        try:
            trials = [Trial.from_state(one) for one in state["trials"]]
            self.trials = {trial.trial_id: trial for trial in trials}
            self.set_state(state["oracle"])
        except Exception as error:  # keras-tuner takes its own state as it comes.
            raise ValueError(
                f"{self.path} is damaged ({type(error).__name__}: {error}); without it "
                "the search begins anew, with the trials that have ended."
            ) from error
        # An oracle saves itself before it takes a finished trial off this list.
        self.ongoing_trials = {
            tuner_id: trial
            for tuner_id, trial in self.ongoing_trials.items()
            if trial.status == TrialStatus.RUNNING
        }

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """The next trial of a worker: its own again, a dead one's, or a new one."""
        trial = self._inherited(tuner_id) or super().create_trial(tuner_id)
        if trial.status == TrialStatus.STOPPED and self.ongoing_trials:
            # Another's trial is still to be finished, if need be by this worker.
            self.tuner_ids.add(tuner_id)
            trial.status = TrialStatus.IDLE
        return trial

    def _inherited(self, tuner_id):
        if tuner_id in self.ongoing_trials:
            return None
        for other in list(self.ongoing_trials):
            if self._dead(other):
                self.tuner_ids.discard(other)
                self.tuner_ids.add(tuner_id)
                self.ongoing_trials[tuner_id] = self.ongoing_trials.pop(other)
                self.save()
                return self.ongoing_trials[tuner_id]
        return None

    def _dead(self, tuner_id):
        if self.heartbeats is None:
            return True
        heartbeat = self.heartbeats / tuner_id
        if not heartbeat.exists():
            return True
        # Clocks of machines differ: what counts is that a heartbeat is new.
        beat, now = heartbeat.stat().st_mtime, time.monotonic()
        last, since = self.seen.get(tuner_id, (None, now))
        self.seen[tuner_id] = (beat, now if beat != last else since)
        return now - self.seen[tuner_id][1] > HEARTBEAT_TIMEOUT

    def untried(self, found: dict[str, Any]) -> dict[str, Any]:
        """What a strategy found, or another point where that one has been tried.

        A training gives the same result again, so that repeating it teaches nothing.

        Args:
            found: What ``populate_space`` returns.
        """
        tried = [trial.hyperparameters.values for trial in self.trials.values()]
        running = found["status"] == TrialStatus.RUNNING
        if running and found["values"] not in tried:
            return found
        left = [one for one in points(self.get_space()) if one not in tried]
        if not left:
            return {"status": TrialStatus.STOPPED}
        values = random.Random(self.seed + len(tried)).choice(left)
        return {"status": TrialStatus.RUNNING, "values": values}

    @keras_tuner.synchronized
    def drop_dead_workers(self) -> None:
        """Drops workers that are gone and have no trial, for which a chief waits."""
        for tuner_id in list(self.tuner_ids - set(self.ongoing_trials)):
            if self._dead(tuner_id):
                self.tuner_ids.discard(tuner_id)


class Random(FileBackedOracle, keras_tuner.oracles.RandomSearchOracle):
    """Random points; of a space without ranges all, if there are trials enough."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The values of the next trial."""
        # Twenty draws in a row that have been tried end keras-tuner's search.
        return self.untried(super().populate_space(trial_id))


class Grid(FileBackedOracle, keras_tuner.Oracle):
    """Every point of the space, in order."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The values of the next trial."""
        place = len(self.start_order)
        point = next(itertools.islice(points(self.get_space()), place, None), None)
        if point is None:
            return {"status": TrialStatus.STOPPED}
        return {"status": TrialStatus.RUNNING, "values": point}


class Hyperband(FileBackedOracle, keras_tuner.oracles.HyperbandOracle):
    """Many short trials of which the best are continued (Li et al. 2018)."""


class Bayesian(FileBackedOracle, keras_tuner.Oracle):
    """The point that a Gaussian process holds for the most promising.

    As keras-tuner's: Matern's kernel of 5/2, the upper confidence bound with 2.6
    standard deviations; but the bound is looked for among random points, half of them
    around the best trial, which takes a twentieth of the time of its 50 descents.

    Attributes:
        first: Random trials before the process is asked.
    """

    first = 3

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The values of the next trial."""
        space = self.get_space().space
        rng = np.random.default_rng([self.seed, len(self.trials)])
        chosen = rng.random(len(space))
        scores = [t.score for t in self.trials.values() if t.score is not None]
        if len(scores) >= self.first:
            chosen = self._promising(space, rng, min(scores))
        values = {
            hp.name: hp.prob_to_value(share)
            for hp, share in zip(space, chosen, strict=True)
        }
        return self.untried({"status": TrialStatus.RUNNING, "values": values})

    def _promising(self, space, rng, worst):
        """The best bound among random points, as shares of every dimension."""
        from sklearn.gaussian_process import GaussianProcessRegressor, kernels

        x, y = [], []
        for trial in self.trials.values():
            values = trial.hyperparameters.values
            x.append([hp.value_to_prob(values[hp.name]) for hp in space])
            # What failed, or still runs, is nothing to try again.
            y.append(worst if trial.score is None else trial.score)
        process = GaussianProcessRegressor(
            kernels.Matern(nu=2.5),
            alpha=1e-4,
            normalize_y=True,
            n_restarts_optimizer=5,
            random_state=int(rng.integers(2**31)),
        )
        with warnings.catch_warnings():
            # Some starts of the fit find no optimum.
            warnings.simplefilter("ignore")
            process.fit(x, y)
        points = rng.random((2000, len(space)))
        near = x[int(np.argmax(y))] + rng.normal(0, 0.1, points.shape)
        points = np.concatenate([points, np.clip(near, 0, 1 - 1e-9)])
        mean, deviation = process.predict(points, return_std=True)
        return points[np.argmax(mean + 2.6 * deviation)]


class TPE(FileBackedOracle, keras_tuner.Oracle):
    """Optuna's tree-structured Parzen estimator (Bergstra et al. 2011)."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The values of the next trial."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        space = self.get_space().space
        kinds = {hp.name: _distribution(hp, optuna.distributions) for hp in space}
        scores = [t.score for t in self.trials.values() if t.score is not None]
        sampler = optuna.samplers.TPESampler(seed=self.seed + len(self.trials))
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for trial in self.trials.values():
            # What still runs, or failed, counts as bad, lest it be asked for again.
            score = trial.score if trial.score is not None else min(scores, default=0)
            values = trial.hyperparameters.values
            params = {name: values[name] for name in kinds}
            study.add_trial(
                optuna.trial.create_trial(
                    params=params, distributions=kinds, value=score
                )
            )
        values = study.ask(kinds).params
        return self.untried({"status": TrialStatus.RUNNING, "values": values})


def _distribution(hp, distributions):
    """Optuna's form of a keras-tuner hyper-parameter."""
    config = hp.get_config()
    if "values" in config:
        return distributions.CategoricalDistribution(config["values"])
    low, high, log = config["min_value"], config["max_value"], config["sampling"]
    if isinstance(low, int):
        return distributions.IntDistribution(low, high, step=config["step"] or 1)
    return distributions.FloatDistribution(low, high, log=log == "log")


def points(
    hyperparameters: keras_tuner.HyperParameters,
) -> Iterator[dict[str, Any]]:
    """Every point of ``HyperParameters``, the last dimension first, as dictionaries."""
    space = hyperparameters.space
    for values in itertools.product(*(tuple(hp.values) for hp in space)):
        yield {hp.name: value for hp, value in zip(space, values, strict=True)}


class Loop(BaseTuner):
    """keras-tuner's search, without its tracebacks on the screen.

    Args:
        oracle: The strategy; on a worker, the chief's takes its place.
        folder: Where keras-tuner leaves its own files.
        run: Makes a trial of ``(trial's number, values)``; returns its score, or a text
            that says why it failed.
    """

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        folder: pathlib.Path,
        run: Callable[[int, dict[str, Any]], float | str],
    ) -> None:
        super().__init__(oracle=oracle, directory=folder, project_name="keras_tuner")
        self._run = run

    def save(self) -> None:
        """Nothing: a strategy saves itself."""

    def work(self) -> None:
        """Makes trials until the strategy has no more."""
        while True:
            trial = self.oracle.create_trial(self.tuner_id)
            if trial.status == TrialStatus.STOPPED:
                return
            if trial.status == TrialStatus.IDLE:
                time.sleep(1.0)
                continue
            score = self._run(int(trial.trial_id), trial.hyperparameters.values)
            if isinstance(score, str):
                trial.status, trial.message = TrialStatus.FAILED, score
            else:
                self.oracle.update_trial(trial.trial_id, {OBJECTIVE: score})
                trial.status = TrialStatus.COMPLETED
            self.oracle.end_trial(trial)


def oracle(plan: SearchPlan, space: Space, epochs: int) -> FileBackedOracle:
    """The oracle of a search's strategy.

    Args:
        plan: The search's.
        space: What it searches.
        epochs: Of a whole training, for Hyperband.

    Raises:
        ValueError: Where Optuna is missing.
    """
    trials = plan.trials or TRIALS
    options = {
        "objective": keras_tuner.Objective(OBJECTIVE, "max"),
        "seed": plan.seed,
        # A search goes on, whatever fails.
        "max_consecutive_failed_trials": 10**9,
    }
    points_of_ranges = GRID_POINTS if plan.strategy == "grid" else None
    options["hyperparameters"] = space.hyperparameters(points_of_ranges)
    match plan.strategy:
        case "grid":
            return Grid(max_trials=plan.trials, **options)
        case "random":
            return Random(max_trials=trials, **options)
        case "bayesian":
            bayesian = Bayesian(max_trials=trials, **options)
            bayesian.first = max(3, min(3 * len(space.dimensions), trials // 3))
            return bayesian
        case "tpe":
            try:
                import optuna  # noqa: F401
            except ImportError as error:
                raise ValueError(
                    'The strategy tpe needs Optuna; pip install "kerazoo[optuna]".'
                ) from error
            return TPE(max_trials=trials, **options)
    hyperband = Hyperband(max_epochs=epochs, **options)
    hyperband.max_trials = plan.trials
    return hyperband
