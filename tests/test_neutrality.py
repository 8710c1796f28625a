"""The networks know nothing of TensorFlow: all run on another backend without it."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
WALK = """
import gc, importlib.abc, json, sys


class NoTensorFlow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError("TensorFlow is blocked", name=name)


sys.meta_path.insert(0, NoTensorFlow())

import jax
import keras
import numpy as np

import kerazoo

rng = np.random.default_rng(0)


def drawn(seed, *, shape, dtype, minval=-3**0.5, maxval=3**0.5, **bounds):
    draws = rng.random(shape, "float32") * (maxval - minval) + minval
    return draws.astype(dtype)


gc.set_threshold(100_000, 20, 50)
outcome = {"backend": keras.backend.backend(), "networks": {}}
for name in sys.argv[1:] or kerazoo.list_models():
    card = kerazoo.find(name)
    try:
        detects = card.task == "detection"
        side = max(card.minimum, 64 * detects)
        shape = (side, side, card.input_shape[-1])
        given = "regions" in card.options
        options = {"proposals": 4} if given else {}
        model = kerazoo.create(name, input_shape=shape, classes=3, **options)
        image = rng.normal(size=(1, *shape)).astype("float32")
        regions = np.array([[[2, 3, 40, 50]] * 4], "float32")
        inputs = {"images": image, "proposals": regions} if given else image
        outputs = model(inputs, training=False)
        scores = np.asarray(outputs["scores"] if detects else outputs)
        assert np.isfinite(scores).all(), "the scores are not finite"
        one = detects or np.allclose(scores.sum(-1), 1, atol=1e-4)
        assert one, "the scores do not sum to 1"
        outcome["networks"][name] = list(scores.shape)
    except Exception as error:
        outcome["networks"][name] = f"{type(error).__name__}: {error}"
    keras.backend.clear_session(free_memory=False)
    gc.collect()
    # What is left lives to the end; the next collection need not walk over it.
    gc.freeze()
    # The first network has shown that JAX draws weights. From here on NumPy does, for
    # JAX compiles its generators for every shape, which took half of the time.
    jax.random.normal = jax.random.truncated_normal = jax.random.uniform = drawn
outcome["tensorflow"] = "tensorflow" in sys.modules
print(json.dumps(outcome))
"""


# Compiling takes the time, not computing: without XLA's optimiser it takes half of it.
QUICK = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_use_fusion_emitters=false"
)


def walk(*names):
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": QUICK,
    }
    run = subprocess.run(
        [sys.executable, "-c", WALK, *names],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("jax") is None,
    reason="jax, the second backend, is not installed; the extra `test` brings it",
)
def test_all_networks_run_on_jax_with_tensorflow_blocked():
    import kerazoo

    outcome = walk()
    assert outcome["backend"] == "jax"
    assert not outcome["tensorflow"]
    own = {n for n in kerazoo.list_models() if "kerazoo." in kerazoo.find(n).module}
    assert set(outcome["networks"]) == own
    failures = {n: r for n, r in outcome["networks"].items() if isinstance(r, str)}
    assert failures == {}
