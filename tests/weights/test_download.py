"""Downloads from a server that does whatever goes wrong on the way."""

import dataclasses
import errno
import hashlib
import http.server
import io
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import zipfile

import pytest

from kerazoo import errors
from kerazoo.weights import download
from kerazoo.weights.download import Hash, NotFetched, RemoteFile, fetch, seen

CONTENT = bytes(range(256)) * 4000
OTHER = CONTENT[::-1]
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HALF = len(CONTENT) // 2


@dataclasses.dataclass
class Answer:
    """What the server gives at a path.

    Attributes:
        content: The file.
        etag: Its ETag, or None.
        status: The status, for all but a file.
        headers: More of them.
        cuts: For each request, after how many bytes the connection ends.
        says: What is said to be the length; None leaves it out.
        pause: Waits in the middle: seconds, or an event.
        ranges: Whether parts are given.
    """

    content: bytes = CONTENT
    etag: str | None = '"one"'
    status: int = 200
    headers: dict = dataclasses.field(default_factory=dict)
    cuts: list = dataclasses.field(default_factory=list)
    says: object = ...
    pause: object = None
    ranges: bool = True


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        site = self.server
        site.requests.append((self.path, self.headers.get("Range")))
        answer = site.answers.get(self.path, Answer(b"", status=404))
        if isinstance(answer, list):
            answer = answer.pop(0)
        start, whole = 0, answer.content
        wanted = self.headers.get("Range")
        same = self.headers.get("If-Range") == answer.etag
        if answer.status == 200 and wanted and same and answer.ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
            if start >= len(whole):
                self.send_error(416)
                return
            self.send_response(206)
            extent = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
            self.send_header("Content-Range", extent)
        else:
            self.send_response(answer.status)
        body = whole[start:]
        says = len(body) if answer.says is ... else answer.says
        if says is not None:
            self.send_header("Content-Length", str(says))
        if answer.etag:
            self.send_header("ETag", answer.etag)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        stop = answer.cuts.pop(0) if answer.cuts else len(body)
        self.send(body[: stop // 2])
        if isinstance(answer.pause, threading.Event):
            answer.pause.wait(30)
        elif answer.pause:
            time.sleep(answer.pause)
        self.send(body[stop // 2 : stop])

    def send(self, content):
        try:
            self.wfile.write(content)
            self.wfile.flush()
        except OSError:  # The client is dead.
            self.close_connection = True

    def log_message(self, *args):
        pass


class Site(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.requests = {}, []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *args):
        pass

    @property
    def ranges(self):
        return [given for _, given in self.requests]


VARIABLES = re.compile("KERAZOO_|HF_|.*_proxy$", re.IGNORECASE)


@pytest.fixture
def site(monkeypatch):
    for name in filter(VARIABLES.match, list(os.environ)):
        monkeypatch.delenv(name)
    monkeypatch.setattr(download, "PAUSE", 0.01)
    monkeypatch.setattr(download, "TIMEOUT", 5)
    site = Site()
    thread = threading.Thread(target=site.serve_forever, args=(0.02,))
    thread.start()
    yield site
    site.shutdown()
    thread.join()
    site.server_close()


@pytest.fixture
def remote(site):
    def make(answer=None, **fields):
        site.answers["/a/w.bin"] = answer or Answer()
        fields = {"hash": Hash(algorithm="sha256", digits=SHA256)} | fields
        return RemoteFile(url=f"{site.url}/a/w.bin", name="w.bin", **fields)

    return make


def names(folder):
    """What is in a folder, but for locks."""
    return sorted(one.name for one in folder.iterdir() if ".lock" not in one.name)


WHOLE = ["w.bin", "w.bin.sha256"]


def digest(algorithm, count=None, content=CONTENT):
    digits = hashlib.new(algorithm, content).hexdigest()
    return Hash(algorithm=algorithm, digits=digits[:count])


@pytest.mark.parametrize(
    "given",
    [
        *(digest(algorithm) for algorithm in ("md5", "sha1", "sha256")),
        digest("sha256", 8),
        None,
    ],
    ids=str,
)
def test_a_file_is_fetched_once(site, remote, tmp_path, given, capfd):
    file = remote(hash=given, size=len(CONTENT))
    for _ in range(3):
        path = fetch(file, folder=tmp_path)
        assert path == tmp_path / "w.bin" and path.read_bytes() == CONTENT
    assert site.ranges == [None]
    assert names(tmp_path) == WHOLE
    # The file that the command sha256sum writes.
    assert (tmp_path / "w.bin.sha256").read_text() == f"{SHA256}  w.bin\n"
    assert seen(path) == SHA256
    # No terminal, no line.
    assert capfd.readouterr() == ("", "")
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask()


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_connection_that_ends_early_is_resumed(site, remote, tmp_path):
    cuts = [300_000, 300_000, 1]
    path = fetch(remote(Answer(cuts=list(cuts))), folder=tmp_path)
    assert path.read_bytes() == CONTENT
    starts = [300_000, 600_000, 600_001]
    assert site.ranges == [None, *(f"bytes={one}-" for one in starts)]
    assert names(tmp_path) == WHOLE


@pytest.mark.parametrize(
    "changed", [{"etag": None}, {"etag": 'W/"one"'}, {"ranges": False}]
)
def test_without_a_strong_tag_it_begins_again(site, remote, tmp_path, changed):
    answer = Answer(cuts=[300_000], **changed)
    assert fetch(remote(answer), folder=tmp_path).read_bytes() == CONTENT
    asked = "bytes=300000-" if "ranges" in changed else None
    assert site.ranges == [None, asked]


def test_what_is_left_after_all_tries_is_resumed_by_the_next_call(
    site, remote, tmp_path
):
    file = remote(Answer(cuts=[200_000, 0, 0, 0]))
    words = (
        r"w\.bin could not be downloaded from http.* \(the connection ended after "
        r"200,000 of 1,024,000 bytes, 4 times\); try again later; what has come is "
        r"kept, and goes on from there; or get it elsewhere, and put it there as .*bin"
    )
    with pytest.raises(NotFetched, match=words):
        fetch(file, folder=tmp_path)
    assert "w.bin" not in names(tmp_path)
    assert fetch(file, folder=tmp_path).read_bytes() == CONTENT
    assert site.ranges[-1] == "bytes=200000-" and len(site.requests) == 5


def test_a_file_that_changes_while_it_is_fetched(site, remote, tmp_path):
    first = Answer(OTHER, '"old"', cuts=[300_000])
    file = remote([first, Answer(CONTENT, '"new"')])
    assert fetch(file, folder=tmp_path).read_bytes() == CONTENT
    assert site.ranges == [None, "bytes=300000-"]


def test_a_server_that_says_too_small_a_part(site, remote, tmp_path):
    wrong = Answer(
        CONTENT[5:], status=206, headers={"Content-Range": "bytes 5-1023999/1024000"}
    )
    file = remote([Answer(cuts=[300_000]), wrong, Answer()])
    assert fetch(file, folder=tmp_path).read_bytes() == CONTENT
    assert site.ranges == [None, "bytes=300000-", None]


def test_what_was_left_may_be_damaged(site, remote, tmp_path):
    file = remote(Answer(cuts=[200_000, 0, 0, 0]))
    with pytest.raises(NotFetched):
        fetch(file, folder=tmp_path)
    (partial,) = tmp_path.glob(".partial-w.bin")
    partial.write_bytes(b"x" * 200_000)
    assert fetch(file, folder=tmp_path).read_bytes() == CONTENT
    assert site.ranges[-2:] == ["bytes=200000-", None]
    assert names(tmp_path) == WHOLE


def test_more_is_left_than_the_file_has(site, remote, tmp_path):
    file = remote(Answer(cuts=[200_000, 0, 0, 0]))
    with pytest.raises(NotFetched):
        fetch(file, folder=tmp_path)
    (tmp_path / ".partial-w.bin").write_bytes(b"x" * 2_000_000)
    assert fetch(file, folder=tmp_path).read_bytes() == CONTENT


CHILD = """
import pathlib, sys
from kerazoo.weights.download import Hash, RemoteFile, fetch
url, digits, folder = sys.argv[1:]
file = RemoteFile(url=url, name="w.bin", hash=Hash(algorithm="sha256", digits=digits))
print(fetch(file, folder=pathlib.Path(folder)).stat().st_size)
"""


def child(file, folder):
    command = [sys.executable, "-c", CHILD, file.url, file.hash.digits, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_killed_download_is_resumed_by_another_process(site, remote, tmp_path):
    file = remote(Answer(pause=threading.Event()))
    process = child(file, tmp_path)
    partial = tmp_path / ".partial-w.bin"
    until = time.monotonic() + 30
    # What the process itself has not handed on yet is lost with it.
    while not (partial.exists() and partial.stat().st_size > HALF // 2):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    site.answers["/a/w.bin"].pause.set()
    there = partial.stat().st_size
    assert "w.bin" not in names(tmp_path)
    site.answers["/a/w.bin"] = Answer()
    assert fetch(file, folder=tmp_path).read_bytes() == CONTENT
    assert site.ranges == [None, f"bytes={there}-"]
    assert names(tmp_path) == WHOLE


def test_two_processes_fetch_once(site, remote, tmp_path):
    file = remote(Answer(pause=0.7))
    both = [child(file, tmp_path) for _ in range(2)]
    assert [process.communicate()[0] for process in both] == ["1024000\n"] * 2
    assert site.ranges == [None]
    assert names(tmp_path) == WHOLE


def test_a_server_that_hangs(site, remote, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.1)
    stuck = threading.Event()
    file = remote(Answer(pause=stuck))
    with pytest.raises(
        NotFetched, match=r"timed out, 4 times\).*what has come is kept"
    ):
        fetch(file, folder=tmp_path)
    stuck.set()
    assert fetch(file, folder=tmp_path).read_bytes() == CONTENT


def test_what_passes_is_asked_again(site, remote, tmp_path):
    file = remote([Answer(b"", status=503), Answer(b"", status=429), Answer()])
    assert fetch(file, folder=tmp_path).read_bytes() == CONTENT
    file = dataclasses.replace(remote(Answer(b"", status=404)), name="x.bin")
    with pytest.raises(NotFetched, match=r"answers 404 Not Found\)") as error:
        fetch(file, folder=tmp_path)
    assert str(tmp_path / "x.bin") in str(error.value)
    assert len(site.requests) == 4
    assert names(tmp_path) == WHOLE


def test_no_server(site, remote, tmp_path):
    file = dataclasses.replace(remote(), url="http://127.0.0.1:9/w.bin")
    with pytest.raises(NotFetched, match=r"refused, 4 times\); try again later; or"):
        fetch(file, folder=tmp_path)
    assert names(tmp_path) == []


PAGE = b"<!DOCTYPE html>\n<html><body>Please log in.</body></html>"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(PAGE), "it is a page, not a file"),
        (
            Answer(headers={"Content-Type": "text/html; charset=utf-8"}),
            "it is a page, not a file",
        ),
        (Answer(LFS), "it is a pointer of Git LFS, not the file itself"),
        (Answer(OTHER), f"it has sha256 [0-9a-f]{{64}}, not sha256 {SHA256}"),
        # A length that is too small.
        (Answer(says=1000), "it has sha256 "),
        (Answer(CONTENT[:-1]), "it has sha256 "),
    ],
    ids=["page", "type", "LFS", "other", "short", "cut"],
)
def test_what_is_not_the_file_is_not_kept(site, remote, tmp_path, answer, words):
    # Without a hash, nothing tells other bytes from the file.
    file = remote(answer) if "sha256" in words else remote(answer, hash=None)
    with pytest.raises(ValueError, match=words) as error:
        fetch(file, folder=tmp_path)
    assert f"put it there as {tmp_path / 'w.bin'}" in str(error.value)
    assert names(tmp_path) == []
    # A later answer is taken.
    site.answers["/a/w.bin"] = Answer()
    assert fetch(file, folder=tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("says", [..., None])
def test_a_file_of_another_size(site, remote, tmp_path, says):
    file = remote(Answer(CONTENT + b"x", says=says), size=len(CONTENT), hash=None)
    words = r"it has 1,024,001 bytes, not 1,024,000"
    with pytest.raises(ValueError, match=words):
        fetch(file, folder=tmp_path)
    assert names(tmp_path) == []


def test_a_file_whose_end_nobody_sees(site, remote, tmp_path):
    file = remote(Answer(says=None), hash=None)
    with pytest.raises(NotFetched, match="does not say how long it is"):
        fetch(file, folder=tmp_path)
    assert fetch(remote(Answer(says=None)), folder=tmp_path).read_bytes() == CONTENT


def moved(url):
    return Answer(b"", status=302, headers={"Location": url})


def test_redirections_are_followed(site, remote, tmp_path):
    file = remote(moved(f"{site.url}/b"))
    site.answers["/b"] = Answer(cuts=[300_000])
    assert fetch(file, folder=tmp_path).read_bytes() == CONTENT
    assert site.requests[-1] == ("/b", "bytes=300000-")


def test_redirections_that_are_refused(site, remote, tmp_path):
    file = remote(moved(f"{site.url}/a/w.bin"))
    with pytest.raises(NotFetched, match=r"answers 302 .*infinite loop") as error:
        fetch(file, folder=tmp_path)
    assert "\n" not in str(error.value)
    with pytest.raises(NotFetched, match=r"answers 302 .*not allowed"):
        fetch(remote(moved("file:///etc/passwd")), folder=tmp_path)
    request = urllib.request.Request("https://one.org/w")
    given = (request, io.BytesIO(), 302, "Found", {})
    with pytest.raises(
        NotFetched, match=r"leads to http://two.org/w, which is not enc"
    ):
        download.Redirects().redirect_request(*given, "http://two.org/w")
    followed = download.Redirects().redirect_request(*given, "https://two.org/w")
    assert followed.full_url == "https://two.org/w"


# What is there already.


def test_a_good_file_needs_no_server(site, remote, tmp_path):
    (tmp_path / "w.bin").write_bytes(CONTENT)
    file = dataclasses.replace(remote(), url="http://127.0.0.1:9/w.bin")
    for _ in range(2):
        assert fetch(file, folder=tmp_path, offline=True) == tmp_path / "w.bin"
    assert site.requests == [] and names(tmp_path) == WHOLE


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"hash": digest("md5", content=OTHER)}, "it has md5 .*, not md5 "),
        ({"hash": digest("sha1", 8, OTHER)}, "it has sha1 .*, not sha1 beginning with"),
        ({"size": 7}, "it has 1,024,000 bytes, not 7"),
        ({"unpacked_hash": digest("sha1")}, "w.bin is a zip that is damaged"),
    ],
)
def test_a_file_that_is_there_is_never_deleted(site, remote, tmp_path, fields, words):
    path = fetch(remote(), folder=tmp_path)
    words = f"is not the published file: {words}.*; move it and w.bin.sha256 away"
    with pytest.raises(ValueError, match=words):
        fetch(remote(**fields), folder=tmp_path)
    assert path.read_bytes() == CONTENT and names(tmp_path) == WHOLE
    assert len(site.requests) == 1


