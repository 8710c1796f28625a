"""The trainable subsampling of LeNet-5."""

from typing import Any

import keras
from keras import KerasTensor, initializers

from kerazoo import reader
from kerazoo.layers.fan_in_uniform import FanInUniform
from kerazoo.reader import Count, Pair


@keras.saving.register_keras_serializable(package="kerazoo")
class Subsampling2D(keras.layers.AveragePooling2D):
    """Sums each window and applies one gain and one bias per channel.

    `y = activation(gain * sum(window) + bias)`, over windows that do not overlap.
    It differs from average pooling by two trainable weights per channel.

    Args:
        pool_size: Height and width of the window, an integer or a pair. Rows and
            columns that do not fill a window are dropped.
        activation: Name or function, or `None` for none.
        gain_initializer: Initialiser of the gains; `None` is the paper's, uniform
            within 2.4 over the number of cells in a window.
        bias_initializer: Initialiser of the biases.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `(batch, height, width, channels)`.
    Output shape: `(batch, height // pool, width // pool, channels)`.

    Raises:
        ValueError: If `pool_size` is not one or two positive integers.

    Reference:
        LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document
        Recognition", Proc. IEEE 86(11), 1998, Sec. II-B (layers S2 and S4).
    """

    @reader.checked
    def __init__(
        self,
        pool_size: Count | Pair = 2,
        activation: Any = None,
        gain_initializer: Any = None,
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, data_format="channels_last", **kwargs)
        self.activation = keras.activations.get(activation)
        self.gain_initializer = initializers.get(gain_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    def build(self, input_shape: tuple) -> None:
        cells = self.pool_size[0] * self.pool_size[1]
        shape = (input_shape[-1],)
        self.gain = self.add_weight(
            shape=shape,
            initializer=self.gain_initializer or FanInUniform(fan_in=cells),
            name="gain",
        )
        self.bias = self.add_weight(
            shape=shape, initializer=self.bias_initializer, name="bias"
        )

    def call(self, inputs: KerasTensor) -> KerasTensor:
        cells = self.pool_size[0] * self.pool_size[1]
        total = super().call(inputs) * cells
        return self.activation(total * self.gain + self.bias)

    def multiply_adds(self, input_shape: tuple, output_shape: tuple) -> int:
        """Returns 0: by convention pooling has no multiply-adds.

        Args:
            input_shape: Shape of the input, batch axis first.
            output_shape: Shape of the output, batch axis first.
        """
        return 0

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["strides"], config["padding"], config["data_format"]
        return {
            **config,
            "activation": keras.activations.serialize(self.activation),
            "gain_initializer": initializers.serialize(self.gain_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }
