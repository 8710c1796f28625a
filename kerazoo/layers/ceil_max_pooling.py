"""Max pooling that rounds its output size up."""

from typing import Any

import keras
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.reader import Count, Pair
from kerazoo.windows import windows


@keras.saving.register_keras_serializable(package="kerazoo")
class CeilMaxPooling2D(keras.layers.MaxPooling2D):
    """Max pooling of `ceil((size - pool_size) / strides) + 1` outputs, as in Caffe.

    A last window that sticks out on the right or at the bottom is filled up with
    minus infinity there and nowhere else. This is neither `"valid"`, which drops
    that window, nor `"same"`, which on odd sizes pads the left and the top too
    (3x3 with stride 2 makes 27 of 55 here, 28 with `"same"`).

    Attributes:
        is_flush: Whether no window sticks out at any of its places in a graph, so that
            `"valid"` pooling is the same.

    Args:
        pool_size: Height and width of the window, an integer or a pair.
        strides: Steps between windows, an integer or a pair; not larger than
            `pool_size`, or else the last window could miss the image.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `(batch, height, width, channels)`; height and width may be unknown.
    Output shape: `(batch, pooled_height, pooled_width, channels)`.

    Raises:
        ValueError: If a stride is larger than the window, or if the image is too
            small for a single window.

    Reference:
        Caffe, `src/caffe/layers/pooling_layer.cpp`; assumed by the published
        definitions of ZFNet, Network in Network and GoogLeNet.
    """

    @reader.checked
    def __init__(
        self,
        pool_size: Count | Pair = 3,
        strides: Count | Pair | None = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, data_format="channels_last", **kwargs)
        if any(s > p for s, p in zip(self.strides, self.pool_size, strict=True)):
            raise ValueError(
                f"strides must not exceed pool_size, but strides={self.strides} and "
                f"pool_size={self.pool_size} were given."
            )
        self.is_flush = True

    def build(self, input_shape: tuple) -> None:
        self.compute_output_shape(input_shape)

    def _overhang(self, inputs):
        """The rows and columns that the last windows stick out."""
        return [
            # One window less one cell is enough for any size, exact when it is known.
            stride - 1 if size is None else (window - size) % stride
            for size, window, stride in zip(
                inputs.shape[1:3], self.pool_size, self.strides, strict=True
            )
        ]

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        # Keras asks at every place of the layer in a graph.
        self.is_flush = self.is_flush and not any(self._overhang(inputs))
        return super().compute_output_spec(inputs)

    def call(self, inputs: KerasTensor) -> KerasTensor:
        height, width = self._overhang(inputs)
        if height or width:
            padding = ((0, 0), (0, height), (0, width), (0, 0))
            inputs = ops.pad(inputs, padding, constant_values=float("-inf"))
        return super().call(inputs)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, *image, channels = input_shape
        grid = tuple(
            None if size is None else windows(size, window, stride, rounding="ceil")
            for size, window, stride in zip(
                image, self.pool_size, self.strides, strict=True
            )
        )
        if any(size is not None and size < 1 for size in grid):
            raise ValueError(
                f"An image of {image[0]}x{image[1]} is too small for a pooling window "
                f"of {self.pool_size} with strides {self.strides}: give a larger image."
            )
        return (batch, *grid, channels)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["padding"], config["data_format"]
        return config
