"""Published files, fetched once, whole and checked, into the user's cache.

``KERAZOO_WEIGHTS_DIR`` names another folder than the cache, ``KERAZOO_WEIGHTS_MIRROR``
a folder or the beginning of a URL that is asked in place of the host, ``HF_ENDPOINT``
one in place of huggingface.co, and ``KERAZOO_OFFLINE=1`` or ``HF_HUB_OFFLINE=1`` keeps
from asking anybody. Proxies are those of ``https_proxy`` and ``no_proxy``.
"""

import contextlib
import dataclasses
import hashlib
import http.client
import json
import os
import pathlib
import re
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import IO, Annotated, Any, Literal

import platformdirs

from kerazoo import files, reader
from kerazoo.reader import Path, Range, Rule
from kerazoo.weights import contents

# Seconds without a byte, tries in one call, and seconds before the second of them.
TIMEOUT = 30.0
TRIES = 4
PAUSE = 0.5
BLOCK = 2**18
HUB = "https://huggingface.co/"
# What a server answers that may answer otherwise a moment later.
PASSING = {408, 416, 425, 429, 500, 502, 503, 504}
DIGITS = {"md5": 32, "sha1": 40, "sha256": 64}
NO = {"", "0", "false", "no", "off"}


class NotFetched(ValueError):
    """A file is not there and cannot be had; the message says where it belongs."""


class _Interrupted(Exception):
    """The connection ended early; another try may go on from there."""


class _Missing(NotFetched):
    """The server answers, and has no such file."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hash:
    """What a file's publisher says of its content.

    Attributes:
        algorithm: The function.
        digits: Its hexadecimal digits, or the first of them, 8 at least, where no more
            are published: torchvision's files end in 8 of their SHA-256.
    """

    algorithm: Literal["md5", "sha1", "sha256"]
    digits: Annotated[
        str,
        Rule(
            "8 to 64 digits from 0 to 9 and a to f",
            lambda text: bool(re.fullmatch("[0-9a-f]{8,64}", text)),
        ),
    ]

    def __post_init__(self) -> None:
        """Refuses what is no hash of its kind."""
        reader.validate(self)
        if len(self.digits) > DIGITS[self.algorithm]:
            raise ValueError(
                f"digits has {len(self.digits)} digits, but {self.algorithm} has "
                f"{DIGITS[self.algorithm]}; give these, or the first of them."
            )

    @property
    def whole(self) -> bool:
        """Whether all digits are known."""
        return len(self.digits) == DIGITS[self.algorithm]

    def matches(self, digits: str) -> bool:
        """Whether a file with all these digits may be the one."""
        return digits.startswith(self.digits)

    def __str__(self) -> str:
        beginning = "" if self.whole else " beginning with"
        return f"{self.algorithm}{beginning} {self.digits}"


def _is_name(name):
    safe = re.fullmatch(r"[\w][\w.+-]*", name, re.ASCII)
    return bool(safe) and len(name) <= 200 and not name.endswith(SEEN)


# Beside a file, the SHA-256 that it had when it was first seen.
SEEN = ".sha256"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A published file.

    Attributes:
        url: Where it lies: ``https://``, ``http://`` or ``file://``.
        name: What it is called in the cache; no two files there share a name.
        hash: What its publisher says of its content, or None.
        size: Its bytes, or None where they are not known.
        unpacked_hash: That of the one file within, where ``url`` is a zip of it and
            this is what is published, as by pytorchcv.
    """

    url: Annotated[
        str,
        Rule(
            "a URL that begins with https://, http:// or file://",
            lambda text: bool(re.match(r"(https?://[^\s/]|file://)\S+$", text)),
        ),
    ]
    name: Annotated[str, Rule("a file's name of letters, digits and .+-_", _is_name)]
    hash: Hash | None = None
    size: Annotated[int, Range(1)] | None = None
    unpacked_hash: Hash | None = None

    def __post_init__(self) -> None:
        """Refuses what names no file."""
        reader.validate(self)


