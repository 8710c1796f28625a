"""True tables of keys, and files that stand in for published ones."""

import os
import pathlib

import numpy as np
import pytest

KEYS = pathlib.Path(__file__).with_name("keys")
# What the line of a module stands for.
KINDS = {
    "norm": ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"),
    "bias": ("weight", "bias"),
}


def shapes(peer):
    """The names and shapes of a peer's tensors, in the order of its file."""
    found = {}
    for line in (KEYS / f"{peer}.txt").read_text().splitlines():
        module, *words = line.split()
        kind = words.pop() if words[-1] in KINDS else None
        shape = tuple(map(int, words))
        for name in KINDS.get(kind, ("weight",)):
            one = shape if name == "weight" or kind == "norm" else shape[:1]
            found[f"{module}.{name}"] = () if name.endswith("tracked") else one
    return found


@pytest.fixture(scope="session")
def shared():
    """The folder of files that are too large, or not free enough, for this project."""
    place = os.environ.get("KERAZOO_TEST_DATA")
    if not place:
        pytest.skip("KERAZOO_TEST_DATA names no folder of trained weights")
    return pathlib.Path(place)


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    """No folder of weights, and nobody to ask."""
    monkeypatch.setenv("KERAZOO_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setenv("KERAZOO_OFFLINE", "1")
    return tmp_path / "weights"


def random_tensors(shapes, seed=0):
    """Numbers for a peer's tensors, of variances above zero."""
    rng = np.random.default_rng(seed)
    return {
        name: rng.uniform(0.5, 1.5, shape).astype("float32")
        if name.endswith("running_var")
        else rng.normal(0, 0.1, shape).astype("float32")
        for name, shape in shapes.items()
    }