def test_what_was_seen_first_is_held_ever_after(site, remote, tmp_path):
    file = remote(hash=None)
    path = fetch(file, folder=tmp_path)
    path.write_bytes(OTHER)
    words = f"but had {SHA256} when it was first seen, as w.bin.sha256 says; move it"
    with pytest.raises(ValueError, match=words):
        fetch(file, folder=tmp_path)
    assert path.read_bytes() == OTHER
    # Nor may the host give another one in its place.
    path.unlink()
    site.answers["/a/w.bin"] = Answer(OTHER)
    with pytest.raises(ValueError, match=r"first seen.* nothing is kept; delete .*256"):
        fetch(file, folder=tmp_path)
    assert names(tmp_path) == ["w.bin.sha256"]
    site.answers["/a/w.bin"] = Answer()
    assert fetch(file, folder=tmp_path).read_bytes() == CONTENT


def test_a_whole_sha256_outweighs_what_was_seen(remote, tmp_path):
    path = fetch(remote(Answer(OTHER), hash=None), folder=tmp_path)
    path.unlink()
    fetch(remote(), folder=tmp_path)
    assert seen(path) == SHA256
    (tmp_path / "w.bin.sha256").write_text("nonsense")
    with pytest.raises(ValueError, match=r"w\.bin\.sha256 holds no SHA-256; delete it"):
        fetch(remote(), folder=tmp_path)


