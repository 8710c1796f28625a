"""Gradients that several devices clip as one."""

from typing import TYPE_CHECKING, Any

import keras

# Mixed into the class of an optimiser.
Base: Any = keras.optimizers.Optimizer if TYPE_CHECKING else object


class _Together(Base):
    """An optimiser that sees the gradient of the whole batch on every device.

    Keras' optimisers clip, and look for infinities, before they add the devices'
    gradients up. Here every device gets the mean of all, which is the sum over
    ``replicas``; thresholds are divided likewise, so that the sum that Keras takes
    afterwards is the clipped gradient of the whole batch.
    """

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        # Networks are compiled and trained without TensorFlow too.
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        super().apply(context.all_reduce("MEAN", grads), trainable_variables)


def clip_across_replicas(
    optimizer: keras.optimizers.Optimizer, replicas: int
) -> keras.optimizers.Optimizer:
    """The same optimiser for several devices, with the gradient clipped as a whole.

    Args:
        optimizer: An optimiser that is not built yet.
        replicas: Devices whose gradients are added up.

    Raises:
        ValueError: Where the optimiser accumulates gradients, which Keras cannot do.
    """
    float16 = keras.config.dtype_policy().name == "mixed_float16"
    thresholds = ("clipnorm", "global_clipnorm", "clipvalue")
    config = optimizer.get_config()
    clipped = [name for name in thresholds if config.get(name)]
    if replicas > 1 and config.get("gradient_accumulation_steps"):
        raise ValueError(
            "optimizer.gradient_accumulation_steps does not work where several "
            "devices share a batch; leave it out, or train on one device."
        )
    if replicas == 1 or not (clipped or float16):
        return optimizer
    config |= {name: config[name] / replicas for name in clipped}
    kind: Any = type(optimizer)
    if float16:
        # ``compile`` would put this around the optimiser, outside our sum.
        kind, optimizer = keras.optimizers.LossScaleOptimizer, kind.from_config(config)
        return type(kind.__name__, (_Together, kind), {})(optimizer)
    together: Any = type(kind.__name__, (_Together, kind), {})
    return together.from_config(config)
