"""The initial weights of LeNet-5."""

import math
from typing import Annotated, Any

import keras
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.reader import Count, Positive, Rule, Whole

Inputs = Annotated[list[Count], Rule("a list of whole numbers from 1", bool)]


@keras.saving.register_keras_serializable(package="kerazoo")
class FanInUniform(keras.initializers.Initializer):
    """Draws uniformly between `-scale / fan_in` and `scale / fan_in`.

    Unlike the initialisers of Keras it divides by the number of inputs of a unit
    itself, not by its square root.

    Args:
        scale: Half the width of the interval for a unit with one input, positive.
        fan_in: Number of inputs of a unit, or a list with one number for each entry
            of the last axis. `None` takes the product of all axes but the last,
            which fits the kernels of dense and convolution layers.
        seed: Integer, `keras.random.SeedGenerator` or `None` for a random draw.

    Raises:
        ValueError: If `scale` is not positive.

    Reference:
        LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document
        Recognition", Proc. IEEE 86(11), 1998, appendix A (scale 2.4).
    """

    @reader.checked
    def __init__(
        self,
        scale: Positive = 2.4,
        fan_in: Count | Inputs | None = None,
        seed: Whole | None = None,
    ) -> None:
        self.scale = scale
        self.fan_in = fan_in
        self.seed = seed
        self._uniform = keras.initializers.RandomUniform(-1.0, 1.0, seed=seed)

    def __call__(self, shape: tuple, dtype: str | None = None) -> KerasTensor:
        fan_in = math.prod(shape[:-1]) if self.fan_in is None else self.fan_in
        draw = self._uniform(shape, dtype=dtype)
        return draw * self.scale / ops.cast(fan_in, draw.dtype)

    def get_config(self) -> dict[str, Any]:
        return {"scale": self.scale, "fan_in": self.fan_in, "seed": self.seed}
