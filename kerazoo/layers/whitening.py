"""Global contrast normalisation and ZCA whitening, as for Maxout and its successors."""

from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.reader import NonNegative, Positive


@keras.saving.register_keras_serializable("kerazoo")
class GlobalContrastNormalization(keras.layers.Layer):
    """Takes the mean off each image and brings it to one length.

    y = scale * (x - mean) / max(norm, floor), norm = ||x - mean||, over all values of
    an image. Coates, Lee and Ng, AISTATS 2011, Sec. 3.1; constants of the CIFAR-10 data
    of Goodfellow et al., "Maxout Networks", ICML 2013 (pylearn2).

    Args:
        scale: Length of each image afterwards.
        floor: Smallest length that is divided by, so that a flat image becomes zeros.
    """

    @reader.checked
    def __init__(
        self, scale: Positive = 55.0, floor: Positive = 1e-8, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.floor = floor

    def call(self, inputs: KerasTensor) -> KerasTensor:
        x = ops.cast(inputs, self.compute_dtype)
        x = x - ops.mean(x, axis=(1, 2, 3), keepdims=True)
        norm = ops.sqrt(ops.sum(ops.square(x), axis=(1, 2, 3), keepdims=True))
        return x * self.scale / ops.maximum(norm, self.floor)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"scale": self.scale, "floor": self.floor}


@keras.saving.register_keras_serializable("kerazoo")
class ZCAWhitening(keras.layers.Layer):
    """Decorrelates the values of images and keeps them as near as possible to pixels.

    y = W (x - mean), W = U (S + bias)^(-1/2) U^T for the covariance U S U^T of the
    training images. Krizhevsky, "Learning Multiple Layers of Features from Tiny
    Images", 2009, App. A; bias as in pylearn2. `adapt` fits it; the matrix of 32x32x3
    images takes 36 MiB.

    Args:
        bias: Added to the variances, which keeps noise from being blown up.
    """

    @reader.checked
    def __init__(self, bias: NonNegative = 0.1, **kwargs: Any) -> None:
        # Rounding in half precision would undo the whitening of weak directions.
        super().__init__(**{"dtype": "float32"} | kwargs)
        self.bias = bias

    def build(self, input_shape: tuple) -> None:
        size = int(np.prod(input_shape[1:]))
        self.mean = self.add_weight(
            shape=(size,), initializer="zeros", trainable=False, name="mean"
        )
        self.matrix = self.add_weight(
            shape=(size, size), initializer="identity", trainable=False, name="matrix"
        )

    def adapt(self, images: np.ndarray) -> None:
        """Fits mean and matrix to an array (n, height, width, channels).

        Raises:
            ValueError: If there are not more images than values in an image.
        """
        rows = np.reshape(images, (len(images), -1)).astype("float64")
        if len(rows) <= rows.shape[1]:
            raise ValueError(
                f"ZCA whitening of {rows.shape[1]} values cannot be fitted to "
                f"{len(rows)} images; give more than {rows.shape[1]}"
            )
        if not self.built:
            self.build(np.shape(images))
        mean = rows.mean(0)
        rows -= mean
        variances, directions = np.linalg.eigh(rows.T @ rows / len(rows))
        matrix = (directions / np.sqrt(variances + self.bias)) @ directions.T
        self.mean.assign(mean)
        self.matrix.assign(matrix)

    def call(self, inputs: KerasTensor) -> KerasTensor:
        rows = ops.reshape(inputs, (-1, self.mean.shape[0]))
        rows = ops.matmul(rows - self.mean, self.matrix)
        return ops.reshape(rows, (-1, *inputs.shape[1:]))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"bias": self.bias}
