"""Zero channels for shortcuts without weights."""

from typing import Any, Literal

import keras
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.reader import Count


@keras.saving.register_keras_serializable(package="kerazoo")
class PadChannels(keras.layers.Layer):
    """Adds channels of zeros until there are `filters` of them.

    Args:
        filters: Number of output channels, not below that of the input.
        position: `"end"` adds all zeros after the input; `"centre"` puts the input
            in the middle, with the odd one at the end.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `(..., channels)`.
    Output shape: `(..., filters)`.

    Raises:
        ValueError: If `position` is unknown or if the input has more channels than
            `filters`.

    Reference:
        He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR
        2016, arXiv 1512.03385, Sec. 3.3 (option A).
    """

    @reader.checked
    def __init__(
        self,
        filters: Count,
        position: Literal["end", "centre"] = "end",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.position = position

    def build(self, input_shape: tuple) -> None:
        if input_shape[-1] is None or input_shape[-1] > self.filters:
            raise ValueError(
                f"PadChannels cannot pad the input shape {tuple(input_shape)} to "
                f"filters={self.filters}: give at least as many filters as channels."
            )

    def call(self, inputs: KerasTensor) -> KerasTensor:
        missing = self.filters - inputs.shape[-1]
        before = missing // 2 if self.position == "centre" else 0
        padding = [(0, 0)] * (len(inputs.shape) - 1) + [(before, missing - before)]
        return ops.pad(inputs, padding)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "position": self.position,
        }
