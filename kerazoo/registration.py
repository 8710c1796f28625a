"""What is done where Keras or TensorFlow is imported, without importing them for it.

A saved network names its layers, and Keras opens it where they are registered. They are
when ``kerazoo.layers`` is imported: at once where Keras is there already, or else as
soon as somebody imports it.

TensorFlow writes lines about itself to file descriptor 2 while it is imported, whatever
its log level; :func:`quiet` keeps them back.
"""

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

# What absl logs, for people who look for a fault: severity and date, or its preface.
# A fatal line, F, is no noise.
NOISE = "^([IWE][0-9]{4} |WARNING: All log messages before absl)"
LEVEL = "TF_CPP_MIN_LOG_LEVEL"


class Around:
    """Finds a module as the other finders do, and puts something around its import.

    Args:
        name: The module.
        around: Makes the context manager that its code is executed in.
    """

    def __init__(
        self, name: str, around: Callable[[], AbstractContextManager[Any]]
    ) -> None:
        self.name, self.around = name, around

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The module, and of nothing else."""
        if name != self.name:
            return None
        sys.meta_path.remove(self)
        found = (finder.find_spec(name, path, target) for finder in sys.meta_path)
        spec = next(filter(None, found), None)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                with self.around():
                    execute(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


@contextlib.contextmanager
def layers_after() -> Iterator[None]:
    """Registers the layers once Keras is imported."""
    yield
    importlib.import_module("kerazoo.layers")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps back TensorFlow's lines about itself, unless its import fails.

    ``TF_CPP_MIN_LOG_LEVEL=0`` asks for them all.
    """
    if os.environ.setdefault(LEVEL, "3") == "0":
        yield
        return
    with contextlib.ExitStack() as stack:
        # There may be no descriptor 2, no room for a file, no sed.
        with contextlib.suppress(OSError):
            _sieve(stack)
        yield


def _sieve(stack):
    """Puts a process between descriptor 2 and where it leads, until the stack ends.

    Unlike a thread it passes on the last words of a Python that crashes meanwhile.
    """
    # Here, for `import kerazoo` is to take no time.
    import subprocess
    import tempfile

    shown = os.dup(2)
    stack.callback(os.close, shown)
    noise = tempfile.NamedTemporaryFile()  # noqa: SIM115 - the stack closes it
    stack.enter_context(noise)
    sieve = subprocess.Popen(
        ["sed", "-u", "-E", f"/{NOISE}/{{w {noise.name}\nd\n}}"],
        stdin=subprocess.PIPE,
        stdout=shown,
        stderr=shown,
        # Ctrl-C is not meant for it.
        start_new_session=True,
    )
    assert sieve.stdin
    os.dup2(sieve.stdin.fileno(), 2)
    sieve.stdin.close()

    def end(failed, *_):
        os.dup2(shown, 2)
        # Another process that was started meanwhile may still write to it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            sieve.wait(timeout=5)
        if failed:
            os.write(2, noise.read())

    stack.push(end)


def prepare_imports() -> None:
    """Registers the layers, now or when Keras is imported; quiets TensorFlow."""
    if "keras" in sys.modules:
        importlib.import_module("kerazoo.layers")
    else:
        sys.meta_path.insert(0, Around("keras", layers_after))
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, Around("tensorflow", quiet))
