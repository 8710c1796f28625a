"""Two repairs of Keras 3.15 that ``fit`` on several machines needs.

This is the one file that touches private names of Keras. Both faults are those of
keras-team/keras#20585; ``tests/training/test_distribution.py`` tells when a version of
Keras no longer has them, and then its repair goes.

1. ``Trainer._maybe_symbolic_build`` takes the mean of a distributed batch outside a
   function: "Attempt to convert a value (PerReplica ...) with an unsupported type".
2. ``reduce_per_replica`` takes the mean of scalar logs over their axis 0: "Invalid
   reduction dimension 0 for input with 0 dimensions".
"""

import keras
import tensorflow as tf

FAULTY = ("3.15.",)


def needed() -> bool:
    """Whether this version of Keras is known to have the faults."""
    return keras.__version__.startswith(FAULTY)


def repair_build() -> None:
    """Builds metrics from the first replica's batch, whose shapes are enough."""
    from keras.src.backend.tensorflow import trainer

    kind = trainer.TensorFlowTrainer
    if getattr(kind._maybe_symbolic_build, "repaired", False):
        return
    original = kind._maybe_symbolic_build

    def build(self, iterator=None, data_batch=None):
        if self._distribute_strategy is not None and iterator is not None:
            batch = next(next(iter(iterator))[2])
            data_batch = keras.tree.map_structure(
                lambda x: self._distribute_strategy.experimental_local_results(x)[0],
                batch,
            )
            iterator = None
        return original(self, iterator, data_batch)

    build.repaired = True  # type: ignore[attr-defined]
    kind._maybe_symbolic_build = build


def repair_reduction() -> None:
    """Takes the mean of logs over the replicas and over nothing else."""
    from keras.src.backend.tensorflow import trainer

    if getattr(trainer.reduce_per_replica, "repaired", False):
        return
    original = trainer.reduce_per_replica

    def reduce_per_replica(values, strategy, reduction):
        machines = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        if not machines or reduction not in ("auto", "mean"):
            return original(values, strategy, reduction)
        return keras.tree.map_structure(
            lambda value: strategy.reduce("MEAN", value, axis=None), values
        )

    reduce_per_replica.repaired = True  # type: ignore[attr-defined]
    trainer.reduce_per_replica = reduce_per_replica


def repair() -> None:
    """Applies both, once, where this version of Keras needs them."""
    if needed():
        repair_build()
        repair_reduction()
