"""Local response normalisation across channels."""

from typing import Annotated, Any, Literal

import keras
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.layers.fast_paths import fused_lrn, power
from kerazoo.reader import NonNegative, Positive, Rule

Odd = Annotated[int, Rule("an odd whole number from 1", lambda n: n > 0 and n % 2)]


@keras.saving.register_keras_serializable(package="kerazoo")
class LocalResponseNormalization(keras.layers.Layer):
    """Divides each value by a power of the energy of its neighbour channels.

    `b_i = a_i / (k + alpha * sum_j a_j ** 2) ** beta`, where `j` runs over the
    `n` channels centred on `i`, clipped at the first and the last channel.

    The sum is a product with a banded matrix, so that it runs at the speed of a
    1x1 convolution on every backend. Training on TensorFlow runs three kernels that
    XLA makes, which pass over the image less often. The layer computes in float32
    under mixed precision, because the square of an activation overflows float16
    above 255.

    Args:
        n: Width of the window in channels, odd.
        k: Additive constant, positive.
        alpha: Scale of the energy, not negative.
        beta: Exponent.
        alpha_mode: `"sum"` as the paper prints it; `"mean"` divides `alpha` by
            `n`, which is what cuda-convnet (the code behind the paper), Caffe
            and torch compute.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input and output shape: `(..., channels)`.

    Raises:
        ValueError: If an argument is out of its range, or if the number of
            channels is not known.

    Reference:
        Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep
        Convolutional Neural Networks", NIPS 2012, Sec. 3.3.
    """

    # Whether to multiply without looking at shapes, as TensorFlow does for a matrix:
    # behind grouped convolutions onnxruntime takes them for others.
    portable = False

    @reader.checked
    def __init__(
        self,
        n: Odd = 5,
        k: Positive = 2.0,
        alpha: NonNegative = 1e-4,
        beta: float = 0.75,
        alpha_mode: Literal["sum", "mean"] = "sum",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.n = n
        self.k = k
        self.alpha = alpha
        self.beta = beta
        self.alpha_mode = alpha_mode

    def build(self, input_shape: tuple) -> None:
        if input_shape[-1] is None:
            raise ValueError(
                f"LocalResponseNormalization needs a known number of channels, but the "
                f"input shape is {tuple(input_shape)}: give the last axis a size."
            )

    def call(self, inputs: KerasTensor, training: bool | None = None) -> KerasTensor:
        if training and keras.backend.backend() == "tensorflow":
            alpha = self.alpha / self.n if self.alpha_mode == "mean" else self.alpha
            return fused_lrn(self.n // 2, self.k, alpha, self.beta)(inputs)
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        return ops.cast(self._normalize(x), inputs.dtype)

    def _normalize(self, x):
        alpha = self.alpha / self.n if self.alpha_mode == "mean" else self.alpha

        # The layer is bound by memory: automatic differentiation would make about
        # ten passes over the image where this gradient makes six.
        @ops.custom_gradient
        def normalize(x):
            channels = ops.arange(x.shape[-1])
            near = ops.abs(channels[:, None] - channels) <= self.n // 2
            near = ops.cast(near, x.dtype)
            if self.portable:
                near = near[(None,) * (len(x.shape) - 2)]
            base = self.k + ops.matmul(ops.square(x), alpha * near)
            scale = power(base, -self.beta)
            y = x * scale

            def gradient(*args, upstream=None):
                dy = args[0] if upstream is None else upstream
                shared = ops.matmul(dy * y / base, 2 * alpha * self.beta * near)
                return dy * scale - x * shared

            return y, gradient

        return normalize(x)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "n": self.n,
            "k": self.k,
            "alpha": self.alpha,
            "beta": self.beta,
            "alpha_mode": self.alpha_mode,
        }
