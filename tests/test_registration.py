"""Saved networks open wherever kerazoo has been imported, or without it."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import kerazoo

OPENS = {
    "kerazoo first": "import kerazoo, keras; keras.models.load_model('net.keras')",
    "Keras first": "import keras, kerazoo; keras.models.load_model('net.keras')",
    "unpickled": "import pickle, kerazoo; pickle.load(open('net.pickle', 'rb'))",
    "without kerazoo": "import sys; sys.modules['kerazoo'] = None\n"
    "import keras; keras.models.load_model('plain.keras')",
}
SERVES = """
import sys; sys.modules["kerazoo"] = None
import keras, numpy as np
network = keras.models.load_model(sys.argv[1])
np.save("scores.npy", network.predict(np.load("images.npy"), verbose=0))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    place = tmp_path_factory.mktemp("saved")
    own = kerazoo.lenet5_original()
    own.save(place / "net.keras")
    (place / "net.pickle").write_bytes(pickle.dumps(own))
    kerazoo.resnet20_cifar(shortcut="B").save(place / "plain.keras")
    return place


@pytest.mark.parametrize("case", OPENS)
def test_a_saved_network_opens(saved, case):
    command = [sys.executable, "-W", "ignore", "-c", OPENS[case]]
    done = subprocess.run(command, cwd=saved, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_kerazoo_does_not_import_keras():
    code = "import sys, kerazoo; assert 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_run_serves_without_kerazoo(trained, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 21, 30, 1), "uint8")
    np.save(tmp_path / "images.npy", images)
    command = [sys.executable, "-W", "ignore", "-c", SERVES]
    command.append(str((trained.path / "model.keras").absolute()))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    expected = trained.model().predict(images, verbose=0)
    np.testing.assert_allclose(np.load(tmp_path / "scores.npy"), expected, atol=1e-6)


START = "import kerazoo; kerazoo.lenet5()"


def errors_of(command, folder=None, **environment):
    """What a process writes to descriptor 2, which no terminal is."""
    silent = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=silent | environment,
        capture_output=True,
        text=True,
    )
    return done.stderr, done.returncode


def test_tensorflow_starts_in_silence():
    assert errors_of(["-c", START]) == ("", 0)


def test_a_training_writes_nothing_beside_its_own_lines(tmp_path):
    words = ["train", "lenet5", "--epochs", "1", "--run", str(tmp_path / "run")]
    assert errors_of(["-m", "kerazoo", *words]) == ("", 0)


def test_who_asks_for_the_lines_gets_them():
    written, status = errors_of(["-c", START], TF_CPP_MIN_LOG_LEVEL="0")
    assert status == 0
    assert "port.cc" in written


FAKE = """
import os, sys
os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called\\n")
os.write(2, b"I0000 00:00:1.2 3 port.cc:153] oneDNN\\nsomething else\\n")
print("from Python", file=sys.stderr)
{end}
"""


@pytest.mark.parametrize("end", ["pass", "raise ImportError", "os.abort()"])
def test_what_is_no_noise_is_passed_on(tmp_path, end):
    (tmp_path / "tensorflow.py").write_text(FAKE.format(end=end))
    code = "import kerazoo, os, tensorflow; os.write(2, b'I0000 later\\n')"
    written, status = errors_of(["-c", code], folder=tmp_path)
    assert (status == 0) == (end == "pass")
    assert "something else\nfrom Python" in written
    assert ("oneDNN" in written) == (end == "raise ImportError")
    assert ("I0000 later" in written) == (end == "pass")


def test_no_descriptor_is_needed(tmp_path):
    (tmp_path / "tensorflow.py").write_text("there = True")
    code = "import os; os.close(2); import kerazoo, tensorflow; tensorflow.there"
    assert errors_of(["-c", code], folder=tmp_path) == ("", 0)
