"""Sides of a comparison in processes of their own: no setting reaches another."""

import contextlib
import json
import os
import subprocess
import sys
import time


class Side:
    """A process that does a piece of work whenever it is asked to.

    Attributes:
        facts: What the process said of itself when it was ready.
    """

    def __init__(self, module, *words, python=sys.executable):
        self.process = subprocess.Popen(
            [python, "-m", module, "--serve", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        self.facts = json.loads(self._answer())

    def work(self, word=""):
        """Seconds of one piece of work."""
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        return float(self._answer())

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(self.process.args)} ended without an answer")
        return line

    def close(self):
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def opened(sides):
    """Starts processes, ``{name: (module, *words)}``, and ends them all."""
    started = {}
    try:
        for name, (module, *words) in sides.items():
            print(f"  starting {name}", flush=True)
            python = sys.executable
            if module.rpartition(".")[2].startswith("torch_"):
                python = os.environ.get("TORCH_PYTHON", python)
            started[name] = Side(module, *words, python=python)
        yield started
    finally:
        for side in started.values():
            side.close()


def serve(work, **facts):
    """In the process: says what it is, then does ``work(word)`` for every line."""
    print(json.dumps(facts), flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        work(line.strip())
        print(time.perf_counter() - start, flush=True)
