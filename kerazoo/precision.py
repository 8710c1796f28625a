"""The precision of a training: what a device does fastest without losing accuracy."""

import contextlib
import dataclasses
import functools
import pathlib
from collections.abc import Iterator

import keras
import tensorflow as tf

from kerazoo.errors import unknown

PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")


@dataclasses.dataclass(frozen=True)
class Precision:
    """How the layers of a network compute.

    Attributes:
        policy: Keras' dtype policy.
        onednn: Whether TensorFlow's graph optimiser moves convolutions and products to
            bfloat16 on a CPU, leaving weights and the rest in float32.
        jit_compile: Whether XLA compiles the step.
        reason: Why.
    """

    policy: str
    onednn: bool
    jit_compile: bool
    reason: str


@functools.cache
def cpu_flags() -> frozenset[str]:
    """The processor's instruction sets as Linux names them; empty elsewhere."""
    path = pathlib.Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("flags"):
                return frozenset(line.partition(":")[2].split())
    return frozenset()


def choose(precision: str) -> Precision:
    """What a precision means on this machine.

    Args:
        precision: ``auto``, ``float32``, ``mixed_bfloat16`` or ``mixed_float16``.

    Raises:
        ValueError: For another word.
    """
    if precision not in PRECISIONS:
        raise unknown("precision", precision, PRECISIONS)
    gpus = tf.config.list_physical_devices("GPU")
    # JAX has no other way to run a step fast.
    xla = bool(gpus) or keras.backend.backend() == "jax"
    if precision != "auto":
        return Precision(precision, False, xla, "asked for")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        if details.get("compute_capability", (0, 0))[0] >= 8:
            return Precision("mixed_bfloat16", False, True, "a GPU with bfloat16")
        return Precision("float32", False, True, "a GPU without bfloat16")
    if {"avx512_bf16", "amx_bf16"} & cpu_flags() and not xla:
        return Precision("float32", True, False, "a CPU with bfloat16 instructions")
    return Precision("float32", False, xla, "a CPU without bfloat16 in this backend")


@contextlib.contextmanager
def use(precision: Precision) -> Iterator[None]:
    """Sets the policy and TensorFlow's options, and puts them back at the end.

    TensorFlow optimises a function anew where it is called under other options, so that
    a network which was trained here computes in float32 elsewhere.
    """
    policy = keras.config.dtype_policy()
    before = tf.config.optimizer.get_experimental_options()
    name = "auto_mixed_precision_onednn_bfloat16"
    keras.config.set_dtype_policy(precision.policy)
    tf.config.optimizer.set_experimental_options({name: precision.onednn})
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)
        tf.config.optimizer.set_experimental_options({name: before.get(name, False)})


def prepare_gpus() -> None:
    """Lets GPU memory grow with the need; must precede the first use of a GPU."""
    for gpu in tf.config.list_physical_devices("GPU"):
        # A GPU that is in use already keeps the setting it was started with.
        with contextlib.suppress(RuntimeError):
            tf.config.experimental.set_memory_growth(gpu, True)


def devices() -> dict:
    """What was found, and what ``auto`` does with it."""
    precision = choose("auto")
    gpus = []
    for gpu in tf.config.list_physical_devices("GPU"):
        details = tf.config.experimental.get_device_details(gpu)
        capability = details.get("compute_capability")
        gpus.append(
            {
                "name": details.get("device_name", gpu.name),
                "compute_capability": capability and ".".join(map(str, capability)),
            }
        )
    return {
        "backend": keras.backend.backend(),
        "cpus": len(tf.config.list_physical_devices("CPU")),
        "cpu_bfloat16": sorted({"avx512_bf16", "amx_bf16"} & cpu_flags()),
        "gpus": gpus,
        "auto": dataclasses.asdict(precision),
    }
