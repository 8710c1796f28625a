"""Waiting for the other workers of a training, with a word and an end.

TensorFlow waits for them too, but without a word: a wrong address in ``TF_CONFIG``
would look like a slow machine for ever. So the workers meet first. Every one listens at
its own address, and goes on when it has reached each of the others once; whoever comes
later finds TensorFlow listening in its place.
"""

import contextlib
import functools
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator

from kerazoo import reader
from kerazoo.reader import Positive

TIMEOUT = "KERAZOO_WORKER_TIMEOUT"
# Seconds: until the others have started, between two attempts, and between two words.
PATIENCE, PAUSE, SILENCE = 600.0, 0.2, 30.0
# For a worker that runs to say something.
ANSWER = 2.0


class Unreached(TimeoutError):
    """A worker did not answer in time."""


def split_address(address: str) -> tuple[str, int]:
    """Host and port of ``10.0.0.1:2222``, ``host:2222`` or ``[::1]:2222``.

    Raises:
        ValueError: For another text.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise ValueError(
            f"TF_CONFIG names the worker {address!r}; it must be host and port, as in "
            "'10.0.0.1:2222'."
        )
    return host.strip("[]"), int(port)


@functools.cache
def meet(addresses: tuple[str, ...], index: int) -> None:
    """Waits until all workers have started; once in the life of a process.

    Args:
        addresses: Of all workers.
        index: Which of them this one is.

    Raises:
        ValueError: Where this worker cannot listen at its own address.
        Unreached: Where another does not answer within ``KERAZOO_WORKER_TIMEOUT``
            seconds, by default 600.
    """
    patience = reader.parse(Positive, os.environ.get(TIMEOUT, str(PATIENCE)), TIMEOUT)
    start = told = time.monotonic()
    missing = {n: one for n, one in enumerate(addresses) if n != index}
    with _listening(addresses[index], index):
        while True:
            for number, address in list(missing.items()):
                try:
                    _ask(address)
                    del missing[number]
                except OSError as error:
                    reason = error.strerror or error
            if not missing:
                return
            now = time.monotonic()
            number, address = next(iter(missing.items()))
            if now - start > patience:
                raise Unreached(
                    f"Worker {number} at {address} did not answer worker {index} "
                    f"within {patience:g} seconds ({reason}); start it, correct its "
                    f"address in TF_CONFIG, or wait longer ({TIMEOUT}=1200)."
                )
            if now - told > (SILENCE if told > start else 1.0):
                told = now
                names = ", ".join(f"{n} at {one}" for n, one in missing.items())
                print(
                    f"kerazoo: worker {index} waits for worker {names} ({reason}); up "
                    f"to {patience:g} seconds.",
                    file=sys.stderr,
                )
            time.sleep(PAUSE)


def _ask(address):
    """Whether somebody is there: kerazoo or TensorFlow, both of which speak first.

    A proxy that takes every connection says nothing.
    """
    with socket.create_connection(split_address(address), ANSWER) as connection:
        if not connection.recv(1):
            raise ConnectionError("it says nothing")


@contextlib.contextmanager
def _listening(address: str, index: int) -> Iterator[None]:
    """Lets the others reach this worker until TensorFlow does."""
    _, port = split_address(address)
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        server = socket.create_server(("", port), family=family, dualstack_ipv6=both)
    except OSError as error:
        raise ValueError(
            f"Worker {index} cannot listen at port {port}, which TF_CONFIG gives it "
            f"({error.strerror}); give a port that is free."
        ) from error
    thread = threading.Thread(target=_answer, args=(server,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        # Wakes accept, which closing alone does not.
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        server.close()


def _answer(server):
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            connection.settimeout(ANSWER)
            connection.sendall(b"kerazoo")
            # Whoever closes first keeps the port busy for a minute: not this end.
            connection.recv(1)
