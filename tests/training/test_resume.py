"""A training process that is killed goes on bit for bit."""

import json
import pathlib
import signal
import time
import zipfile

import h5py
import numpy as np
import pytest

from kerazoo.run import Run

MORTAL = pathlib.Path(__file__).with_name("mortal.py")
ARGUMENTS = [
    "train",
    "mlp_deep5",
    "--data=digits",
    "--deterministic",
    "--save-every=5",
    "--epochs=20",
    "--batch-size=100",
    "--set=options.units=[32, 32]",
    "--set=image_shape=[8, 8, 1]",
    "--set=augment=translate:0.1,rotate:10",
    "--set=optimizer.learning_rate=0.03",
    "--set=schedule.name=plateau",
    "--set=schedule.factor=0.5",
    "--set=schedule.patience=1",
    "--set=early_stopping=3",
]


@pytest.fixture(scope="module")
def start(begin, data_dir):
    """Starts the command on a run folder."""

    def run(folder, *more, when=None):
        return begin(
            *([when] if when else []),
            *(*ARGUMENTS, f"--run={folder}", *more),
            program=MORTAL if when else None,
            KERAZOO_DATA_DIR=str(data_dir),
        )

    return run


def ends(process):
    """Waits for a process; its status and what it wrote."""
    out, errors = process.communicate(timeout=900)
    return process.returncode, out, errors


def states(run):
    return sorted((run / "state").glob("step-*.npz"))


def position(path):
    with np.load(path) as state:
        notes = json.loads(bytes(state["notes"]))
    return notes["epoch"], notes["step"]


def weights(run):
    """Every weight of the saved network by name, as bytes."""
    found = {}
    with zipfile.ZipFile(run / "model.keras") as archive:
        (run / "weights.h5").write_bytes(archive.read("model.weights.h5"))
    with h5py.File(run / "weights.h5") as file:
        file.visititems(
            lambda name, item: (
                found.update({name: np.asarray(item).tobytes()})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return found


@pytest.mark.slow
def test_many_deaths_change_nothing(start, tmp_path):
    whole, run = tmp_path / "whole", tmp_path / "broken"
    uninterrupted = start(whole)

    # Killed from outside, somewhere in the first epochs.
    process = start(run)
    while not states(run) and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    status, _, errors = ends(process)
    assert status == -signal.SIGKILL, errors
    assert states(run)

    # Killed between the writing of a state and its renaming.
    status, _, _ = ends(start(run, when="write:2:SIGKILL"))
    assert status == -signal.SIGKILL
    assert list((run / "state").glob(".partial-*"))

    # Killed in the validation: all steps of the epoch are done, the epoch is not.
    status, _, _ = ends(start(run, when="validate:2:SIGKILL"))
    assert status == -signal.SIGKILL
    assert not list((run / "state").glob(".partial-*"))

    # A state that the disk lost half of is passed over with a word.
    older, newest = states(run)
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    # Asked to stop by the system, in the middle of an epoch.
    status, _, errors = ends(start(run, when="write:1:SIGTERM"))
    assert f"{newest} is damaged; training resumes from the newest" in errors
    assert status == 143, errors
    assert errors.strip().splitlines()[-1].startswith("kerazoo: Stopped by SIGTERM in")
    assert "the same command goes on from there" in errors
    assert "Traceback" not in errors
    # The step that ran was finished and saved, though no fifth step.
    assert position(states(run)[-1]) > position(older if older.exists() else newest)

    # Ctrl-C in a validation.
    status, _, errors = ends(start(run, when="validate:2:SIGINT"))
    assert status == 130, errors
    assert "Stopped by SIGINT" in errors
    assert position(states(run)[-1])[1] == 0

    # Killed after the last epoch, with all results written but one.
    status, _, errors = ends(start(run, when="write:metrics.json:SIGKILL"))
    assert status == -signal.SIGKILL, errors
    assert (run / "model.keras").exists()
    assert not Run(run).finished
    assert ends(start(run))[0] == 0

    status, _, errors = ends(uninterrupted)
    assert status == 0, errors
    one, two = Run(whole), Run(run)
    assert two.history == one.history
    assert two.metrics == one.metrics
    assert weights(run) == weights(whole)
    rates = [row["learning_rate"] for row in one.history]
    assert min(rates) < max(rates)
    # The memory of early stopping mattered: the last epochs were not the best.
    losses = [row["val_loss"] for row in one.history]
    assert len(losses) == 20 or min(losses) == losses[-4]


@pytest.mark.slow
def test_a_loss_that_is_no_number_stops_the_training(start, tmp_path):
    settings = (
        "--set=optimizer.learning_rate=1e30",
        "--set=optimizer.name=sgd",
        "--save-every=1",
    )
    status, _, errors = ends(start(tmp_path / "run", *settings))
    assert status == 4, errors
    sentence = errors.strip().splitlines()[-1]
    assert "is not a number in epoch 1 at step" in sentence
    assert "rate 1e+30; the last good state is kept" in sentence
    assert "Traceback" not in errors
    assert not (tmp_path / "run" / "model.keras").exists()
    assert states(tmp_path / "run")
    for path in states(tmp_path / "run"):
        with np.load(path) as state:
            for name in state.files:
                if name.startswith("model/"):
                    assert np.isfinite(state[name]).all()
