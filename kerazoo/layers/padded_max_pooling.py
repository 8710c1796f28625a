"""Max pooling with pixels of minus infinity on every side."""

from typing import Any

import keras
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.reader import Count, Pair, Whole


@keras.saving.register_keras_serializable(package="kerazoo")
class PaddedMaxPooling2D(keras.layers.MaxPooling2D):
    """Max pooling of `floor((size + 2 padding - pool_size) / strides) + 1` outputs.

    As PyTorch's: `padding` pixels of minus infinity stand on every side, and a last
    window that would stick out is dropped. On an even grid `"same"` pads the right and
    the bottom alone: the same shape, other values.

    Args:
        pool_size: Height and width of the window, an integer or a pair.
        strides: Steps between windows, an integer or a pair; None for the window's.
        padding: Pixels on every side, at most half of the window.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `(batch, height, width, channels)`; height and width may be unknown.
    Output shape: `(batch, pooled_height, pooled_width, channels)`.

    Raises:
        ValueError: If some window would see nothing but padding.

    Reference:
        PyTorch, `torch.nn.MaxPool2d`; assumed by its copies of Xception and of
        pre-activation ResNets.
    """

    @reader.checked
    def __init__(
        self,
        pool_size: Count | Pair = 3,
        strides: Count | Pair | None = 2,
        padding: Whole = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, data_format="channels_last", **kwargs)
        if 2 * padding > min(self.pool_size):
            raise ValueError(
                f"padding={padding} exceeds half of pool_size={self.pool_size}; give "
                "less of it."
            )
        self.border = padding

    def call(self, inputs: KerasTensor) -> KerasTensor:
        sides = (self.border, self.border)
        padding = ((0, 0), sides, sides, (0, 0))
        return super().call(ops.pad(inputs, padding, constant_values=float("-inf")))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, *image, channels = input_shape
        wider = [None if side is None else side + 2 * self.border for side in image]
        return super().compute_output_shape((batch, *wider, channels))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["data_format"]
        return config | {"padding": self.border}