def weights_folder(folder: str | os.PathLike | None = None) -> pathlib.Path:
    """Where files of weights are kept.

    Args:
        folder: It itself; else ``KERAZOO_WEIGHTS_DIR``, else one in the user's cache.
    """
    place = folder or os.environ.get("KERAZOO_WEIGHTS_DIR")
    if place:
        return pathlib.Path(place).expanduser()
    return pathlib.Path(platformdirs.user_cache_dir("kerazoo")) / "weights"


def seen(path: str | os.PathLike) -> str | None:
    """The SHA-256 that a file had when it was first used, or None.

    Raises:
        ValueError: Where what should say so does not.
    """
    beside = _beside(pathlib.Path(path))
    try:
        text = beside.read_bytes()[:200].decode("ascii", "replace")
    except FileNotFoundError:
        return None
    digits = text.partition(" ")[0].strip()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise ValueError(f"{beside} holds no SHA-256; delete it, and it is made again.")
    return digits


@reader.checked
def fetch(
    file: RemoteFile, *, folder: Path | None = None, offline: bool | None = None
) -> pathlib.Path:
    """A published file on this disk, downloaded where it is not there yet.

    A file that is there is never replaced or deleted, whatever is found wrong with it.
    What has come of an interrupted download is kept, and the next call goes on from
    there. The SHA-256 of what is first seen is written beside it, to ``NAME.sha256``,
    and every later call compares the file with it.

    Args:
        file: What to fetch.
        folder: Where to keep it. Default: ``KERAZOO_WEIGHTS_DIR``, else a folder in the
            user's cache.
        offline: Whether to keep from asking anybody. Default: what ``KERAZOO_OFFLINE``
            or ``HF_HUB_OFFLINE`` says.

    Returns:
        The path of the file, whose size and hashes are right.

    Raises:
        NotFetched: Where it is not there and cannot be had.
        ValueError: Where what is there, or what came, is not the published file, or the
            folder cannot be written.
        OSError: Where the disk is full; what has come is kept.
    """
    folder = weights_folder(folder)
    path = folder / file.name
    if not path.exists():
        _make(path, file, _is_offline() if offline is None else offline)
    elif not path.is_file():
        raise ValueError(f"{path} is no file; move it away, and it is downloaded.")
    else:
        _check(path, file)
    return path


def _is_offline():
    given = (os.environ.get(name) for name in ("KERAZOO_OFFLINE", "HF_HUB_OFFLINE"))
    return any((one or "").strip().lower() not in NO for one in given)


def _make(path, file, offline):
    sources = _sources(file)
    if offline:
        local = [one for one in sources if isinstance(one, pathlib.Path)]
        if not local:
            raise NotFetched(
                f"{file.name} is not in {path.parent}, and nothing may be downloaded "
                "(KERAZOO_OFFLINE, HF_HUB_OFFLINE or offline=True); download "
                f"{file.url} elsewhere, and put it there as {path}."
            )
        sources = local
    files.check_folder(path.parent, "weights")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise files.folder_error(path.parent, error) from error
    with files.locked(path.with_name(f"{files.LOCK}-{file.name}"), wait=True):
        if path.exists():  # Another process has fetched it meanwhile.
            _check(path, file)
            return
        for source in sources:
            try:
                return _fetch_from(source, path, file)
            except _Missing as error:
                missing = error
        raise missing


def _sources(file):
    """What to ask for the file: URLs, and paths of this machine."""
    mirror = os.environ.get("KERAZOO_WEIGHTS_MIRROR", "").strip()
    parts = urllib.parse.urlsplit(file.url)
    if mirror:
        # A copy of a folder of weights; or one of the host, below whose name all lies.
        inside = [urllib.parse.quote(file.name), parts.path.lstrip("/")]
        if "://" in mirror:
            found = [f"{mirror.rstrip('/')}/{one}" for one in inside]
        else:
            root = pathlib.Path(mirror).expanduser().absolute()
            found = [f"{root.as_uri()}/{one}" for one in inside if ".." not in one]
    elif file.url.startswith(HUB) and os.environ.get("HF_ENDPOINT", "").strip():
        end = os.environ["HF_ENDPOINT"].strip().rstrip("/")
        found = [f"{end}/{file.url.removeprefix(HUB)}"]
    else:
        found = [file.url]
    for url in found:
        if urllib.parse.urlsplit(url).scheme not in ("http", "https", "file"):
            name = "KERAZOO_WEIGHTS_MIRROR" if mirror else "HF_ENDPOINT"
            raise ValueError(
                f"{name} is {mirror or end}; it must begin with https://, http:// or "
                "file://, or be a folder."
            )
    return [_local(url) or url for url in found]


