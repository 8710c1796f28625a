"""Maxout units."""

import functools
from typing import Any

import keras
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.reader import Count


@keras.saving.register_keras_serializable(package="kerazoo")
class Maxout(keras.layers.Layer):
    """Takes the largest of `pieces` values for each unit of the last axis.

    It follows a convolution or dense layer of `units * pieces` outputs without
    activation. Piece `p` is the contiguous run of channels `p * units` to
    `(p + 1) * units`, so that unit `u` is the maximum over the channels `u`,
    `u + units`, `u + 2 * units` and so on.

    Args:
        pieces: Number of values that compete for a unit.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `(..., units * pieces)`.
    Output shape: `(..., units)`.

    Raises:
        ValueError: If `pieces` is not a positive integer or does not divide the
            number of channels.

    Reference:
        Goodfellow, Warde-Farley, Mirza, Courville, Bengio, "Maxout Networks",
        ICML 2013, arXiv 1302.4389, Sec. 2.
    """

    @reader.checked
    def __init__(self, pieces: Count = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pieces = pieces

    def build(self, input_shape: tuple) -> None:
        if input_shape[-1] is None or input_shape[-1] % self.pieces:
            raise ValueError(
                f"Maxout needs channels that are a multiple of pieces={self.pieces}, "
                f"but the input shape is {tuple(input_shape)}."
            )

    def call(self, inputs: KerasTensor) -> KerasTensor:
        return functools.reduce(ops.maximum, ops.split(inputs, self.pieces, axis=-1))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], input_shape[-1] // self.pieces)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pieces": self.pieces}
