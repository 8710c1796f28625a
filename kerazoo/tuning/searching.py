"""Searches: many trainings of a network, of which the best is kept.

A trial is a training run like every other, in a run folder of its own; so it resumes,
and the best of them already is a run. What it is scored on, the validation part or the
folds of a cross-validation, stands in the place of the test part: the data set's own
test images are not looked at.
"""

import dataclasses
import hashlib
import os
import pathlib
import time

from kerazoo import reader, recipes
from kerazoo.data.arrays import DataLike, named
from kerazoo.files import exclusive
from kerazoo.reader import Name, NetworkName, Path
from kerazoo.recipe import Recipe
from kerazoo.training.class_weights import check_class_weight
from kerazoo.tuning import locks, parallel, strategies
from kerazoo.tuning.folds import check_batches, merge_splits, stratified_folds
from kerazoo.tuning.records import Execution, SearchPlan, summary
from kerazoo.tuning.results import Search, SearchConfig, read_trial
from kerazoo.tuning.spaces import GRID_POINTS, Space
from kerazoo.tuning.trials import Trials

# A grid of more points is asked for by number.
GRID_LIMIT = 100
# The search's record: its file, and what it is called.
RECORD = ("search.json", "search")
# What may differ when a search goes on.
FREE = ("plan.trials", "plan.keep", "data_dir", "save_every")


@reader.checked
def search(
    network: NetworkName,
    data: DataLike | None = None,
    recipe: Recipe | Name | None = None,
    *,
    folder: Path,
    plan: SearchPlan | None = None,
    execution: Execution | None = None,
) -> Search:
    """Searches the hyper-parameters with which a network does best.

    The same call goes on where a killed one stopped: finished trials are not repeated,
    and an interrupted one resumes from its own state.

    Args:
        network: The network's name.
        data: As for :func:`kerazoo.fit`. Its test images are not used.
        recipe: What the space changes, as for :func:`kerazoo.fit`.
        folder: The search's folder, to make or to continue.
        plan: What to try; by default ``SearchPlan()``.
        execution: How; by default ``Execution()``. Where ``KERASTUNER_TUNER_ID``,
            ``KERASTUNER_ORACLE_IP`` and ``KERASTUNER_ORACLE_PORT`` are set, this
            process is the chief or a worker of a search on several machines.

    Returns:
        The search.

    Raises:
        ValueError: For bad arguments; a grid that is too large says how long it takes.
        kerazoo.training.state.Interrupted: On SIGTERM or Ctrl-C, with the trial's state
            saved.
    """
    recipe, plan = recipes.choose(recipe, network), plan or SearchPlan()
    execution, folder = execution or Execution(), pathlib.Path(folder)
    locks.read_plan(folder, *RECORD)
    data = recipe.data if data is None else named(data)
    space = Space(network, recipe, plan.space)
    config = SearchConfig(
        network=network,
        data=data if isinstance(data, str) else "",
        recipe=recipe,
        plan=dataclasses.replace(plan, space=space.to_dict()),
        precision=execution.precision,
        data_dir=None if execution.data_dir is None else str(execution.data_dir),
        save_every=execution.save_every,
    )
    strategies.oracle(plan, space, recipe.epochs)
    role = parallel.role()
    alone = execution.workers == 1 and role is None
    if not (isinstance(data, str) or alone):
        raise ValueError(
            "Several workers load the data each on its own, so data must be a name; "
            "give a name, or leave out workers."
        )
    if not execution.overwrite:
        # What can be told before images are loaded.
        locks.check_begun(folder, *RECORD, config, (*FREE, "data", "images"))
    images = config.load_data(data)
    for one in space.corners():
        check_class_weight(space.apply(one)[1], images.classes)
    config = dataclasses.replace(config, data=images.name, images=_digest(images))
    if plan.folds is None and images.validation is None:
        raise ValueError(
            f"The recipe {recipe.name} holds out no images to score trials on; give "
            "it a share (validation=0.1), or folds."
        )
    if plan.folds:
        pool = merge_splits(images)
        parts = stratified_folds(pool, plan.folds, repeats=plan.repeats, seed=plan.seed)
    else:
        pool, parts = images.train, [(images.train.indices, images.train.indices)]
    if "batch_size" not in space.to_dict():
        # No trial could mend it.
        check_batches(pool, parts, recipe)
    if role == "worker":
        parallel.reach_chief()
        found = _awaited(folder)
        old = reader.plain(found.config)
        locks.check_same_plan(config, old, "The search's folder", RECORD[1], FREE)
        _run(found, images, execution.verbose)
        return found
    # Before a lock is put into a folder of something else.
    locks.read_plan(folder, *RECORD)
    with exclusive(folder, "searched"):
        locks.claim_plan(folder, *RECORD, config, execution.overwrite, FREE)
        found = Search(folder)
        _check_grid(found, images, execution.workers)
        if execution.workers > 1:
            report = _Report(found) if execution.verbose else None
            parallel.supervise(found.path, execution.workers, report)
        else:
            _run(found, images, execution.verbose)
        found.report()
    return found