def _local(url):
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "file":
        return None
    return pathlib.Path(urllib.request.url2pathname(parts.path))


class _Hashes:
    """The hashes of a stream, all in one pass."""

    def __init__(self, *wanted):
        names = {"sha256", *(one.algorithm for one in wanted if one)}
        # No signature rests on them, so that a hardened system computes MD5 as well.
        self.hashes = {name: hashlib.new(name, usedforsecurity=False) for name in names}
        self.size = 0

    def update(self, block):
        for one in self.hashes.values():
            one.update(block)
        self.size += len(block)

    def read(self, path):
        with open(path, "rb") as stream:
            for block in contents.each_block(stream.read):
                self.update(block)
        return self

    def fault(self, wanted, subject="it"):
        found = wanted and self.hashes[wanted.algorithm].hexdigest()
        if not wanted or wanted.matches(found):
            return None
        return f"{subject} has {wanted.algorithm} {found}, not {wanted}"

    @property
    def sha256(self):
        return self.hashes["sha256"].hexdigest()


def _fault(path, file, hashes, known):
    """What tells a file from the published one, in words, or None.

    Args:
        path: The file.
        file: What is published.
        hashes: Those of the file.
        known: The SHA-256 that was first seen, or None.
    """
    if file.size and hashes.size != file.size:
        return f"it has {hashes.size:,} bytes, not {file.size:,}"
    fault = hashes.fault(file.hash)
    if fault:
        return fault
    if file.unpacked_hash:
        inner = _Hashes(file.unpacked_hash)
        with open(path, "rb") as stream:
            for block in contents.unpacked_blocks(stream, file.name):
                inner.update(block)
        fault = inner.fault(file.unpacked_hash, "the file in it")
        if fault:
            return fault
    certain = file.hash and file.hash.algorithm == "sha256" and file.hash.whole
    if known and known != hashes.sha256 and not certain:
        return (
            f"it has sha256 {hashes.sha256}, but had {known} when it was first seen, "
            f"as {file.name}{SEEN} says"
        )
    return None


def _check(path, file):
    """Holds a file that is there against what is published and what was first seen."""
    hashes, known = _Hashes(file.hash).read(path), seen(path)
    try:
        fault = _fault(path, file, hashes, known)
    except ValueError as error:
        fault = str(error).removesuffix(".")
    if fault:
        raise ValueError(
            f"{path} is not the published file: {fault}; move it and "
            f"{file.name}{SEEN} away, and it is downloaded again."
        )
    if known != hashes.sha256:
        # A folder that others have filled may not be ours to write.
        with contextlib.suppress(OSError, ValueError):
            _write_seen(path, hashes)


def _beside(path):
    return path.with_name(path.name + SEEN)


def _write_seen(path, hashes):
    # As of the command sha256sum, which can check it.
    files.write_atomic(_beside(path), f"{hashes.sha256}  {path.name}\n")


def _fetch_from(source, path, file):
    """Brings the file from one place into the cache, or raises."""
    partial = _Partial(path, str(source))
    known = seen(path)
    try:
        # What another call has left may be damaged; then all is asked for once more.
        for resumed in (bool(partial.tag()), False):
            hashes = _receive(source, partial, path, file)
            try:
                fault = _fault(partial.path, file, hashes, known)
            except ValueError as error:
                fault = str(error).removesuffix(".")
            if not fault:
                break
            # Nothing but what came just now is deleted.
            partial.drop()
            if resumed:
                continue
            again = f"delete {_beside(path)} if you trust the new one, or " * bool(
                known and SEEN in fault
            )
            raise ValueError(
                f"What {source} gave is not {file.name}: {fault}; nothing is kept; "
                f"{again}try again later, or get it elsewhere and put it there as "
                f"{path}."
            )
        partial.finish(path)
        _write_seen(path, hashes)
    except OSError as error:
        # A full disk does not say of its own accord where it is.
        if error.errno and error.filename is None:
            error.filename = str(path)
        raise


