"""Work that several processes share by way of a folder.

Every piece of work has a folder of its own, which a process locks while it works there.
The system gives the lock back when the process ends, however it ends.
"""

import contextlib
import fcntl
import json
import logging
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable

import tensorflow as tf

from kerazoo.training.run import write


def begin(folder: str | os.PathLike, plan: dict, overwrite: bool) -> pathlib.Path:
    """Makes a folder for a plan, or finds the one of the same plan.

    Args:
        folder: The folder.
        plan: What is to be done, as plain data; it is written to ``plan.json``.
        overwrite: Whether what another plan left there may be deleted.

    Returns:
        The folder.

    Raises:
        ValueError: Where something stands there that must not be touched.
    """
    folder = pathlib.Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; give a folder.")
    path = folder / "plan.json"
    if folder.exists() and any(folder.iterdir()):
        try:
            old = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(
                f"{folder} holds something else than a {plan['kind']}; give another "
                "folder."
            ) from error
        # As JSON has it: tuples are lists there.
        new = json.loads(json.dumps(plan))
        differing = [key for key in new if old.get(key) != new[key]]
        if overwrite:
            shutil.rmtree(folder)
        elif differing:
            raise ValueError(
                f"{folder} holds a {old.get('kind')} of another plan "
                f"({', '.join(differing)} differ); give another folder, or overwrite "
                "it (--overwrite)."
            )
        else:
            return folder
    try:
        write(path, json.dumps(plan, indent=2) + "\n")
    except OSError as error:
        raise ValueError(
            f"The folder {folder} cannot be written: {error.strerror or error}."
        ) from error
    return folder


@contextlib.contextmanager
def _locked(place, wait):
    """Holds the lock of a folder, if it is to be had."""
    place.mkdir(exist_ok=True)
    handle = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)


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
            with _locked(place, wait) as mine:
                if mine and not done(place):
                    work(number)


@contextlib.contextmanager
def quiet():
    """Keeps TensorFlow from warning of graphs made anew, as every training must."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextlib.contextmanager
def helped(count: int, arguments: list[str]):
    """Has further processes run a ``kerazoo`` command meanwhile.

    They end with the block; what they leave undone is for whoever waits for them.

    Args:
        count: How many.
        arguments: What follows ``kerazoo`` on the command line.
    """
    helpers = []
    try:
        for number in range(1, count + 1):
            helpers.append(
                subprocess.Popen(
                    [sys.executable, "-m", "kerazoo.cli", *arguments],
                    env=os.environ | _share(number),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )
        yield
    finally:
        for helper in helpers:
            helper.terminate()
        for helper in helpers:
            helper.wait()


def _share(number):
    """The GPU of a helper, where there are several; this process has the first."""
    count = len(tf.config.list_physical_devices("GPU"))
    if count < 2:
        return {}
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = named.split(",") if named else [str(n) for n in range(count)]
    return {"CUDA_VISIBLE_DEVICES": gpus[number % count]}
