"""What TensorFlow computes in one kernel, where Keras 3 makes many operations.

Each gives the results of the Keras code that it replaces, and leaves to that code what
the kernel cannot do: other backends above all.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import KerasTensor, ops


# The name under which models on disk have it.
@keras.saving.register_keras_serializable("kerazoo", "BatchNormalization")
class FusedBatchNormalization(keras.layers.BatchNormalization):
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

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        # A network is saved with the layer that this one computes, and opens without
        # kerazoo.
        return keras.layers.BatchNormalization

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


@keras.saving.register_keras_serializable("kerazoo", "PReLU")
class FusedPReLU(keras.layers.PReLU):
    """`keras.layers.PReLU` that trains in half as many operations.

    Keras computes `relu(x) - alpha * relu(-x)`, which is five operations and ten for
    the gradients. Training on TensorFlow takes eight, of those that its graph optimiser
    knows how to compute in bfloat16; all other cases run Keras' own code. Arguments,
    weights, names and results are those of ``keras.layers.PReLU``.

    Reference:
        He et al., "Delving Deep into Rectifiers", ICCV 2015, arXiv 1502.01852, Sec. 2.
    """

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return keras.layers.PReLU

    def call(self, inputs: KerasTensor, training: bool | None = None) -> KerasTensor:
        if training and keras.backend.backend() == "tensorflow":
            return _fused_prelu()(inputs, ops.cast(self.alpha, inputs.dtype))
        return super().call(inputs)


@functools.cache
def _fused_prelu():
    import tensorflow as tf

    @tf.custom_gradient
    def prelu(x, alpha):
        zero = tf.zeros((), x.dtype)
        slope = tf.where(x > zero, tf.ones_like(alpha), alpha)

        def backward(dy):
            shares = dy * tf.minimum(x, zero)
            shared = [0, *(i + 1 for i, n in enumerate(alpha.shape) if n == 1)]
            return dy * slope, tf.reshape(tf.reduce_sum(shares, shared), alpha.shape)

        return x * slope, backward

    return prelu


@keras.saving.register_keras_serializable("kerazoo", "SpatialDropout2D")
class FusedSpatialDropout2D(keras.layers.SpatialDropout2D):
    """`keras.layers.SpatialDropout2D` that multiplies an image once.

    Keras scales the whole image and then replaces what it drops. Here the factors of
    the maps are drawn, and the image is multiplied by them. Arguments, draws, names
    and results are those of ``keras.layers.SpatialDropout2D``.
    """

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return keras.layers.SpatialDropout2D

    def call(self, inputs: KerasTensor, training: bool = False) -> KerasTensor:
        if not training or not self.rate or self.data_format != "channels_last":
            return super().call(inputs, training=training)
        batch, *_, channels = ops.shape(inputs)
        ones = ops.ones((batch, 1, 1, channels), inputs.dtype)
        return inputs * keras.random.dropout(ones, self.rate, seed=self.seed_generator)


class FusedCrossentropy(keras.losses.SparseCategoricalCrossentropy):
    """`keras.losses.SparseCategoricalCrossentropy` of logits, in one loop of XLA's.

    TensorFlow's own kernel takes two to three times as long, which a class for every
    pixel waits for. Results are those of Keras; other backends run its code.

    Args:
        ignore_class: The label of what is not learnt, and no part of the mean.
    """

    def __init__(self, ignore_class: int | None = None) -> None:
        super().__init__(from_logits=True, ignore_class=ignore_class)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The mean over all that is learnt.

        Args:
            y_true: Integers (...,).
            y_pred: float32 logits (..., classes).
            sample_weight: Factors (...,) or None.
        """
        if keras.backend.backend() == "tensorflow" and self.ignore_class is not None:
            known = ops.cast(ops.not_equal(y_true, self.ignore_class), "float32")
            known *= ops.cast(ops.size(known), "float32") / ops.maximum(
                ops.sum(known), 1.0
            )
            sample_weight = known if sample_weight is None else known * sample_weight
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of every label.

        Args:
            y_true: Integers (...,).
            y_pred: float32 logits (..., classes).
        """
        if keras.backend.backend() != "tensorflow":
            return super().call(y_true, y_pred)
        return _fused_crossentropy()(y_true, y_pred)


@functools.cache
def _fused_crossentropy():
    import tensorflow as tf

    @tf.function(jit_compile=True)
    def parts(labels, logits):
        logits = logits - tf.reduce_max(logits, -1, keepdims=True)
        shares = tf.exp(logits)
        total = tf.reduce_sum(shares, -1, keepdims=True)
        right = tf.one_hot(tf.cast(labels, tf.int32), logits.shape[-1])
        losses = tf.math.log(total[..., 0]) - tf.reduce_sum(logits * right, -1)
        return losses, shares / total - right

    @tf.custom_gradient
    def crossentropy(labels, logits):
        losses, slopes = parts(labels, logits)

        def backward(dy):
            return None, dy[..., None] * slopes

        return losses, backward

    return crossentropy


class FusedSGD(keras.optimizers.SGD):
    """`keras.optimizers.SGD` whose momentum is TensorFlow's kernel for exactly that.

    Keras' own makes several passes over the weights, which are 62 million in AlexNet.
    Arguments, variables and names are those of ``keras.optimizers.SGD``. Where several
    devices train, and without momentum, that is also what computes.
    """

    def __init__(self, *args: Any, name: str = "sgd", **options: Any) -> None:
        super().__init__(*args, name=name, **options)

    def build(self, variables: Any) -> None:
        """Makes the momentum of every weight.

        Args:
            variables: The weights, Keras' variables.
        """
        if not self.built:
            super().build(variables)
            pairs = zip(variables, self.momentums, strict=False)
            self._slots = {weight.value.ref(): slot.value for weight, slot in pairs}

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Moves a weight and its momentum in place.

        Args:
            gradient: Its gradient.
            variable: The weight, TensorFlow's variable.
            learning_rate: The rate.
        """
        import tensorflow as tf

        if not self.momentum or tf.distribute.has_strategy():
            super().update_step(gradient, variable, learning_rate)
            return
        kind = variable.dtype
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=self._slots[variable.ref()].handle,
            lr=tf.cast(learning_rate, kind),
            grad=tf.cast(gradient, kind),
            momentum=tf.cast(self.momentum, kind),
            use_nesterov=self.nesterov,
        )