# Before the first trial ---------------------------------------------------------------


def _digest(images):
    """By which images are known again when a search goes on."""
    digest = hashlib.sha256()
    for part in (images.train, images.validation):
        digest.update(b"|" if part is None else part.indices.tobytes() + b"|")
    digest.update((images.digest or "").encode())
    return digest.hexdigest()[:16]


def _awaited(folder, seconds=60.0):
    """The search that the chief begins."""
    deadline = time.monotonic() + seconds
    while not (folder / RECORD[0]).is_file():
        if time.monotonic() > deadline:
            raise ValueError(
                f"The worker does not see the search that the chief began in {folder}; "
                "give a folder that all machines share."
            )
        time.sleep(0.5)
    return Search(folder)


def _check_grid(found, images, workers):
    """Refuses a grid that is too large, with what it costs."""
    space, plan = found.config.space, found.config.plan
    count, allowed = space.grid_size(), plan.trials or GRID_LIMIT
    if plan.strategy != "grid" or count <= allowed:
        return
    ended = [trial for trial in found.trials if trial.status != "running"]
    if not ended:
        # The first trial, to have a rate; a search of the whole grid finds it done.
        values = next(strategies.points(space.hyperparameters(GRID_POINTS)))
        ended = [Trials(found, images, verbose=False).run(0, values)]
    rate = sum(trial.seconds for trial in ended) / len(ended)
    raise ValueError(
        f"The grid has {count:,} points, more than {allowed}; that takes about "
        f"{_duration(count * rate / workers)} at the {rate:.3g} s of a trial here, and "
        f"{allowed} of them would be a corner of it: ask for all with trials={count}, "
        "give the dimensions fewer points, or take another strategy. Finished trials "
        "are kept."
    )


def _duration(seconds):
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} seconds"


# The trials ---------------------------------------------------------------------------


class _Report:
    """Prints a line for every trial that has ended since it was asked last."""

    def __init__(self, found):
        self.found, self.ended = found, set()
        self.ended = {path for path, _ in self._news()}

    def __call__(self):
        for path, trial in self._news():
            self.ended.add(path)
            print(summary(trial), flush=True)

    def _news(self):
        new = set(self.found.path.glob("trial_*.json")) - self.ended
        trials = [(path, read_trial(path)) for path in sorted(new)]
        return [one for one in trials if one[1].status != "running"]


def join(folder: str | os.PathLike) -> None:
    """Takes part in a search as the environment says, as its chief or a worker."""
    found = Search(folder)
    images = None
    if parallel.role() == "worker":
        parallel.reach_chief()
        images = found.config.load_data()
    _run(found, images, verbose=False)


def _run(found, images, verbose):
    """Makes trials until there are no more, as chief, worker or alone."""
    role = parallel.role()
    config = found.config
    oracle = strategies.oracle(config.plan, config.space, config.recipe.epochs)
    oracle.verbose = 0
    oracle.path = found.path / "oracle.json"
    if role:
        oracle.heartbeats = found.path / "workers"
    if role != "worker":
        oracle.reload()
    trials = Trials(found, images, verbose)
    loop = strategies.Loop(oracle, found.path, trials.score)
    with locks.quiet(), parallel.heartbeat(found.path, oracle):
        if role == "chief":
            loop.search()
        else:
            loop.work()
