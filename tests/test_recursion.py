"""Deep graphs, which Keras follows by recursion."""

import subprocess
import sys

import keras

from kerazoo.recursion import LIMIT, allow_deep_graphs

OPENS = """
import sys
from kerazoo.run import Run
assert sys.getrecursionlimit() < 1500
print(len(Run(sys.argv[1]).model().layers))
"""


def test_a_higher_limit_stays(monkeypatch):
    monkeypatch.setattr(sys, "getrecursionlimit", lambda: 2 * LIMIT)
    limits = []
    monkeypatch.setattr(sys, "setrecursionlimit", limits.append)
    allow_deep_graphs()
    assert limits == [2 * LIMIT]


def test_a_deep_network_opens_in_a_new_process(tmp_path):
    allow_deep_graphs()
    x = inputs = keras.Input((1,))
    for _ in range(1500):
        x = keras.layers.Activation("linear")(x)
    keras.Model(inputs, x).save(tmp_path / "model.keras")
    (tmp_path / "config.json").write_text("{}")
    command = [sys.executable, "-c", OPENS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "1501\n", done.stderr
