"""What a file is by its first bytes, and the one file that a plain zip holds."""

import contextlib
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO

# So many bytes are enough to know a file by.
HEAD = 64
POINTER = b"version https://git-lfs"
# Floats are packed to nine tenths at best, so that far less is no file of weights.
LARGEST = 2**31
SMALL = 2**26
RATIO = 20
# What zipfile raises for archives that are damaged, cut off or locked.
DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError,
    UnicodeDecodeError, OverflowError, ValueError, OSError,
)  # fmt: skip


def impostor(head: bytes) -> str | None:
    """What stands in the place of a file of weights, or None.

    Args:
        head: The first ``HEAD`` bytes.

    Returns:
        Words for an error, as in ``a page, not a file``.
    """
    if head.startswith(POINTER):
        return "a pointer of Git LFS, not the file itself"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    # Numbers may begin with this byte as well, but not go on as text.
    if text.startswith(b"<") and re.fullmatch(rb"[\t\r\n -~]+", text[:16]):
        return "a page, not a file"
    return None


def check_head(head: bytes, place: str | os.PathLike) -> None:
    """Refuses what stands in the place of a file of weights, or nothing at all.

    Args:
        head: The first ``HEAD`` bytes.
        place: The file, for the error.

    Raises:
        ValueError: For an empty file, a page or a pointer.
    """
    other = impostor(head) or ("" if head else "empty")
    if other:
        raise ValueError(f"{place} is {other}; get the file of weights again.")


def check_unpacked(unpacked: int, packed: int, place: str | os.PathLike) -> None:
    """Refuses what unpacks to more than any weights do, before it fills the memory.

    Args:
        unpacked: Bytes that it says it holds.
        packed: Bytes that it takes in the file.
        place: The file, for the error.

    Raises:
        ValueError: Above ``LARGEST``, or where it is packed more than ``RATIO`` times.
    """
    if unpacked > LARGEST or (unpacked > SMALL and unpacked > RATIO * packed):
        raise ValueError(
            f"{place} would unpack {packed:,} bytes to {unpacked:,}, which no file of "
            "weights does; get it from its authors again."
        )


def check_names(archive: zipfile.ZipFile, place: str | os.PathLike) -> None:
    """Refuses an archive whose names lead out of it, stand twice or are locked.

    Raises:
        ValueError: For such a name.
    """
    infos = archive.infolist()
    for info in infos:
        # zipfile itself cuts a name at its first zero byte.
        name = info.orig_filename
        parts = re.split(r"[/\\]", name)
        if ".." in parts or not parts[0] or ":" in parts[0] or "\0" in name:
            raise ValueError(
                f"{place} holds a file {name[:100]!r}, whose name leads out of the "
                "archive; get it from its authors again."
            )
        if info.flag_bits & 1:
            raise ValueError(f"{place} is locked by a password; give an open one.")
    if len({info.filename for info in infos}) < len(infos):
        raise ValueError(
            f"{place} holds several files of one name; get it from its authors again."
        )


def single(archive: zipfile.ZipFile, place: str | os.PathLike) -> zipfile.ZipInfo:
    """The one file of a plain zip, as of pytorchcv's ``.pth.zip``.

    Args:
        archive: The archive.
        place: Its path, for the errors.

    Raises:
        ValueError: Where it holds none or several, a name leads out of it, or it would
            unpack to more than weights do.
    """
    check_names(archive, place)
    inside = [info for info in archive.infolist() if not info.is_dir()]
    if len(inside) != 1:
        names = ", ".join(info.filename[:100] for info in inside[:3]) or "nothing"
        raise ValueError(
            f"{place} holds {len(inside)} files ({names}), but a zip of weights holds "
            "one; unpack it, and give the file of weights."
        )
    check_unpacked(inside[0].file_size, inside[0].compress_size, place)
    return inside[0]


@contextlib.contextmanager
def unzipping(place: str | os.PathLike) -> Iterator[None]:
    """Turns what zipfile raises for a damaged archive into a sentence.

    Raises:
        ValueError: For an archive that is damaged, cut off or locked.
    """
    try:
        yield
    except DAMAGED as error:
        if type(error) is ValueError and str(place) in str(error):
            raise
        raise ValueError(
            f"{place} is a zip that is damaged or cut off ({error}); get it again."
        ) from error


def each_block(read: Callable[[int], bytes], size: int = 2**20) -> Iterator[bytes]:
    """The blocks of a stream."""
    return iter(lambda: read(size), b"")


def unpacked_blocks(stream: IO[bytes], place: str | os.PathLike) -> Iterator[bytes]:
    """The blocks of the one file that a plain zip holds, as they are unpacked.

    Args:
        stream: The zip.
        place: Its path, for the errors.

    Raises:
        ValueError: As of :func:`single`, or where the zip is damaged.
    """
    with unzipping(place), zipfile.ZipFile(stream) as archive:
        info = single(archive, place)
        # zipfile reads no more than the size that it declares, and checks its CRC.
        with archive.open(info) as member:
            yield from each_block(member.read)
