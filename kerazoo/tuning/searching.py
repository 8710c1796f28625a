"""Searches: many trainings of a network, of which the best is kept.

A trial is a training run like every other, in a run folder of its own; so it resumes,
and the best of them already is a run. What it is scored on, the validation part or the
folds of a cross-validation, stands in the place of the test part: the data set's own
test images are not looked at.
"""

import hashlib
import os
import pathlib
import sys
import time

from kerazoo import data as kerazoo_data
from kerazoo.files import exclusive
from kerazoo.recipe import Recipe
from kerazoo.tuning import locks, parallel, strategies
from kerazoo.tuning.results import Search, load
from kerazoo.tuning.spaces import GRID_POINTS, Space
from kerazoo.tuning.trials import Trials

# A grid of more points is asked for by number.
GRID_LIMIT = 100
# The search's record: its file, and what it is called.
RECORD = ("search.json", "search")
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
    folder = pathlib.Path(folder)
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
        images = load(plan, recipe)
    elif workers > 1 or parallel.role():
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
    if parallel.role() == "worker":
        parallel.reach_chief()
        old = _awaited(folder)
        locks.check_same(plan, old, "The search's folder", RECORD[1], FREE)
        found = Search(folder)
        _run(found, images, verbose)
        return found
    # Before a lock is put into a folder of something else.
    locks.plan_of(folder, *RECORD)
    with exclusive(folder, "searched"):
        locks.begin(folder, *RECORD, plan, overwrite, FREE)
        found = Search(folder)
        _check_grid(found, images, workers)
        if workers > 1:
            parallel.supervise(found.path, workers, verbose)
        else:
            _run(found, images, verbose)
        found.report()
    return found


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


def _digest(images):
    """By which images are known again when a search goes on."""
    digest = hashlib.sha256()
    for part in (images.train, images.validation):
        digest.update(b"|" if part is None else part.indices.tobytes() + b"|")
    return digest.hexdigest()[:16]


def _awaited(folder, seconds=60.0):
    """The plan that the chief writes."""
    deadline = time.monotonic() + seconds
    while not (folder / RECORD[0]).is_file():
        if time.monotonic() > deadline:
            raise ValueError(
                f"The worker does not see the search that the chief began in {folder}; "
                "give a folder that all machines share."
            )
        time.sleep(0.5)
    return Search(folder).plan


def _check_grid(found, images, workers):
    """Refuses a grid that is too large, with what it costs."""
    space, allowed = found.space, found.plan["trials"] or GRID_LIMIT
    count = space.grid_size()
    if found.plan["strategy"] != "grid" or count <= allowed:
        return
    ended = [row for row in found.rows if row["status"] != "running"]
    if not ended:
        # The first trial, to have a rate; a search of the whole grid finds it done.
        values = next(strategies.points(space.hyperparameters(GRID_POINTS)))
        ended = [Trials(found, images, verbose=False).run(0, values)]
    rate = sum(row["seconds"] for row in ended) / len(ended)
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


def join(folder: str | os.PathLike) -> None:
    """Takes part in a search as the environment says, as its chief or a worker."""
    found = Search(folder)
    images = None
    if parallel.role() == "worker":
        parallel.reach_chief()
        images = load(found.plan, found.space.recipe)
    _run(found, images, verbose=False)


def _run(found, images, verbose):
    """Makes trials until there are no more, as chief, worker or alone."""
    role = parallel.role()
    oracle = _oracle(found.space, found.plan)
    oracle.verbose = 0
    oracle.path = found.path / "oracle.json"
    if role:
        oracle.signs = found.path / "workers"
    if role != "worker":
        oracle.reload()
    trials = Trials(found, images, verbose)
    loop = strategies.Loop(oracle, found.path, trials.score)
    with locks.quiet(), parallel.signs_of_life(found.path, oracle):
        if role == "chief":
            loop.search()
        else:
            loop.work()
