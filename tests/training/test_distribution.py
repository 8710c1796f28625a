"""Trainings on several devices and in several processes give those of one."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from kerazoo import data
from kerazoo.training import keras_repairs
from kerazoo.training.clipping import clip_across_replicas
from kerazoo.training.distribution import Distribution
from kerazoo.training.launch import launch

# 1372 = 14 * 98 images for training, 70 for validation. The rate is small: with 0.01 a
# change of the first weights by 1e-7 moves slide_cnn_b's loss by 1e-3 within ten steps,
# on one device too. A wrong scale or a batch norm of half a batch moves it by more.
WORDS = [
    "--set=validation=0.05",
    "--set=optimizer.name=sgd",
    "--set=optimizer.learning_rate=0.0001",
    "--set=schedule.name=constant",
    "--set=optimizer.global_clipnorm=0.5",
    "--set=weight_decay=0.001",
    "--batch-size=98",
    "--precision=float32",
    "--deterministic",
    # Also a state at the end of every epoch, of which the last is kept and compared.
    "--keep-state",
    "--save-every=5",
]


def command(network, run, *words, epochs=3):
    run = f"--run={run}"
    return [
        "train",
        network,
        "--data=digits",
        run,
        f"--epochs={epochs}",
        *WORDS,
        *words,
    ]


def start(*words, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "kerazoo", *words],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def end(process, status=0):
    output = "".join(filter(None, process.communicate(timeout=300)))
    assert process.returncode == status, output
    return output


def curves(run):
    lines = pathlib.Path(run, "history.csv").read_text().splitlines()
    names = lines[0].split(",")
    rows = [
        dict(zip(names, map(float, line.split(",")), strict=True)) for line in lines[1:]
    ]
    return np.array([[row["loss"], row["val_loss"]] for row in rows])


def weights(run):
    last = sorted(pathlib.Path(run, "state").glob("*.npz"))[-1]
    with np.load(last) as state:
        return {name: state[name] for name in state.files if name != "notes"}


def assert_same_weights(one, other, **tolerance):
    one, other = weights(one), weights(other)
    assert one.keys() == other.keys()
    for name in one:
        if not name.startswith("metrics"):
            np.testing.assert_allclose(
                one[name], other[name], err_msg=name, **tolerance
            )


@pytest.fixture(scope="module")
def runs(begin, tmp_path_factory):
    """Finished runs of one device."""
    folder = tmp_path_factory.mktemp("one")
    processes = [
        begin(*command(name, folder / name, "--devices=1"))
        for name in ("mlp_50", "slide_cnn_b")
    ]
    for process in processes:
        end(process)
    return folder


def workers(launcher):
    """The processes that a launcher has started."""
    path = pathlib.Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children")
    return [int(number) for number in path.read_text().split()]


def wait_for_state(run, step):
    """Waits until a state of this step or a later one is written."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        states = pathlib.Path(run, "state").glob("step-*.npz")
        if any(int(path.name.split("-")[1]) >= step for path in states):
            return
        time.sleep(0.02)
    raise TimeoutError(f"no state of step {step}")


@pytest.mark.slow
@pytest.mark.parametrize("network", ["mlp_50", "slide_cnn_b"])
def test_two_devices_train_as_one(begin, runs, tmp_path, network):
    end(begin(*command(network, tmp_path / "run", "--devices=2")))
    np.testing.assert_allclose(
        curves(tmp_path / "run"), curves(runs / network), rtol=1e-5
    )
    assert_same_weights(tmp_path / "run", runs / network, rtol=0, atol=2e-5)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
def test_killed_workers_start_again_and_train_as_one(runs, tmp_path):
    """Once one worker is killed, once both; the end is that of an unkilled training."""
    run = tmp_path / "run"
    launcher = start(
        *("launch", "--processes=2", "--"),
        *command("slide_cnn_b", run),
    )
    try:
        for step, count in ((5, 1), (20, 2)):
            wait_for_state(run, step)
            for worker in workers(launcher)[-count:]:
                os.kill(worker, signal.SIGKILL)
        output = end(launcher)
    finally:
        launcher.terminate()
        launcher.wait()
    assert output.count("all start again") == 2
    np.testing.assert_allclose(curves(run), curves(runs / "slide_cnn_b"), rtol=1e-5)
    assert_same_weights(run, runs / "slide_cnn_b", rtol=0, atol=2e-5)
    # The chief alone writes events, once for each of its three lives.
    assert len(list((run / "events" / "train").glob("events*"))) <= 3


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
def test_sigterm_stops_all_workers_with_a_state(tmp_path):
    run = tmp_path / "run"
    launcher = start(
        *("launch", "--processes=2", "--"),
        *command("mlp_50", run, "--save-every=1000", epochs=5000),
    )
    try:
        wait_for_state(run, 14)
        launcher.terminate()
        output = end(launcher, 128 + signal.SIGTERM)
    finally:
        launcher.kill()
        launcher.wait()
    assert "the same command goes on" in output
    assert "start again" not in output