class FusedAdam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` whose step is TensorFlow's kernel for exactly that.

    Keras' own is a dozen operations a weight, which a network of many small weights
    waits for, and takes long to trace. Arguments, variables and names are those of
    ``keras.optimizers.Adam``. Where several devices train, and with AMSGrad, that is
    also what computes. Steps differ by some 2e-5 of their size, for Keras takes
    ``1 - beta_2`` in double precision and the kernel in that of the weights.
    """

    def __init__(self, *args: Any, name: str = "adam", **options: Any) -> None:
        super().__init__(*args, name=name, **options)

    def build(self, variables: Any) -> None:
        """Makes the moments of every weight.

        Args:
            variables: The weights, Keras' variables.
        """
        if not self.built:
            super().build(variables)
            # In this order, and under these names, Keras has made them.
            moments = [
                [one.value for one in self.variables if one.path.endswith(kind)]
                for kind in ("_momentum", "_velocity")
            ]
            self._slots = {
                weight.value.ref(): slots
                for weight, *slots in zip(variables, *moments, strict=True)
            }

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Moves all weights; the powers of the betas are taken once for all.

        Args:
            grads: Their gradients.
            trainable_variables: The weights; those it was built with by default.
        """
        step = ops.cast(self.iterations + 1, "float32")
        self._powers = [ops.power(beta, step) for beta in (self.beta_1, self.beta_2)]
        super().apply(grads, trainable_variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Moves a weight and its moments in place.

        Args:
            gradient: Its gradient.
            variable: The weight, TensorFlow's variable.
            learning_rate: The rate.
        """
        import tensorflow as tf

        if self.amsgrad or tf.distribute.has_strategy():
            super().update_step(gradient, variable, learning_rate)
            return
        kind = variable.dtype
        first, second = self._slots[variable.ref()]
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=first.handle,
            v=second.handle,
            beta1_power=tf.cast(self._powers[0], kind),
            beta2_power=tf.cast(self._powers[1], kind),
            lr=tf.cast(learning_rate, kind),
            beta1=tf.cast(self.beta_1, kind),
            beta2=tf.cast(self.beta_2, kind),
            epsilon=tf.cast(self.epsilon, kind),
            grad=tf.cast(gradient, kind),
        )


def power(base: KerasTensor, exponent: float) -> KerasTensor:
    """``base ** exponent``; two square roots cost a quarter of a power on a CPU."""
    if exponent == -0.75:
        root = ops.rsqrt(base)
        return root * ops.sqrt(root)
    return ops.power(base, exponent)


@functools.cache
def fused_lrn(radius: int, k: float, alpha: float, beta: float) -> Callable:
    """Local response normalisation with its gradient, for training on TensorFlow.

    The sums are over slices of a padded image, and XLA makes one loop of all that lies
    between two paddings; TensorFlow pads faster than XLA does.
    """
    import tensorflow as tf

    def window(padded):
        size = padded.shape[-1] - 2 * radius
        return sum(padded[..., i : i + size] for i in range(2 * radius + 1))

    def parts(padded):
        padded = tf.cast(padded, keras.backend.result_type(padded.dtype, "float32"))
        base = k + alpha * window(tf.square(padded))
        x = padded[..., radius : padded.shape[-1] - radius]
        return x, base, power(base, -beta)

    @tf.function(jit_compile=True)
    def forward(padded):
        x, _, scale = parts(padded)
        return tf.cast(x * scale, padded.dtype)

    @tf.function(jit_compile=True)
    def shares(padded, dy):
        x, base, scale = parts(padded)
        return tf.cast(dy, x.dtype) * x * scale / base

    @tf.function(jit_compile=True)
    def backward(padded, dy, shared):
        x, _, scale = parts(padded)
        dx = tf.cast(dy, x.dtype) * scale - 2 * alpha * beta * x * window(shared)
        return tf.cast(dx, padded.dtype)

    @tf.custom_gradient
    def normalize(x):
        edges = [[0, 0]] * (len(x.shape) - 1) + [[radius, radius]]
        padded = tf.pad(x, edges)

        def gradient(dy):
            return backward(padded, dy, tf.pad(shares(padded, dy), edges))

        return forward(padded), gradient

    return normalize