def zipped(content):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.pth", content)
    return packed.getvalue()


def test_the_hash_of_the_file_within_a_zip(site, remote, tmp_path):
    content = os.urandom(10_000)
    right = digest("sha1", content=content)
    file = remote(Answer(zipped(content)), hash=None, unpacked_hash=right)
    path = fetch(file, folder=tmp_path)
    assert fetch(file, folder=tmp_path).read_bytes() == zipped(content)
    path.unlink()
    (tmp_path / "w.bin.sha256").unlink()
    for other, words in (
        (zipped(b"x" * 10), "the file in it has sha1 .*, not sha1 "),
        (content, "w.bin is a zip that is damaged"),
        (zipped(b"\0" * (2**26 + 1)), "would unpack"),
    ):
        site.answers["/a/w.bin"] = Answer(other)
        with pytest.raises(ValueError, match=f"^What http.* {words}.*nothing is kept"):
            fetch(file, folder=tmp_path)
        assert names(tmp_path) == []


# Places, mirrors and no network.


def test_the_folder(remote, site, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cache = tmp_path / "cache" / "kerazoo" / "weights"
    assert download.weights_folder() == cache
    monkeypatch.setenv("KERAZOO_WEIGHTS_DIR", str(tmp_path / "own" / "one"))
    assert fetch(remote()) == tmp_path / "own" / "one" / "w.bin"
    assert download.weights_folder(tmp_path) == tmp_path
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="file is a file; give a folder for the weigh"):
        fetch(remote(), folder=tmp_path / "file")
    (tmp_path / "w.bin").mkdir()
    with pytest.raises(ValueError, match=r"w\.bin is no file; move it away"):
        fetch(remote(), folder=tmp_path)


