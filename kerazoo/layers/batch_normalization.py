"""Batch normalisation in one kernel on the TensorFlow backend."""

import keras
from keras import KerasTensor, ops


@keras.saving.register_keras_serializable(package="kerazoo")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` that runs TensorFlow's fused kernel.

    Keras 3 computes batch normalisation as moments and a chain of element-wise
    operations. Images with channels last go through `FusedBatchNormV3` here, with the
    same arguments, weights, names, moving averages and results (1e-5). All other
    cases (other backends, axes and ranks, masks, `synchronized=True`, `renorm=True`, on
    a CPU channels that are no multiple of 16) run Keras' own code. `as_plain_keras`
    turns a model with this layer into one that opens without kerazoo.

    Reference:
        Ioffe, Szegedy, "Batch Normalization", ICML 2015, arXiv 1502.03167, Alg. 1, 2.
    """

    def call(
        self,
        inputs: KerasTensor,
        training: bool | None = None,
        mask: KerasTensor | None = None,
    ) -> KerasTensor:
        fused = (
            keras.backend.backend() == "tensorflow"
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and mask is None
            and not (self.synchronized or self.renorm)
            and keras.backend.standardize_dtype(inputs.dtype) != "float64"
            and _is_fast(inputs.shape[-1])
        )
        if not fused:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        training = bool(training and self.trainable)
        mean = tf.cast(self.moving_mean, "float32")
        variance = tf.cast(self.moving_variance, "float32")
        empty = tf.zeros((0,))
        result = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.cast(self.gamma, "float32") if self.scale else tf.ones_like(mean),
            offset=tf.cast(self.beta, "float32")
            if self.center
            else tf.zeros_like(mean),
            mean=empty if training else mean,
            variance=empty if training else variance,
            epsilon=self.epsilon,
            is_training=training,
        )
        if training:
            # The kernel reports the variance over n - 1 values, Keras averages over n.
            n = tf.cast(tf.reduce_prod(tf.shape(inputs)[:3]), "float32")
            self._move(self.moving_mean, mean, result.batch_mean)
            self._move(
                self.moving_variance, variance, result.batch_variance * ((n - 1) / n)
            )
        return ops.cast(result.y, self.compute_dtype)

    def _move(self, average, old, new):
        average.assign(old * self.momentum + new * (1 - self.momentum))


def _is_fast(channels):
    """Whether the fused kernel is the faster one for that many channels.

    oneDNN computes 16 channels at a time on a CPU. For other numbers it has a slower
    kernel, in bfloat16 slower than the operations of Keras.
    """
    import tensorflow as tf

    return channels % 16 == 0 or bool(tf.config.list_physical_devices("GPU"))
