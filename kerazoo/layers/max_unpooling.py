"""Max pooling that remembers where, and its inverse."""

from typing import Any

import keras
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.reader import Count, Pair


@keras.saving.register_keras_serializable(package="kerazoo")
class MaxPoolingWithIndices2D(keras.layers.MaxPooling2D):
    """Max pooling that also returns which cell of each window was the largest.

    Windows do not overlap. The index counts the cells of a window row by row from 0;
    of equal cells the first wins, so that unpooling never doubles a value.

    Args:
        pool_size: Height and width of the window, an integer or a pair. Rows and
            columns that do not fill a window are dropped.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `(batch, height, width, channels)`; height and width may be unknown.
    Output shape: a pair, the maxima and their int32 indices, each of shape
        `(batch, height // pool, width // pool, channels)`.

    Raises:
        ValueError: If `pool_size` is not one or two positive integers.

    Reference:
        Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", ECCV
        2014, arXiv 1311.2901, Sec. 2.1; Paszke et al., "ENet", arXiv 1606.02147.
    """

    @reader.checked
    def __init__(self, pool_size: Count | Pair = 2, **kwargs: Any) -> None:
        super().__init__(pool_size, data_format="channels_last", **kwargs)

    def call(self, inputs: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
        rows, columns = self.pool_size
        _, height, width, channels = ops.shape(inputs)
        height, width = height // rows, width // columns
        x = inputs[:, : height * rows, : width * columns]
        # Cells that lie side by side in memory are compared, five times as fast as
        # every second pixel of every second row.
        x = ops.reshape(x, (-1, height, rows, width, columns * channels))
        best, row = x[:, :, 0], ops.zeros_like(x[:, :, 0], dtype="int32")
        for index in range(1, rows):
            cell = x[:, :, index]
            row = ops.where(cell > best, index, row)
            best = ops.maximum(best, cell)
        values, found = ops.split(best, columns, -1), ops.split(row, columns, -1)
        best, row, column = values[0], found[0], ops.zeros_like(found[0])
        for index in range(1, columns):
            value, its_row = values[index], found[index]
            wins = (value > best) | ((value == best) & (its_row < row))
            row, column = ops.where(wins, its_row, row), ops.where(wins, index, column)
            best = ops.maximum(best, value)
        indices = row * columns + column
        return super().call(inputs), indices

    def compute_output_shape(self, input_shape: tuple) -> tuple[tuple, tuple]:
        shape = super().compute_output_shape(input_shape)
        return shape, shape

    def compute_output_spec(
        self, inputs: KerasTensor
    ) -> tuple[KerasTensor, KerasTensor]:
        shape, _ = self.compute_output_shape(inputs.shape)
        return (
            keras.KerasTensor(shape, self.compute_dtype),
            keras.KerasTensor(shape, "int32"),
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["strides"], config["padding"], config["data_format"]
        return config


@keras.saving.register_keras_serializable(package="kerazoo")
class MaxUnpooling2D(keras.layers.Layer):
    """Puts each value where the maximum of its window was, and zeros elsewhere.

    Call it as `MaxUnpooling2D()(x, indices)` with the indices that
    `MaxPoolingWithIndices2D` of the same `pool_size` returned.

    Args:
        pool_size: Height and width of the window, an integer or a pair.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: values and indices, each `(batch, height, width, channels)`.
    Output shape: `(batch, height * pool, width * pool, channels)`.

    Raises:
        ValueError: If values and indices differ in shape.

    Reference:
        Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", ECCV
        2014, arXiv 1311.2901, Sec. 2.1; Paszke et al., "ENet", arXiv 1606.02147.
    """

    @reader.checked
    def __init__(self, pool_size: Count | Pair = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair = (pool_size, pool_size) if isinstance(pool_size, int) else pool_size
        self.pool_size = (pair[0], pair[1])

    @property
    def upsampling(self) -> tuple[int, int]:
        """By how much height and width grow; no window slides."""
        return self.pool_size

    def call(self, inputs: KerasTensor, indices: KerasTensor) -> KerasTensor:
        if inputs.shape[1:] != indices.shape[1:]:
            raise ValueError(
                f"Values and indices must have the same shape, but {inputs.shape} and "
                f"{indices.shape} were given: project the values before unpooling."
            )
        rows, columns = self.pool_size
        _, height, width, channels = ops.shape(inputs)
        cells = ops.arange(rows * columns, dtype="int32")[:, None]
        here = ops.equal(indices[:, :, :, None], cells)
        x = ops.where(here, inputs[:, :, :, None], ops.zeros((), inputs.dtype))
        x = ops.reshape(x, (-1, height, width, rows, columns, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (-1, height * rows, width * columns, channels))

    def compute_output_shape(self, inputs_shape: tuple, indices_shape: tuple) -> tuple:
        batch, height, width, channels = inputs_shape
        rows, columns = self.pool_size
        return (batch, height and height * rows, width and width * columns, channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pool_size": self.pool_size}
