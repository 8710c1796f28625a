"""Work that several processes share by way of a folder.

Every piece of work has a folder of its own and a lock beside it, which a process holds
while it works there.
"""

import contextlib
import json
import logging
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable

from kerazoo.files import entries, folder_error, locked, write_atomic

# Set for a process that is to stop when the one that started it is gone.
FOLLOWS = "KERAZOO_FOLLOWS"
# Seconds for a process to save its state once it was asked to stop.
GRACE = 60.0


def plan_of(folder: pathlib.Path, name: str, kind: str) -> dict | None:
    """What is being done in a folder; None where nothing is.

    Args:
        folder: The folder.
        name: The file that says so.
        kind: What it is called, for the errors.

    Raises:
        ValueError: Where something else stands there.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; give a folder for the {kind}.")
    if not folder.exists() or not entries(folder):
        return None
    try:
        return json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{folder} holds something else than a {kind}; give another folder."
        ) from error


def check_same(
    plan: dict, old: dict, where: object, kind: str, free: Collection[str] = ()
) -> None:
    """Refuses to go on with another plan than work was begun with.

    Args:
        plan: What is to be done, as plain data.
        old: What was begun.
        where: Where, for the error.
        kind: What it is called.
        free: What may differ.

    Raises:
        ValueError: Where something else differs.
    """
    # As JSON has it: tuples are lists there.
    new = json.loads(json.dumps(plan))
    differing = [key for key in new if key not in free and old.get(key) != new[key]]
    if differing:
        raise ValueError(
            f"{where} holds another {kind} ({', '.join(differing)} differ); continue "
            "it with the same, give another folder, or overwrite it (--overwrite)."
        )


def begin(
    folder: pathlib.Path,
    name: str,
    kind: str,
    plan: dict,
    overwrite: bool,
    free: Collection[str] = (),
) -> None:
    """Makes a folder for a plan, or finds the one of the same plan.

    Args:
        folder: The folder.
        name: The file that the plan is written to.
        kind: What it is called, for the errors.
        plan: What is to be done, as plain data.
        overwrite: Whether what another plan left there may be deleted.
        free: What may differ from what was begun.

    Raises:
        ValueError: Where something stands there that must not be touched.
    """
    old = plan_of(folder, name, kind)
    if old and overwrite:
        for one in entries(folder):
            shutil.rmtree(one) if one.is_dir() else one.unlink()
    elif old:
        check_same(plan, old, folder, kind, free)
    try:
        write_atomic(folder / name, json.dumps(plan, indent=2) + "\n")
    except OSError as error:
        raise folder_error(folder, error) from error


def beside(place: pathlib.Path) -> pathlib.Path:
    """The lock's file of a piece of work."""
    return place.with_name(f".{place.name}.lock")


def work_off(
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
            with locked(beside(place), wait) as mine:
                if mine and not done(place):
                    work(number)


@contextlib.contextmanager
def quiet():
    """Keeps TensorFlow from warning of graphs made anew, as every training must."""
    import tensorflow as tf

    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def start(*words: str, **options) -> subprocess.Popen:
    """Starts a Python module in a process that stops when this one is gone.

    Args:
        *words: The module and its arguments.
        **options: As for ``subprocess.Popen``; ``env`` is added to this process' own.
    """
    own = {"TF_CPP_MIN_LOG_LEVEL": "3"} | os.environ
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        **options | {"env": own | options.get("env", {}) | {FOLLOWS: "1"}},
        # The system closes its other end when this process ends, however it ends.
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def follow() -> None:
    """Stops this process, its state saved, when the one that started it is gone."""
    if os.environ.pop(FOLLOWS, None):
        threading.Thread(target=_stop_at_the_end, daemon=True).start()


def _stop_at_the_end():
    # Not sys.stdin, whose buffer must not be locked when the interpreter ends.
    while os.read(0, 1):
        pass
    while True:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)


@contextlib.contextmanager
def helped(count: int, words: list[str]):
    """Has further processes run a ``kerazoo`` command meanwhile.

    They end with the block; what they leave undone is for whoever waits for them.

    Args:
        count: How many.
        words: What follows ``kerazoo`` on the command line.
    """
    follow()
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    helpers = []
    try:
        for number in range(1, count + 1):
            # This process has the first GPU.
            env = gpu(number)
            helpers.append(start("kerazoo", *words, env=env, **streams))
        yield
    finally:
        for helper in helpers:
            helper.terminate()
        for helper in helpers:
            helper.communicate()


def gpu(number: int) -> dict[str, str]:
    """The environment of a process that has a GPU of its own, where there are several.

    Args:
        number: The process', from 0.
    """
    import tensorflow as tf

    count = len(tf.config.list_physical_devices("GPU"))
    if count < 2:
        return {}
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = named.split(",") if named else [str(n) for n in range(count)]
    return {"CUDA_VISIBLE_DEVICES": gpus[number % count]}
