"""Which GPUs count, and what ``auto`` makes of them."""

import json
import os
import subprocess
import sys
import types

import jax
import keras
import pytest
import tensorflow as tf

from kerazoo import precision


def jax_device(platform, capability=None):
    device = types.SimpleNamespace(platform=platform, device_kind=f"a {platform}")
    if capability:
        device.compute_capability = capability
    return device


@pytest.fixture
def with_jax(monkeypatch):
    """Keras on JAX, which sees these devices; TensorFlow sees a GPU of its own."""

    def see(*devices):
        monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
        monkeypatch.setattr(jax, "local_devices", lambda backend=None: list(devices))

    theirs = types.SimpleNamespace(name="/physical_device:GPU:0")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [theirs])
    return see


@pytest.mark.parametrize(
    ("capability", "policy", "reason"),
    [
        ("9.0", "mixed_bfloat16", "a GPU with bfloat16"),
        ("8.0", "mixed_bfloat16", "a GPU with bfloat16"),
        ("12.0", "mixed_bfloat16", "a GPU with bfloat16"),
        ("7.5", "float32", "a GPU without bfloat16"),
        # What JAX says of AMD's.
        ("gfx90a", "float32", "a GPU without bfloat16"),
        (None, "float32", "a GPU without bfloat16"),
    ],
)
def test_auto_looks_at_the_gpus_of_jax(with_jax, capability, policy, reason):
    with_jax(jax_device("gpu", capability), jax_device("cpu"))
    chosen = precision.choose("auto")
    assert (chosen.policy, chosen.reason) == (policy, reason)
    assert chosen.jit_compile
    assert not chosen.onednn
    found = precision.devices()
    assert found["gpus"] == [{"name": "a gpu", "compute_capability": capability}]
    assert found["auto"]["policy"] == policy


def test_a_gpu_of_tensorflow_alone_is_none_to_jax(with_jax):
    with_jax(jax_device("cpu"))
    assert precision.gpus() == ()
    chosen = precision.choose("auto")
    assert (chosen.policy, chosen.jit_compile) == ("float32", True)


@pytest.mark.parametrize(
    ("capability", "policy"), [((8, 6), "mixed_bfloat16"), ((7, 5), "float32")]
)
def test_auto_looks_at_the_gpus_of_tensorflow(monkeypatch, capability, policy):
    details = {"device_name": "a card", "compute_capability": capability}
    gpu = types.SimpleNamespace(name="/physical_device:GPU:0")
    monkeypatch.setattr(
        tf.config,
        "list_physical_devices",
        lambda kind: [gpu] if kind == "GPU" else [],
    )
    monkeypatch.setattr(
        tf.config.experimental, "get_device_details", lambda gpu: details
    )
    assert precision.choose("auto").policy == policy
    (found,) = precision.gpus()
    assert found == precision.GPU("a card", ".".join(map(str, capability)))


def test_the_command_under_jax():
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    words = [sys.executable, "-m", "kerazoo", "devices", "--json"]
    run = subprocess.run(
        words, capture_output=True, text=True, env=environment, check=True
    )
    found = json.loads(run.stdout)
    assert found["backend"] == "jax"
    assert found["cpus"] == len(jax.local_devices(backend="cpu"))
    assert len(found["gpus"]) == sum(x.platform == "gpu" for x in jax.local_devices())