class _Partial:
    """What has come of a download, and of which version of the file it is."""

    def __init__(self, path, source):
        self.path = path.with_name(f"{files.PARTIAL}{path.name}")
        self.record = path.with_name(f"{files.PARTIAL}{path.name}.json")
        self.source = source

    def tag(self):
        """The ETag to go on with; None where nothing is there to go on with."""
        with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
            record = json.loads(self.record.read_bytes())
            if record.get("source") == self.source and self.path.stat().st_size:
                tag = record.get("tag")
                # A header takes no line of its own making.
                return tag if re.fullmatch(r'"[!#-~]*"', tag) else None
        return None

    def begin(self, tag):
        self.record.unlink(missing_ok=True)
        stream = open(self.path, "wb")  # noqa: SIM115
        try:
            # A weak tag does not promise the same bytes.
            if tag and re.fullmatch(r'"[!#-~]*"', tag):
                record = {"source": self.source, "tag": tag}
                files.write_atomic(self.record, json.dumps(record))
        except BaseException:
            stream.close()
            raise
        return stream

    def drop(self):
        self.record.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def finish(self, path):
        with open(self.path, "rb") as stream:
            os.fsync(stream.fileno())
        os.replace(self.path, path)
        self.record.unlink(missing_ok=True)


def _receive(source, partial, path, file):
    """The hashes of what a source gives, all of which lies in ``partial``."""
    if isinstance(source, pathlib.Path):
        return _copy(source, partial, path, file)
    reason = None
    for number in range(TRIES):
        if number:
            time.sleep(PAUSE * 2 ** (number - 1))
        try:
            return _ask(source, partial, path, file)
        except _Interrupted as error:
            reason = str(error)
    kept = "; what has come is kept, and goes on from there" * bool(partial.tag())
    raise _not_fetched(source, path, f"{reason}, {TRIES} times", kept)


def _not_fetched(source, path, reason, kept="", kind=NotFetched):
    return kind(
        f"{path.name} could not be downloaded from {source} ({reason}); try again "
        f"later{kept}; or get it elsewhere, and put it there as {path}."
    )


