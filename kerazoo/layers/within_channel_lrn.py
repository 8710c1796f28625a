"""Local response normalisation within each channel."""

from typing import Any

import keras
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.layers.local_response_normalization import Odd
from kerazoo.reader import NonNegative


@keras.saving.register_keras_serializable(package="kerazoo")
class WithinChannelLRN(keras.layers.Layer):
    """Divides each value by a power of the energy of its neighbours in its channel.

    `y = x / (1 + alpha * m) ** beta`, where `m` is the mean of the squares in a window
    of `size` by `size` cells. What of the window is outside the map counts as zeros, as
    Caffe's average pooling has it. The layer computes in float32.

    Args:
        size: Height and width of the window, odd.
        alpha: Scale of the energy, not negative.
        beta: Exponent.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input and output shape: `(batch, height, width, channels)`.

    Reference:
        Caffe, `src/caffe/layers/lrn_layer.cpp`, `WITHIN_CHANNEL`.
    """

    @reader.checked
    def __init__(
        self,
        size: Odd = 3,
        alpha: NonNegative = 5e-5,
        beta: float = 0.75,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.size, self.alpha, self.beta = size, alpha, beta

    def call(self, inputs: KerasTensor) -> KerasTensor:
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        around = self.size // 2
        padding = ((0, 0), (around, around), (around, around), (0, 0))
        squares = ops.pad(ops.square(x), padding)
        mean = ops.average_pool(squares, self.size, 1, "valid")
        return ops.cast(x * (1 + self.alpha * mean) ** -self.beta, inputs.dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = {"size": self.size, "alpha": self.alpha, "beta": self.beta}
        return {**super().get_config(), **own}