@pytest.mark.parametrize("variable", ["KERAZOO_OFFLINE", "HF_HUB_OFFLINE", None])
def test_without_the_network(site, remote, tmp_path, monkeypatch, variable):
    if variable:
        monkeypatch.setenv(variable, "1")
    file, place = remote(), tmp_path / "new" / "w.bin"
    words = (
        f"w.bin is not in {place.parent}, and nothing may be downloaded .*; download "
        f"{file.url} elsewhere, and put it there as {place}.$"
    )
    with pytest.raises(NotFetched, match=words):
        fetch(file, folder=place.parent, offline=None if variable else True)
    assert site.requests == []
    if variable:
        monkeypatch.setenv(variable, "0")
    fetch(file, folder=place.parent, offline=None if variable else False)
    assert len(site.requests) == 1


@pytest.mark.parametrize("inside", ["w.bin", "a/w.bin"])
def test_a_folder_as_mirror(site, remote, tmp_path, monkeypatch, inside):
    mirror = tmp_path / "m i"
    (mirror / inside).parent.mkdir(parents=True)
    (mirror / inside).write_bytes(CONTENT)
    for given in (str(mirror), mirror.as_uri()):
        monkeypatch.setenv("KERAZOO_WEIGHTS_MIRROR", given)
        folder = tmp_path / str(len(given))
        # It is no network.
        path = fetch(remote(), folder=folder, offline=True)
        assert path.read_bytes() == CONTENT and names(folder) == WHOLE
    (mirror / inside).write_bytes(OTHER)
    with pytest.raises(ValueError, match=f"What {mirror}.* it has sha256"):
        fetch(remote(), folder=tmp_path / "other")
    (mirror / inside).unlink()
    with pytest.raises(NotFetched, match="there is no such file"):
        fetch(remote(), folder=tmp_path / "other")
    assert site.requests == [] and names(tmp_path / "other") == []