def _copy(source, partial, path, file):
    if not source.is_file():
        raise _not_fetched(source, path, "there is no such file", kind=_Missing)
    hashes = _Hashes(file.hash)
    with open(source, "rb") as given, partial.begin(None) as kept:
        _check_head(given.peek(contents.HEAD), source, partial, path)
        for block in contents.each_block(given.read):
            kept.write(block)
            hashes.update(block)
    return hashes


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a server's redirection, but not out of encryption."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str,
        headers: Any, newurl: str,
    ) -> urllib.request.Request | None:  # fmt: skip
        """The request of what a server says is the place."""
        schemes = [urllib.parse.urlsplit(one).scheme for one in (req.full_url, newurl)]
        if schemes[0] == "https" and schemes[1] != "https":
            fp.close()
            raise NotFetched(
                f"{req.full_url} leads to {newurl}, which is not encrypted; get the "
                "file elsewhere, and put it into the folder of weights by hand."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _open(url, headers, path):
    """A server's answer."""
    # Proxies are read from the environment here, so that they may be set at any time.
    opener = urllib.request.build_opener(Redirects)
    try:
        return opener.open(
            urllib.request.Request(url, headers=headers), timeout=TIMEOUT
        )
    except urllib.error.HTTPError as error:
        error.close()
        said = " ".join(str(error.reason).split())
        reason = f"the server answers {error.code} {said}"
        if error.code in PASSING:
            raise _Interrupted(reason) from error
        kind = _Missing if error.code in (404, 410) else NotFetched
        raise _not_fetched(url, path, reason, kind=kind) from error
    except urllib.error.URLError as error:
        reason = getattr(error.reason, "strerror", None) or str(error.reason)
        # No server of that name: asking again does not make one.
        if isinstance(error.reason, socket.gaierror):
            raise _not_fetched(url, path, reason) from error
        raise _Interrupted(reason) from error
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(str(error) or type(error).__name__) from error


def _ask(url, partial, path, file):
    """One try: goes on where the last one ended, if the file is still the same."""
    tag = partial.tag()
    headers = {"User-Agent": "kerazoo", "Accept-Encoding": "identity"}
    there = partial.path.stat().st_size if tag else 0
    if tag:
        headers |= {"Range": f"bytes={there}-", "If-Range": tag}
    try:
        answer = _open(url, headers, path)
    except _Interrupted as error:
        # More is there than the file has.
        if getattr(error.__cause__, "code", None) == 416:
            partial.drop()
        raise
    with answer:
        start, total = _extent(answer, there)
        if start not in (0, there):
            partial.drop()
            raise _Interrupted("the server goes on at another place")
        _check_answer(answer, total, partial, path, file)
        hashes = _Hashes(file.hash)
        if start:
            hashes.read(partial.path)
        begun = open(partial.path, "ab") if start else None  # noqa: SIM115
        with (
            begun or partial.begin(answer.headers.get("ETag")) as kept,
            _progress(file.name, total or file.size) as show,
        ):
            for block in _blocks(answer):
                if not hashes.size and len(block) >= contents.HEAD:
                    _check_head(block, url, partial, path)
                kept.write(block)
                hashes.update(block)
                show(hashes.size)
    total = total or file.size
    if total and hashes.size < total:
        raise _Interrupted(
            f"the connection ended after {hashes.size:,} of {total:,} bytes"
        )
    with open(partial.path, "rb") as stream:
        _check_head(stream.read(contents.HEAD), url, partial, path)
    return hashes


def _extent(answer, there):
    """Where an answer begins and how long the whole file is, or None."""
    length = answer.headers.get("Content-Length", "")
    if answer.status != 206:
        return 0, int(length) if length.isdecimal() else None
    said = answer.headers.get("Content-Range", "")
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", said.strip())
    return (int(match[1]), int(match[2])) if match else (-1, None)


def _check_answer(answer, total, partial, path, file):
    """Refuses by its headers what cannot be the file."""
    kind = answer.headers.get_content_type()
    if kind in ("text/html", "application/xhtml+xml"):
        raise _not_fetched(answer.url, path, "it is a page, not a file")
    if total is not None and file.size and total != file.size:
        partial.drop()
        raise ValueError(
            f"What {answer.url} gives is not {file.name}: it has {total:,} bytes, not "
            f"{file.size:,}; get it elsewhere, and put it there as {path}."
        )
    chunked = answer.headers.get("Transfer-Encoding", "").lower() == "chunked"
    if total is None and not chunked and not (file.size or file.hash):
        reason = "the server does not say how long it is, so that nobody sees its end"
        raise _not_fetched(answer.url, path, reason)


def _check_head(head, source, partial, path):
    """Refuses by its first bytes what stands in the place of a file."""
    other = contents.impostor(head[: contents.HEAD])
    if other:
        partial.drop()
        raise _not_fetched(source, path, f"it is {other}")


def _blocks(answer: IO[bytes]) -> Iterator[bytes]:
    """The blocks of an answer, each as soon as it comes."""
    while True:
        try:
            # All of a short read is kept, where that of a whole block may be lost.
            block = answer.read1(BLOCK)  # type: ignore[attr-defined]
        except (OSError, http.client.HTTPException) as error:
            raise _Interrupted(str(error) or type(error).__name__) from error
        if not block:
            return
        yield block


@contextlib.contextmanager
def _progress(name: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A line that shows how much has come, on a terminal alone."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(name, total=total)
        yield lambda done: progress.update(task, completed=done)
