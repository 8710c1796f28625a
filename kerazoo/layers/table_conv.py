"""Convolution with a connection table."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import KerasTensor, initializers, ops

from kerazoo import reader
from kerazoo.layers.fan_in_uniform import FanInUniform
from kerazoo.reader import Count, Pair, Whole

# Table I of the paper: the maps of S2 that each of the 16 maps of C3 sees.
LENET5_C3_TABLE = (
    (0, 1, 2),
    (1, 2, 3),
    (2, 3, 4),
    (3, 4, 5),
    (0, 4, 5),
    (0, 1, 5),
    (0, 1, 2, 3),
    (1, 2, 3, 4),
    (2, 3, 4, 5),
    (0, 3, 4, 5),
    (0, 1, 4, 5),
    (0, 1, 2, 5),
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)


@keras.saving.register_keras_serializable(package="kerazoo")
class TableConv2D(keras.layers.Layer):
    """Convolution in which each output map sees the input maps that a table names.

    Windows move by one and stay inside the image (`strides=1`, `padding="valid"`).
    Only the kernels of existing links are weights, `(height, width, links)` in the
    order of the table; an absent link has no variable, no gradient and no count.

    Args:
        table: For each output map the indices of the input maps that it sees.
        kernel_size: Height and width of the window, an integer or a pair.
        activation: Name or function, or `None` for none.
        kernel_initializer: Initialiser of the linked kernels; `None` is the paper's,
            uniform within 2.4 over the number of inputs of each map. Another one
            sees the fan-in of a single link.
        bias_initializer: Initialiser of the biases.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `(batch, height, width, channels)`.
    Output shape: `(batch, height - kernel + 1, width - kernel + 1, len(table))`.

    Raises:
        ValueError: If a row of the table is empty or names a map twice, or if it
            names a map that the input does not have.

    Reference:
        LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document
        Recognition", Proc. IEEE 86(11), 1998, Sec. II-B (layer C3 and Table I).
    """

    @reader.checked
    def __init__(
        self,
        table: Sequence[Sequence[Whole]] = LENET5_C3_TABLE,
        kernel_size: Count | Pair = 5,
        activation: Any = None,
        kernel_initializer: Any = None,
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.table = tuple(map(tuple, table))
        if not self.table:
            raise ValueError("table is empty; give a row for every output map.")
        for row in self.table:
            if not row or len(set(row)) < len(row):
                raise ValueError(
                    f"Each row of the table must name at least one input map, each "
                    f"once and counted from 0, but a row is {row}."
                )
        pair = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
        self.kernel_size = tuple(pair)
        self.strides = (1, 1)
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    @property
    def links(self) -> int:
        """Number of pairs of an input map and an output map that are connected."""
        return sum(len(row) for row in self.table)

    def build(self, input_shape: tuple) -> None:
        channels = input_shape[-1]
        if max(map(max, self.table)) >= channels:
            raise ValueError(
                f"The table names input map {max(map(max, self.table))}, but the input "
                f"has {channels} maps counted from 0: give a table that fits."
            )
        fan_in = [
            len(row) * self.kernel_size[0] * self.kernel_size[1]
            for row in self.table
            for _ in row
        ]
        self.kernel = self.add_weight(
            shape=(*self.kernel_size, self.links),
            initializer=self.kernel_initializer or FanInUniform(fan_in=fan_in),
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=(len(self.table),), initializer=self.bias_initializer, name="bias"
        )
        # An absent link points one past the last kernel, where call puts zeros.
        self._link = [[self.links] * len(self.table) for _ in range(channels)]
        pairs = ((i, j) for j, row in enumerate(self.table) for i in row)
        for link, (i, j) in enumerate(pairs):
            self._link[i][j] = link

    def call(self, inputs: KerasTensor) -> KerasTensor:
        padded = ops.pad(self.kernel, ((0, 0), (0, 0), (0, 1)))
        dense = ops.take(padded, ops.convert_to_tensor(self._link, "int32"), axis=-1)
        outputs = ops.conv(inputs, dense, padding="valid", data_format="channels_last")
        return self.activation(outputs + self.bias)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, *image, _ = input_shape
        grid = (
            size and size - window + 1
            for size, window in zip(image, self.kernel_size, strict=True)
        )
        return (batch, *grid, len(self.table))

    def multiply_adds(self, input_shape: tuple, output_shape: tuple) -> int:
        """Returns the multiply-adds of the existing links for one image.

        Args:
            input_shape: Shape of the input, batch axis first.
            output_shape: Shape of the output, batch axis first, its grid known.
        """
        _, height, width, _ = output_shape
        return height * width * self.links * self.kernel_size[0] * self.kernel_size[1]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "table": self.table,
            "kernel_size": self.kernel_size,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }
