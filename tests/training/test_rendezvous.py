"""The workers of a training meet before TensorFlow waits for them without a word."""

import contextlib
import json
import os
import socket
import threading
import time

import pytest

from kerazoo import processes
from kerazoo.training import distribution, rendezvous
from kerazoo.training.rendezvous import Unreached, meet


@pytest.fixture
def addresses():
    return tuple(f"127.0.0.1:{port}" for port in processes.free_ports(3))


@pytest.fixture(autouse=True)
def strangers():
    """Processes meet once in their lives; these tests are all in one."""
    meet.cache_clear()
    yield
    meet.cache_clear()


def test_workers_wait_for_the_last_one(addresses, capfd, monkeypatch):
    monkeypatch.setattr(rendezvous, "PAUSE", 0.01)
    met = []

    def start(index, late):
        time.sleep(late)
        # What the cache wraps: three processes are three threads here.
        meet.__wrapped__(addresses, index)
        met.append(index)
        # TensorFlow listens from here on, and speaks first.
        with rendezvous._listening(addresses[index], index):
            stopped.wait()

    stopped = threading.Event()
    threads = [
        threading.Thread(target=start, args=(index, late))
        for index, late in enumerate((0, 0.2, 1.5))
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while len(met) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    stopped.set()
    for thread in threads:
        thread.join()
    assert sorted(met) == [0, 1, 2]
    words = capfd.readouterr().err
    assert f"worker 0 waits for worker 2 at {addresses[2]}" in words
    assert "up to 600 seconds" in words


def test_a_worker_that_does_not_come(addresses, monkeypatch):
    monkeypatch.setenv("KERAZOO_WORKER_TIMEOUT", "0.3")
    with pytest.raises(Unreached) as caught:
        meet(addresses[:2], 0)
    text = str(caught.value)
    assert text.startswith(f"Worker 1 at {addresses[1]} did not answer worker 0 within")
    assert "KERAZOO_WORKER_TIMEOUT" in text and "\n" not in text


def test_somebody_else_at_the_address(addresses, monkeypatch):
    """A proxy that takes every connection is no worker."""
    monkeypatch.setenv("KERAZOO_WORKER_TIMEOUT", "0.3")
    monkeypatch.setattr(rendezvous, "ANSWER", 0.1)
    with (
        socket.create_server(rendezvous.split_address(addresses[1])),
        pytest.raises(Unreached, match="timed out"),
    ):
        meet(addresses[:2], 0)


def test_a_bad_timeout(addresses, monkeypatch):
    monkeypatch.setenv("KERAZOO_WORKER_TIMEOUT", "soon")
    with pytest.raises(ValueError, match="KERAZOO_WORKER_TIMEOUT is 'soon'"):
        meet(addresses, 0)


def test_a_port_that_is_taken(addresses):
    _, port = rendezvous.split_address(addresses[0])
    with (
        contextlib.closing(socket.create_server(("", port))),
        pytest.raises(ValueError, match=f"Worker 0 cannot listen at port {port}"),
    ):
        meet(addresses, 0)


PAIR = {"worker": ["a:1", "b:1"]}
BOTH = {"chief": ["a:1"], "worker": ["b:1"]}


@pytest.mark.parametrize(
    "config",
    [
        "{", "[]", "3", "null", '"a"', "[" * 100_000, {"cluster": []},
        *[
            {"cluster": {"worker": one}}
            for one in (
                "a:1", [1, 2], {"0": "a:1"}, ["a", "b"], ["a:1", "a:1"], ["a:x", "b:1"],
                ["a:99999", "b:1"], [":1", "b:1"], None,
            )
        ],
        {"cluster": PAIR, "task": 0},
        {"cluster": PAIR, "task": {"type": "ps", "index": 0}},
        {"cluster": PAIR, "task": {"type": "chief", "index": 0}},
        {"cluster": BOTH, "task": {"type": "worker", "index": 1}},
        *[
            {"cluster": PAIR, "task": {"type": "worker", "index": one}}
            for one in (2, -1, "one", None, True, 1.5)
        ],
    ],
)  # fmt: skip
def test_a_cluster_that_cannot_be_meant(monkeypatch, config):
    text = config if isinstance(config, str) else json.dumps(config)
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError) as caught:
        distribution.distribute()
    assert "TF_CONFIG" in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_the_chief_is_worker_0(monkeypatch):
    found = []
    monkeypatch.setattr(distribution, "_machines", lambda *given: found.append(given))
    cluster = {"chief": ["a:1"], "worker": ["b:1", "[::1]:1"]}
    for kind, index, number in (("chief", 0, 0), ("worker", 0, 1), ("worker", 1, 2)):
        config = {"cluster": cluster, "task": {"type": kind, "index": index}}
        monkeypatch.setitem(os.environ, "TF_CONFIG", json.dumps(config))
        distribution.distribute()
        assert found.pop()[:2] == (["a:1", "b:1", "[::1]:1"], number)
