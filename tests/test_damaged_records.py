"""Damaged records: whoever reads one names it in a sentence, and changes nothing."""

import io
import json
import shutil
import zipfile

import h5py
import numpy as np
import pytest

import kerazoo

TRAIN = "train mlp_50 --recipe recipe.json --precision float32 --data-dir DATA"
TUNE = (
    "tune mlp_50 --recipe recipe.json --precision float32 --data-dir DATA "
    "--folder search --space learning_rate=0.1,0.2 --trials 1"
)
FOLDS = (
    "crossval mlp_50 --recipe recipe.json --precision float32 --data-dir DATA "
    "--folder folds --folds 2 --keep-models"
)
# By file, the commands that read it.
READERS = {
    "run/config.json": (
        "evaluate run", "predict run image.png", "ensemble run other",
        f"{TRAIN} --run run",
        f"{TRAIN} --set start_from=run --run new",
        f"{TRAIN} --overwrite --run run",
    ),
    "run/model.keras": (
        "evaluate run", "predict run image.png", "ensemble run other",
        f"{TRAIN} --set start_from=run --run new",
    ),
    "run/snapshots/epoch-00001.npz": ("ensemble run other --snapshots",),
    "search/search.json": ("winner search", "ensemble search other", TUNE),
    "search/trial_0000.json": ("winner search", "ensemble search other"),
    "search/oracle.json": (TUNE,),
    "search/trial_0000/config.json": ("winner search --run new",),
    "search/trial_0000/history.csv": ("winner search --run new",),
    "folds/plan.json": (FOLDS,),
    "folds/crossval.json": ("ensemble folds",),
    "folds/fold_01/metrics.json": (FOLDS,),
    "recipe.json": (f"{TRAIN} --run new",),
}  # fmt: skip
BROKEN = {
    "nothing": b"",
    "cut": b'{"network": "mlp',
    "binary": bytes(range(256)),
    "deep": b"[" * 100_000,
    "list": b"[]",
    "number": b"3",
    "null": b"null",
}


def spoiled(path):
    """The contents that a file may have come to, by name."""
    whole = path.read_bytes()
    yield from BROKEN.items()
    yield "half", whole[: len(whole) // 2]
    if path.suffix != ".json":
        return
    data = json.loads(whole)
    if path.name not in ("recipe.json", "oracle.json"):
        yield "empty", b"{}"
    if path.name == "oracle.json":
        yield "wrong", json.dumps({"oracle": 1, "trials": 1}).encode()
        return
    if path.name == "crossval.json":
        yield "folds", json.dumps(data | {"folds": 1}).encode()
        data = data["folds"][0]
        for name in data:
            yield name, json.dumps({"folds": [data | {name: [[[]]]}]}).encode()
        return
    yield "more", json.dumps(data | {"nosuch": 1}).encode()
    for name in data:
        yield name, json.dumps(data | {name: [[[]]]}).encode()


def contents(place):
    return {
        path.relative_to(place): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def copy(results, tmp_path):
    """The results in the current folder, to be damaged."""
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    recipe = kerazoo.Run(tmp_path / "search" / "trial_0000").recipe
    recipe = recipe.replace({"optimizer.learning_rate": 0.01})
    (tmp_path / "recipe.json").write_text(recipe.to_json())
    return tmp_path


@pytest.mark.parametrize(
    ("name", "words"), [(name, words) for name in READERS for words in READERS[name]]
)
def test_it_is_named_and_nothing_is_lost(command, copy, data_dir, name, words):
    path = copy / name
    for how, content in list(spoiled(path)):
        path.write_bytes(content)
        before = contents(copy)
        status, out, errors = command(*words.replace("DATA", str(data_dir)).split())
        assert (status, out) == (2, ""), (how, errors)
        assert errors.startswith("kerazoo: ") and len(errors.splitlines()) == 1, how
        assert path.name in errors or path.parent.name in errors, (how, errors)
        assert "(a fault of kerazoo" not in errors, (how, errors)
        assert contents(copy) == before, how


def test_weights_that_are_no_numbers(command, copy):
    path = copy / "run" / "model.keras"
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    weights = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(weights, "a") as file:
        found = []
        file.visititems(lambda _, one: found.append(one))
        largest = max((x for x in found if hasattr(x, "size")), key=lambda x: x.size)
        largest[...] = np.nan
    parts["model.weights.h5"] = weights.getvalue()
    with zipfile.ZipFile(path, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    for words in (["evaluate", "run"], ["predict", "run", "image.png"]):
        status, out, errors = command(*words)
        assert (status, out) == (2, "")
        assert "model.keras is damaged: the weight " in errors


def test_files_of_others_are_passed_over(command, copy):
    for name in ("run/snapshots/epoch-mine.npz", "search/trial_mine.json"):
        (copy / name).write_text("mine")
    for words in ("ensemble run other --snapshots", "winner search"):
        status, _, errors = command(*words.split())
        assert status == 0, errors


def test_metrics_and_history_are_named(copy):
    for name, field in (("metrics.json", "metrics"), ("history.csv", "history")):
        path = copy / "run" / name
        for _, content in list(spoiled(path)):
            path.write_bytes(content)
            with pytest.raises(ValueError, match=name):
                getattr(kerazoo.Run(copy / "run"), field)
