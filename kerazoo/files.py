"""Files that are written whole or not at all, and locks on them."""

import contextlib
import fnmatch
import os
import pathlib
import shutil
import tempfile
from collections.abc import Collection, Iterator

# How the temporary files begin that a killed process leaves behind.
PARTIAL = ".partial-"
# Held by the process that trains.
LOCK = ".lock"


def check_file(path: str | os.PathLike) -> pathlib.Path:
    """Where a file can be written, asked before anything slow begins.

    Raises:
        ValueError: Where a folder or a device stands there, or its folder cannot be
            written.
    """
    path = pathlib.Path(path)
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "no file"
        raise ValueError(f"{path} is {what}; give a file that can be written.")
    _check_writable(path, path.parent)
    return path


def check_folder(path: str | os.PathLike, what: str) -> pathlib.Path:
    """Where a folder can be made or filled, asked before anything slow begins.

    Args:
        path: The folder.
        what: What is to be kept there, for the error.

    Raises:
        ValueError: Where a file stands there, or it cannot be written.
    """
    path = pathlib.Path(path)
    if os.path.lexists(path) and not path.is_dir():
        found = "a file" if path.exists() else "a link to nothing"
        raise ValueError(f"{path} is {found}; give a folder for the {what}.")
    _check_writable(path, path)
    return path


def _check_writable(path, folder):
    try:
        # TensorFlow writes under no other names.
        str(path).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{str(path)!r} is no name in UTF-8; give another.") from error
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise ValueError(f"{path} cannot be made, for {folder} is no folder.")
    try:
        # It alone says so of every file system, and leaves nothing behind.
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ValueError(
            f"{path} cannot be made, for {folder} cannot be written "
            f"({error.strerror}); give another place."
        ) from error


def write_atomic(path: pathlib.Path, content: bytes | str) -> None:
    """Writes a file whole or not at all."""
    if isinstance(content, str):
        content = content.encode()
    with replacing(path) as temporary:
        temporary.write_bytes(content)


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A temporary path that takes the place of ``path`` when all went well.

    It keeps the suffix, by which Keras and matplotlib choose the format.
    """
    # Of a link its target; and never a device in the place of a file.
    path = check_file(path).resolve()
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
def replacing_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A temporary folder that takes the place of ``path`` when all went well."""
    partial = path.with_name(f"{PARTIAL}{path.name}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise folder_error(path, error) from error
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


@contextlib.contextmanager
def exclusive(path: pathlib.Path, doing: str) -> Iterator[None]:
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
            raise folder_error(path, error) from error
        if not mine:
            raise ValueError(
                f"{path} is being {doing} by another process; wait for its end, or "
                "give another folder."
            )
        # Nobody waits for it, so that nobody can be left with a lock of no file.
        stack.callback((path / LOCK).unlink, missing_ok=True)
        yield


@contextlib.contextmanager
def locked(path: pathlib.Path, wait: bool) -> Iterator[bool]:
    """Holds a lock; the system gives it back when the process ends, however it ends.

    Args:
        path: The lock's file.
        wait: Whether to wait while another process holds it.

    Yields:
        Whether it is ours.
    """
    # It takes as long to import as a command that needs no lock.
    import filelock

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


def entries(path: pathlib.Path) -> list[pathlib.Path]:
    """The contents of a folder, without locks and partial files."""
    return [one for one in path.iterdir() if not one.name.startswith((LOCK, PARTIAL))]


def check_own(path: pathlib.Path, own: Collection[str], what: str) -> None:
    """Refuses to let a folder be deleted that holds more than kerazoo has written.

    Args:
        path: The folder.
        own: Patterns of the files that are written there, from the folder on; ``*``
            spans folders.
        what: What writes them, for the error.

    Raises:
        ValueError: Where anything else stands there, at whatever depth, or it is a
            link.
    """
    if path.is_symlink():
        raise ValueError(f"{path} is a link; give the folder that it leads to.")
    foreign = sorted(
        name
        for name in _files(path)
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in own)
    )
    if foreign:
        raise ValueError(
            f"{path} holds {', '.join(foreign[:3])}, which no {what} has written, so "
            "that nothing is deleted; move it away, or give another folder."
        )


def _files(path):
    """The files and links below a folder, without locks and partial files."""
    for place, folders, names in os.walk(path):
        links = [one for one in folders if os.path.islink(os.path.join(place, one))]
        for name in [*names, *links]:
            if not name.startswith((LOCK, PARTIAL)):
                yield pathlib.Path(place, name).relative_to(path).as_posix()


def clear(path: pathlib.Path, own: Collection[str], what: str) -> None:
    """Empties a folder of what kerazoo has written; see :func:`check_own`."""
    check_own(path, own, what)
    for one in entries(path):
        shutil.rmtree(one) if one.is_dir() else one.unlink()


def folder_error(path: pathlib.Path, error: OSError) -> ValueError:
    """The sentence for a folder that cannot be written."""
    return ValueError(
        f"The folder {path} cannot be written: {error.strerror or error}."
    )
