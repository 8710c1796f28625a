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


@dataclasses.dataclass(frozen=True)
class GPU:
    """A GPU that the backend computes on.

    Attributes:
        name: What its maker calls it.
        compute_capability: As in ``8.0``; ``None`` where it is not known.
    """

    name: str
    compute_capability: str | None

    @property
    def has_bfloat16(self) -> bool:
        """Whether it multiplies in bfloat16, as NVIDIA's do from 8.0 on."""
        major = (self.compute_capability or "").partition(".")[0]
        return major.isdigit() and int(major) >= 8


def gpus() -> tuple[GPU, ...]:
    """The GPUs that Keras' backend computes on, which need not be TensorFlow's."""
    if keras.backend.backend() == "jax":
        import jax

        return tuple(
            GPU(one.device_kind, getattr(one, "compute_capability", None))
            for one in jax.local_devices()
            if one.platform == "gpu"
        )
    found = []
    for gpu in tf.config.list_physical_devices("GPU"):
        details = tf.config.experimental.get_device_details(gpu)
        capability = details.get("compute_capability")
        found.append(
            GPU(
                details.get("device_name", gpu.name),
                ".".join(map(str, capability)) if capability else None,
            )
        )
    return tuple(found)


def _num_cpus() -> int:
    if keras.backend.backend() == "jax":
        import jax

        return len(jax.local_devices(backend="cpu"))
    return len(tf.config.list_physical_devices("CPU"))


def choose(precision: str) -> Precision:
    """What a precision means on this machine.

    Args:
        precision: ``auto``, ``float32``, ``mixed_bfloat16`` or ``mixed_float16``.

    Raises:
        ValueError: For another word.
    """
    if precision not in PRECISIONS:
        raise unknown("precision", precision, PRECISIONS)
    # JAX has no other way to run a step fast.
    jax = keras.backend.backend() == "jax"
    if precision != "auto":
        return Precision(precision, False, jax or bool(gpus()), "asked for")
    if found := gpus():
        if found[0].has_bfloat16:
            return Precision("mixed_bfloat16", False, True, "a GPU with bfloat16")
        return Precision("float32", False, True, "a GPU without bfloat16")
    if {"avx512_bf16", "amx_bf16"} & cpu_flags() and not jax:
        return Precision("float32", True, False, "a CPU with bfloat16 instructions")
    return Precision("float32", False, jax, "a CPU without bfloat16 in this backend")


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
    return {
        "backend": keras.backend.backend(),
        "cpus": _num_cpus(),
        "cpu_bfloat16": sorted({"avx512_bf16", "amx_bf16"} & cpu_flags()),
        "gpus": [dataclasses.asdict(gpu) for gpu in gpus()],
        "auto": dataclasses.asdict(choose("auto")),
    }