@pytest.mark.slow
def test_two_jax_devices_train_as_one(tmp_path):
    processes = [
        start(
            *command("mlp_50", tmp_path / str(n), f"--devices={n}", epochs=1),
            KERAS_BACKEND="jax",
        )
        for n in (1, 2)
    ]
    for process in processes:
        end(process)
    np.testing.assert_allclose(*(curves(tmp_path / str(n)) for n in (1, 2)), rtol=1e-5)


def test_bad_input_is_not_tried_again(tmp_path, capfd):
    words = command("mlp_50", tmp_path / "run", "--batch-size=99")
    assert launch(2, words) == 2
    assert "cannot be shared evenly by 2 devices" in capfd.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((0, ["train"]), "processes is 0; it must be a whole number"),
        ((2, []), "no command"),
    ],
)
def test_launch_refuses(given, message):
    with pytest.raises(ValueError, match=message):
        launch(*given)


def test_accumulated_gradients_are_refused():
    sgd = keras.optimizers.SGD(gradient_accumulation_steps=2)
    assert clip_across_replicas(sgd, 1) is sgd
    with pytest.raises(ValueError, match="gradient_accumulation_steps"):
        clip_across_replicas(sgd, 2)


class TwoMachines:
    """The second of two machines, without the other."""

    def distribute_datasets_from_function(self, make):
        return make(None)


def test_worker_trains_on_its_own_files(data_dir):
    """In batches of one device, from the step that both are at."""
    digits = data.load("digits", data_dir=data_dir, memory_limit=0)
    batches = data.Batches(
        digits.train, 100, image_shape=(8, 8, 1), drop_remainder=True, cache="none"
    )
    distribution = Distribution(devices=4, workers=2, index=1, strategy=TwoMachines())
    own = batches.part(1, 2, 4).epochs(1, 6)
    for (images, labels), (pixels, classes) in zip(
        distribution.shared_epochs(batches, 1, 3).take(4), own.take(4), strict=True
    ):
        assert len(labels) == 25
        np.testing.assert_array_equal(images, pixels)
        np.testing.assert_array_equal(labels, classes)


REFUSED = """
import json, os, sys
import tensorflow as tf
from kerazoo.training.distribution import distribute
for devices, config in json.loads(sys.argv[1]):
    os.environ["TF_CONFIG"] = config
    try:
        distribute(devices)
        print("accepted")
    except ValueError as error:
        print(str(error).replace(chr(10), " "))
tf.zeros(1)
os.environ["TF_CONFIG"] = ""
try:
    distribute(2)
    print("accepted")
except ValueError as error:
    print(str(error).replace(chr(10), " "))
"""


def test_distribute_refuses():
    """In a process where TensorFlow has not begun; in the last case it has."""
    third = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"index": 2}}
    done = subprocess.run(
        [
            *(sys.executable, "-c", REFUSED),
            json.dumps([(0, ""), (1, "{"), (1, json.dumps(third))]),
        ],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
    )
    for said, message in zip(
        done.stdout.splitlines(),
        (
            "a whole number from 1",
            "TF_CONFIG is not JSON",
            "this is worker 2, but names 2",
            "comes too late",
        ),
        strict=True,
    ):
        assert message in said


FAULTS = """
import keras, numpy as np, tensorflow as tf
from kerazoo.training import keras_repairs

strategy = tf.distribute.MultiWorkerMirroredStrategy()
with strategy.scope():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False)
data = tf.data.Dataset.from_tensors((np.ones((4, 2)), np.ones((4, 1))))

def attempt():
    try:
        model.fit(data, verbose=0)
        print("works")
    except ValueError as error:
        print(str(error).replace(chr(10), " "))

attempt()
keras_repairs.repair_build()
attempt()
keras_repairs.repair_reduction()
attempt()
"""


@pytest.mark.slow
def test_repairs_of_keras_are_still_needed():
    """Where this fails, Keras has mended a fault, and its repair can go."""
    assert keras_repairs.needed()
    ports = [20000 + os.getpid() % 20000 + n for n in (0, 1)]
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", FAULTS],
            env={
                **os.environ,
                "TF_CONFIG": json.dumps(
                    {"cluster": cluster, "task": {"type": "worker", "index": index}}
                ),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for index in (0, 1)
    ]
    for process in processes:
        output, _ = process.communicate(timeout=300)
        first, second, third = output.splitlines()
        assert "PerReplica" in first
        assert "Invalid reduction dimension 0" in second
        assert third == "works"
