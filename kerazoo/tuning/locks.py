"""Work that several processes share by way of a folder.

Every piece of work has a folder of its own and a lock beside it, which a process holds
while it works there.
"""

import contextlib
import logging
import pathlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from kerazoo import reader
from kerazoo.files import (
    check_folder,
    clear,
    entries,
    folder_error,
    locked,
    write_atomic,
)
from kerazoo.run import FILES as RUN_FILES

# The files of searches and cross-validations, in whose trials and folds are runs,
# searches and cross-validations again.
OWN = (
    "search.json", "oracle.json", "results.csv", "results.png", "workers/*",
    "trial_*.json", ".trial_*.lock", "plan.json", "crossval.json", "nested.json",
    ".fold_*.lock", "keras_tuner/*", *RUN_FILES,
)  # fmt: skip
PLACES = ("", "trial_[0-9]*/", "fold_[0-9]*/")
FILES = tuple(place + name for place in PLACES for name in OWN)


def read_plan(folder: pathlib.Path, name: str, kind: str) -> dict[str, Any] | None:
    """What is being done in a folder; None where nothing is.

    Args:
        folder: The folder.
        name: The file that says so.
        kind: What it is called, for the errors.

    Raises:
        ValueError: Where something else stands there.
    """
    check_folder(folder, kind)
    if not folder.exists() or not entries(folder):
        return None
    if not (folder / name).is_file():
        raise ValueError(
            f"{folder} holds something else than a {kind}; give another folder."
        )
    return reader.read(Mapping[str, Any], reader.read_json(folder / name), name)


def check_same_plan(
    plan: Any,
    old: Mapping[str, Any],
    where: object,
    kind: str,
    free: Collection[str] = (),
) -> None:
    """Refuses to go on with another plan than work was begun with.

    Args:
        plan: What is to be done: a record.
        old: What was begun, as plain data.
        where: Where, for the error.
        kind: What it is called.
        free: The fields that may differ.

    Raises:
        ValueError: Where something else differs.
    """
    paths = reader.differences(old, reader.plain(plan))
    differing = [path for path in paths if path not in free]
    if differing:
        raise ValueError(
            f"{where} holds another {kind} ({', '.join(differing)} differ); continue "
            "it with the same, give another folder, or overwrite it (--overwrite)."
        )


def check_begun(
    folder: pathlib.Path,
    name: str,
    kind: str,
    plan: Any,
    free: Collection[str] = (),
) -> None:
    """Refuses a folder in which another plan was begun.

    Args:
        folder: The folder; it may not exist.
        name: The file that the plan is written to.
        kind: What it is called, for the errors.
        plan: What is to be done: a record.
        free: The fields that may differ.

    Raises:
        ValueError: Where something else stands there, or the record is damaged.
    """
    old = read_plan(folder, name, kind)
    if old is not None:
        # A damaged record is named, not replaced.
        reader.record(type(plan), old, str(folder / name))
        check_same_plan(plan, old, folder, kind, free)


def claim_plan(
    folder: pathlib.Path,
    name: str,
    kind: str,
    plan: Any,
    overwrite: bool,
    free: Collection[str] = (),
) -> None:
    """Makes a folder for a plan, or finds the one of the same plan.

    Args:
        folder: The folder.
        name: The file that the plan is written to.
        kind: What it is called, for the errors.
        plan: What is to be done: a record.
        overwrite: Whether what another plan left there may be deleted.
        free: What may differ from what was begun.

    Raises:
        ValueError: Where something stands there that must not be touched.
    """
    if not overwrite:
        check_begun(folder, name, kind, plan, free)
    elif read_plan(folder, name, kind) is not None:
        clear(folder, FILES, kind)
    try:
        write_atomic(folder / name, reader.dump(plan))
    except OSError as error:
        raise folder_error(folder, error) from error


def lock_path(place: pathlib.Path) -> pathlib.Path:
    """The lock's file of a piece of work."""
    return place.with_name(f".{place.name}.lock")


def run_pending(
    places: Iterable[pathlib.Path],
    done: Callable[[pathlib.Path], bool],
    work: Callable[[int], None],
) -> None:
    """Does all that is not done, beside other processes that do the same.

    Args:
        places: The folder of every piece.
        done: Whether nothing is left to do there.
        work: Does the piece of a number, from 0.
    """
    places = list(places)
    # What others hold is waited for, and done here where they have failed.
    for wait in (False, True):
        for number, place in enumerate(places):
            if done(place):
                continue
            with locked(lock_path(place), wait) as mine:
                if mine and not done(place):
                    work(number)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps TensorFlow from warning of graphs made anew, as every training must."""
    import tensorflow as tf

    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
