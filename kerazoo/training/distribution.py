"""One training on several devices, and on several machines.

Devices of one machine share every batch through ``tf.distribute.MirroredStrategy``.
Several machines share it through ``tf.distribute.MultiWorkerMirroredStrategy`` where
the environment variable ``TF_CONFIG`` names them: the same command runs on every one,
with its own ``index``, and a run folder that all of them see::

    TF_CONFIG='{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]},
                "task": {"type": "worker", "index": 0}}'

``kerazoo launch`` does that on one machine. Worker 0 is the chief: it alone writes.
Those that start first wait for the others (:mod:`kerazoo.training.rendezvous`).
Under ``KERAS_BACKEND=jax``, ``keras.distribution.DataParallel`` takes the place of
both on one machine.

The batch of a recipe is that of all devices together. Batch normalisation sees all of
it; dropout draws the same mask on every TensorFlow device, for its own images.
"""

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from kerazoo import reader
from kerazoo.data import Batches
from kerazoo.reader import Whole
from kerazoo.training import keras_repairs, rendezvous

# More devices than any machine has.
LARGEST = 1024


class LostWorker(RuntimeError):
    """Another machine of the training is gone."""


@dataclasses.dataclass(frozen=True)
class Distribution:
    """Who takes part in a training.

    Attributes:
        devices: Devices of all machines.
        workers: Machines, or processes that stand for them.
        index: Which of them this one is; 0 is the chief.
        strategy: TensorFlow's, or ``None`` for one device.
        parallel: Keras' own, under JAX.
    """

    devices: int = 1
    workers: int = 1
    index: int = 0
    strategy: Any = None
    parallel: keras.distribution.DataParallel | None = None

    @property
    def chief(self) -> bool:
        """Whether this process writes."""
        return self.index == 0

    @property
    def replicas(self) -> int:
        """Copies of the network whose gradients TensorFlow adds up."""
        return self.strategy.num_replicas_in_sync if self.strategy else 1

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Where the network is built and trained.

        Raises:
            LostWorker: Where another worker does not answer any more.
        """
        engine = self.strategy or self.parallel
        try:
            with engine.scope() if engine else contextlib.nullcontext():
                yield
        except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
            if self.workers == 1:
                raise
            raise LostWorker(
                "Another worker of this training is gone. Start all of them again: "
                f"they go on from the last state ({str(error).splitlines()[0]})."
            ) from error

    def check_batch(self, batch_size: int) -> None:
        """Refuses a batch that the devices cannot share evenly.

        Raises:
            ValueError: Where a device would get fewer images than another.
        """
        if batch_size % self.devices:
            raise ValueError(
                f"A batch of {batch_size} images cannot be shared evenly by "
                f"{self.devices} devices; give a multiple of {self.devices}."
            )

    def check_validation(self, size: int, batch_size: int) -> None:
        """Refuses a last validation batch that JAX cannot part.

        Raises:
            ValueError: Where it is not a multiple of the devices.
        """
        last = size % batch_size
        if self.parallel and last % self.devices:
            raise ValueError(
                f"The last of the validation batches has {last} images, which JAX "
                f"cannot share evenly among {self.devices} devices; change the "
                "recipe's validation or batch_size."
            )

    def shared_epochs(
        self,
        batches: Batches,
        epoch: int = 0,
        step: int = 0,
        change: Callable[[tf.data.Dataset], tf.data.Dataset] = lambda dataset: dataset,
    ) -> tf.data.Dataset:
        """The training batches from a step on, parted among the workers.

        Images in memory come in the batches of a single device. Of those in files
        every worker reads its own share, so that the batches are other ones.

        Args:
            batches: ``Batches`` to train on.
            epoch: The epoch to begin in.
            step: The step to begin at.
            change: What a dataset goes through.
        """
        if self.workers == 1 or not batches.streamed:
            return self.share(change(batches.epochs(epoch, step)))
        part = batches.part(self.index, self.workers, self.devices)
        first = step * self.devices // self.workers
        return self.strategy.distribute_datasets_from_function(
            lambda context: change(part.epochs(epoch, first))
        )

    def share(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """Marks a dataset of whole batches for being parted among the workers."""
        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.DATA
        )
        return dataset.with_options(options)

    def synchronise(self, model: keras.Model) -> None:
        """Lets the batch normalisations of a network see the batch of all devices."""
        if self.replicas > 1:
            for layer in model.layers:
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.synchronized = True

    def gather(self, *values: float) -> np.ndarray:
        """What every worker says; all of them must ask, and each waits for the others.

        Args:
            *values: What this one says.

        Returns:
            An array ``(workers, values)``.
        """
        if self.workers == 1:
            return np.array([values], "float64")
        said = np.zeros((self.workers, len(values)))
        said[self.index] = values
        with self.scope():
            total = _total(self.strategy, tf.constant(said)).numpy()
        return total * self.workers / self.devices


@tf.function
def _total(strategy, value):
    value = strategy.run(tf.identity, args=(value,))
    return strategy.reduce("SUM", value, axis=None)


def distribute(devices: int | None = None) -> Distribution:
    """Takes the devices that a training asks for; must precede all computing.

    Args:
        devices: Devices of this machine: GPUs, or parts of the CPU where there is
            none. By default one, or all GPUs where ``TF_CONFIG`` names several
            machines.

    Raises:
        ValueError: Where there are not so many, TensorFlow has begun to compute, or
            ``TF_CONFIG`` cannot be meant.
        kerazoo.training.rendezvous.Unreached: Where another worker does not answer.
    """
    if devices is not None:
        devices = reader.whole(devices, "devices")
        if devices > LARGEST:
            raise ValueError(
                f"devices is {devices:,}; no machine has so many, give at most "
                f"{LARGEST}."
            )
    cluster, index = _cluster()
    if keras.backend.backend() == "jax":
        return _jax(devices or 1, cluster)
    gpus = tf.config.list_physical_devices("GPU")
    if gpus and (devices or 1) > len(gpus):
        raise ValueError(f"There are {len(gpus)} GPUs, not {devices}.")
    if len(cluster) > 1:
        return _machines(cluster, index, devices, gpus)
    if devices is None or devices == 1:
        return Distribution()
    if not gpus:
        _part_cpu(devices)
    kind = "GPU" if gpus else "CPU"
    strategy = tf.distribute.MirroredStrategy([f"{kind}:{n}" for n in range(devices)])
    return Distribution(devices=devices, strategy=strategy)


def _cluster():
    """The workers' addresses and this one's index, as ``TF_CONFIG`` has them."""
    text = os.environ.get("TF_CONFIG")
    if not text:
        return [], 0
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"TF_CONFIG is not JSON ({error}): {text!r:.200}.") from error
    config = reader.read(Mapping[str, Any], config, "TF_CONFIG")
    cluster = reader.read(
        Mapping[str, list[str]], config.get("cluster", {}), "TF_CONFIG's cluster"
    )
    task = reader.read(Mapping[str, Any], config.get("task", {}), "TF_CONFIG's task")
    # The old word for worker 0; TensorFlow still takes it.
    chiefs = cluster.get("chief", [])
    workers = [*chiefs, *cluster.get("worker", [])]
    for address in workers:
        rendezvous.split_address(address)
        if workers.count(address) > 1:
            raise ValueError(
                f"TF_CONFIG names the worker {address} twice; name each once."
            )
    kind = reader.read(
        Literal["chief", "worker"], task.get("type", "worker"), "TF_CONFIG's task.type"
    )
    index = reader.read(Whole, task.get("index", 0), "TF_CONFIG's task.index")
    count = len(chiefs) if kind == "chief" else len(workers) - len(chiefs)
    if workers and index >= count:
        raise ValueError(
            f"TF_CONFIG says that this is {kind} {index}, but names {count}; they "
            "count from 0."
        )
    return workers, index + (len(chiefs) if kind == "worker" else 0)


def _machines(cluster, index, devices, gpus):
    if not gpus and (devices or 1) > 1:
        raise ValueError(
            f"devices={devices} is not possible: a worker without a GPU computes on "
            "one device; start more workers."
        )
    rendezvous.meet(tuple(cluster), index)
    keras_repairs.repair()
    try:
        if devices and gpus:
            tf.config.set_visible_devices(gpus[:devices], "GPU")
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise ValueError(_too_late("TF_CONFIG")) from error
    return Distribution(
        devices=strategy.num_replicas_in_sync,
        workers=len(cluster),
        index=index,
        strategy=strategy,
    )


def _part_cpu(devices):
    cpu = tf.config.list_physical_devices("CPU")[0]
    parts = tf.config.get_logical_device_configuration(cpu) or ()
    if len(parts) >= devices:
        return
    try:
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * devices
        )
    except RuntimeError as error:
        raise ValueError(_too_late(f"devices={devices}")) from error


def _too_late(what):
    return (
        f"{what} comes too late: TensorFlow has begun to compute on the devices as "
        "they are. Call kerazoo.fit with it first, in a new process."
    )


def _jax(devices, cluster):
    if len(cluster) > 1:
        raise ValueError(
            "TF_CONFIG names several machines, which kerazoo trains on with TensorFlow "
            "only; set KERAS_BACKEND=tensorflow."
        )
    if devices == 1:
        return Distribution()
    import jax

    # XLA sizes its threads by this; parts of a CPU that wait for each other in a sum
    # hang for ever where there are no more threads than parts.
    os.environ.setdefault("NPROC", str(max(os.cpu_count() or 1, 4 * devices)))
    # A GPU machine has its devices anyway, and a JAX that runs already keeps its own.
    with contextlib.suppress(RuntimeError):
        jax.config.update("jax_num_cpu_devices", devices)
    found = keras.distribution.list_devices()
    if len(found) < devices:
        raise ValueError(
            f"There are {len(found)} devices, not {devices}; JAX parts a CPU only "
            "before it computes: call kerazoo.fit first, in a new process."
        )
    return Distribution(
        devices=devices,
        parallel=keras.distribution.DataParallel(devices=found[:devices]),
    )