@pytest.mark.parametrize("inside", ["/mine/w.bin", "/mine/a/w.bin"])
def test_a_server_as_mirror(site, remote, tmp_path, monkeypatch, inside):
    monkeypatch.setenv("KERAZOO_WEIGHTS_MIRROR", f"{site.url}/mine/")
    site.answers[inside] = Answer()
    file = dataclasses.replace(remote(), url="https://host.invalid/a/w.bin")
    assert fetch(file, folder=tmp_path).read_bytes() == CONTENT
    assert site.requests[-1][0] == inside


def test_another_hub(site, remote, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", f"{site.url}/hub")
    site.answers["/hub/timm/x/resolve/main/w"] = Answer()
    url = "https://huggingface.co/timm/x/resolve/main/w"
    fetch(dataclasses.replace(remote(), url=url), folder=tmp_path)
    assert [path for path, _ in site.requests] == ["/hub/timm/x/resolve/main/w"]
    monkeypatch.setenv("HF_ENDPOINT", "ftp://mine")
    file = dataclasses.replace(remote(), url=url, name="x")
    with pytest.raises(ValueError, match="HF_ENDPOINT is ftp://mine; it must begin wi"):
        fetch(file, folder=tmp_path)


def test_a_proxy(site, remote, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", site.url)
    url = "http://host.invalid/a/w.bin"
    site.answers[url] = Answer()
    fetch(dataclasses.replace(remote(), url=url), folder=tmp_path)
    assert site.requests == [(url, None)]


def test_a_file_of_this_machine(site, remote, tmp_path):
    (tmp_path / "given.bin").write_bytes(CONTENT)
    file = dataclasses.replace(remote(), url=(tmp_path / "given.bin").as_uri())
    fetch(file, folder=tmp_path / "new", offline=True)
    assert names(tmp_path / "new") == WHOLE


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk(site, remote, tmp_path):
    (tmp_path / ".partial-w.bin").symlink_to("/dev/full")
    with pytest.raises(OSError) as error:
        fetch(remote(), folder=tmp_path)
    assert error.value.errno == errno.ENOSPC and errors.status(error.value) == 3
    said = errors.sentence(error.value)
    assert str(tmp_path / "w.bin") in said and "make room, and give the same" in said
    assert "w.bin" not in names(tmp_path) and len(site.requests) == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"url": "ftp://host/w"},
            "url is 'ftp://host/w'; it must be a URL that begins",
        ),
        ({"url": "http://"}, "url is"),
        ({"name": "../w"}, "name is '../w'; it must be a file's name of letters"),
        ({"name": ".lock"}, "name is '.lock'"),
        ({"name": "w.sha256"}, "name is 'w.sha256'"),
        ({"size": 0}, "size is 0; it must be a whole number from 1"),
        ({"hash": "abc"}, "hash is 'abc'"),
    ],
)
def test_records_that_name_no_file(fields, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        RemoteFile(**({"url": "https://host/w", "name": "w"} | fields))


def test_hashes_that_are_none():
    for algorithm, digits, words in (
        ("sha512", "0" * 8, "Unknown algorithm 'sha512'; .* one of md5, sha1, sha256"),
        ("md5", "0" * 7, "digits is '0000000'; it must be 8 to 64 digits"),
        ("sha1", "XYZ" * 4, "digits is"),
        ("md5", "0" * 40, "digits has 40 digits, but md5 has 32"),
    ):
        with pytest.raises(ValueError, match=words):
            Hash(algorithm=algorithm, digits=digits)


def test_neither_keras_nor_numpy_is_needed():
    code = "import kerazoo.weights.download, sys; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"keras", "tensorflow", "numpy", "h5py", "rich"} & set(found)


def test_a_line_on_a_terminal(site, remote, tmp_path):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", CHILD, remote().url, SHA256, str(tmp_path)]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=theirs, env=environment
    )
    assert process.wait() == 0
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "w.bin" in shown and "1.0/1.0 MB" in shown
    assert pathlib.Path(tmp_path, "w.bin").read_bytes() == CONTENT
