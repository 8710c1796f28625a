"""Saved networks open wherever kerazoo has been imported, or without it."""

import pickle
import subprocess
import sys

import pytest

import kerazoo

OPENS = {
    "kerazoo first": "import kerazoo, keras; keras.models.load_model('net.keras')",
    "Keras first": "import keras, kerazoo; keras.models.load_model('net.keras')",
    "unpickled": "import pickle, kerazoo; pickle.load(open('net.pickle', 'rb'))",
    "without kerazoo": "import sys; sys.modules['kerazoo'] = None\n"
    "import keras; keras.models.load_model('plain.keras')",
}


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
