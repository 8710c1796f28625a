"""The run folder: what is needed to trust, continue and use a result.

==================  =================================================================
``config.json``     data, network, recipe, seed, classes, package versions
``state/``          the last two states to resume from
``snapshots/``      weights at the epochs that the recipe names
``events/``         TensorBoard
``history.csv``     a row an epoch
``metrics.json``    the evaluation on the test split
``curves.png``      loss and accuracy over the epochs
``confusion.png``   the confusion matrix of the test split
``model.keras``     the network with its preprocessing: raw uint8 images of any size
==================  =================================================================

Every file is written under a temporary name, synced and renamed.
"""

import contextlib
import json
import os
import pathlib
import shutil
import tempfile
import zipfile

import filelock

from kerazoo.recipe import Recipe

# How the temporary files begin that a killed process leaves behind.
PARTIAL = ".partial-"
# Held by the process that trains.
LOCK = ".lock"


def write(path: pathlib.Path, content: bytes | str) -> None:
    """Writes a file whole or not at all."""
    if isinstance(content, str):
        content = content.encode()
    with replacing(path) as temporary:
        temporary.write_bytes(content)


@contextlib.contextmanager
def replacing(path: pathlib.Path):
    """A temporary path that takes the place of ``path`` when all went well.

    It keeps the suffix, by which Keras and matplotlib choose the format.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=PARTIAL, suffix="." + path.name.partition(".")[2]
    )
    os.close(handle)
    temporary = pathlib.Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        # mkstemp makes files private; a run folder is as open as its owner's umask.
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        # A full disk does not say of its own accord where it is.
        if error.errno and error.filename is None:
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(path: pathlib.Path):
    """A temporary folder that takes the place of ``path`` when all went well."""
    partial = path.with_name(f"{PARTIAL}{path.name}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield partial
        if path.exists():
            shutil.rmtree(path)
        os.replace(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


class Run:
    """A run folder.

    Args:
        path: The folder.

    Raises:
        ValueError: Where the folder is not there or holds no run.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        if not self.path.is_dir():
            raise ValueError(
                f"There is no run folder {self.path}; kerazoo train makes one."
            )
        if not self._file("config.json").is_file():
            raise ValueError(f"{self.path} is not a run folder: it has no config.json.")

    def __repr__(self):
        return f"Run({str(self.path)!r})"

    def _file(self, name):
        return self.path / name

    def _json(self, name):
        path = self._file(name)
        if not path.is_file():
            raise ValueError(f"{self.path} has no {name}: the run has not ended.")
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error}.") from error

    @property
    def config(self) -> dict:
        """The resolved configuration.

        Raises:
            ValueError: Where ``config.json`` is that of something else.
        """
        config = self._json("config.json")
        if not isinstance(config, dict) or not {"network", "recipe"} <= config.keys():
            raise ValueError(
                f"{self.path} is not a run folder: its config.json names no network "
                "and recipe."
            )
        return config

    @property
    def recipe(self) -> Recipe:
        """The recipe that was followed."""
        return Recipe.from_dict(self.config["recipe"])

    @property
    def metrics(self) -> dict:
        """The evaluation of the finished run on the test split."""
        return self._json("metrics.json")

    @property
    def history(self) -> list[dict[str, float]]:
        """A row an epoch.

        Raises:
            ValueError: Where the run has not ended.
        """
        import csv

        if not self._file("history.csv").is_file():
            raise ValueError(f"{self.path} has no history.csv: the run has not ended.")
        with open(self._file("history.csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [{k: float(v) for k, v in row.items() if v} for row in rows]

    @property
    def finished(self) -> bool:
        """Whether training and evaluation came to their end."""
        return self._file("metrics.json").is_file()

    @property
    def events(self) -> pathlib.Path:
        """The folder to give TensorBoard."""
        return self._file("events")

    def model(self):
        """The network with its preprocessing.

        Returns:
            A ``keras.Model`` from raw images ``(batch, height, width, channels)`` of
            any size, uint8 in 0..255, to class probabilities.

        Raises:
            ValueError: Where the run has not ended, so that there is no model, or its
                file is damaged.
        """
        import keras

        # A saved network may hold kerazoo's layers; importing them registers them.
        import kerazoo.data.whitening
        import kerazoo.layers  # noqa: F401

        path = self._file("model.keras")
        if not path.is_file():
            raise ValueError(f"{self.path} has no model.keras: the run has not ended.")
        try:
            return keras.models.load_model(path)
        except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
            reason = str(error).strip().partition("\n")[0]
            raise ValueError(f"{path} cannot be read: {reason}") from error


@contextlib.contextmanager
def claim(path: str | os.PathLike, config: dict, overwrite: bool):
    """Makes a run folder, or finds the unfinished one of the same configuration.

    Args:
        path: The folder.
        config: The resolved configuration.
        overwrite: Whether a run that stands there may be deleted.

    Yields:
        The run; it holds a state where training was interrupted. Until the end no other
        process can claim it.

    Raises:
        ValueError: Where something stands there that must not be touched.
    """
    path = pathlib.Path(path)
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path} is a file; give a folder for the run.")
    if path.exists() and content(path):
        # Before a lock is put into a folder of something else.
        Run(path).config  # noqa: B018
    with alone(path, "trained"):
        yield _claimed(path, config, overwrite)


@contextlib.contextmanager
def alone(path: pathlib.Path, doing: str):
    """Keeps other processes out of a folder, which is made where it is missing.

    Args:
        path: The folder.
        doing: What is being done to it, for the error.

    Raises:
        ValueError: Where another process has it, or it cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            path.mkdir(parents=True, exist_ok=True)
            mine = stack.enter_context(locked(path / LOCK, wait=False))
        except OSError as error:
            raise unwritable(path, error) from error
        if not mine:
            raise ValueError(
                f"{path} is being {doing} by another process; wait for its end, or "
                "give another folder."
            )
        # Nobody waits for it, so that nobody can be left with a lock of no file.
        stack.callback((path / LOCK).unlink, missing_ok=True)
        yield


@contextlib.contextmanager
def locked(path: pathlib.Path, wait: bool):
    """Holds a lock; the system gives it back when the process ends, however it ends.

    Args:
        path: The lock's file.
        wait: Whether to wait while another process holds it.

    Yields:
        Whether it is ours.
    """
    lock = filelock.FileLock(path)
    try:
        with contextlib.suppress(NotImplementedError):  # A file system without locks.
            lock.acquire(blocking=wait)
    except filelock.Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _claimed(path, config, overwrite):
    """The run of a folder that is ours."""
    if content(path):
        run = Run(path)
        if overwrite:
            for one in content(path):
                shutil.rmtree(one) if one.is_dir() else one.unlink()
        elif run.finished:
            raise ValueError(
                f"{path} holds a finished run; give another folder, or overwrite it "
                "(--overwrite)."
            )
        elif differing := _differences(_today(run), config):
            raise ValueError(
                f"{path} holds an unfinished run with another configuration "
                f"({', '.join(differing)} differ); continue it with the same, give "
                "another folder, or overwrite it (--overwrite)."
            )
        else:
            for partial in path.rglob(f"{PARTIAL}*"):
                partial.unlink()
            return run
    try:
        write(path / "config.json", json.dumps(config, indent=2) + "\n")
    except OSError as error:
        raise unwritable(path, error) from error
    return Run(path)


def content(path: pathlib.Path) -> list[pathlib.Path]:
    """What stands in a folder, but for what a killed process left on its way."""
    return [one for one in path.iterdir() if not one.name.startswith((LOCK, PARTIAL))]


def unwritable(path: pathlib.Path, error: OSError) -> ValueError:
    """The sentence for a folder that cannot be written."""
    return ValueError(
        f"The folder {path} cannot be written: {error.strerror or error}."
    )


def _today(run):
    """A run's configuration with the recipe's fields that came after it."""
    return run.config | {"recipe": json.loads(run.recipe.to_json())}


def _differences(old, new, prefix=""):
    """The paths at which two configurations differ, versions and devices apart."""
    paths = []
    for key in sorted({*old, *new} - {"versions", "data_dir", "distribution"}):
        one, other = old.get(key), new.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            paths += _differences(one, other, f"{prefix}{key}.")
        elif one != other:
            paths.append(prefix + key)
    return paths
