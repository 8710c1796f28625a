"""Regions of an image, each warped to an image of its own."""

from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.reader import Count, NonNegative


@keras.saving.register_keras_serializable(package="kerazoo")
class RegionCrops(keras.layers.Layer):
    """Cuts every region out of its image and warps it to a square.

    A region is enlarged about its centre so that `context` pixels of the square lie
    around it on every side, and rounded to whole pixels. What is outside the image is
    0, the mean of images from which it was subtracted. Each axis is resized by itself,
    bilinearly and without antialiasing.

    Args:
        size: Height and width of the squares.
        context: Pixels of the square around the region.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        images: `(batch, height, width, channels)` of known size.
        regions: `(batch, n, 4)`: x1, y1, x2, y2 in pixels, half-open.

    Output shape: `(batch * n, size, size, channels)`: for what follows, every crop is
    an image. `PerImage` undoes it.

    Reference:
        Girshick et al., "Rich feature hierarchies for accurate object detection and
        semantic segmentation", CVPR 2014, arXiv 1311.2524, Appendix A.
    """

    @reader.checked
    def __init__(
        self, size: Count = 227, context: NonNegative = 16, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if 2 * context >= size:
            raise ValueError(
                f"context is {context:g}, which leaves nothing of a square of {size} "
                "pixels; give less than half of that."
            )
        self.size, self.context = size, context

    def build(self, images_shape: tuple, regions_shape: tuple) -> None:
        # How many times as many examples the layers behind it see.
        self.batch_factor = regions_shape[1]

    def call(self, images: KerasTensor, regions: KerasTensor) -> KerasTensor:
        height, width, channels = images.shape[1:]
        regions = ops.stop_gradient(ops.cast(regions, "float32"))
        x1, y1, x2, y2 = ops.unstack(regions, axis=-1)
        rows = ops.cast(self._weights(y1, y2, height), images.dtype)
        columns = ops.cast(self._weights(x1, x2, width), images.dtype)
        x = ops.einsum("brph,bhwc->brpwc", rows, images)
        x = ops.einsum("brqw,brpwc->brpqc", columns, x)
        return ops.reshape(x, (-1, self.size, self.size, channels))

    def _weights(self, start, end, side):
        """What each pixel of an axis adds to each of the crop's: ``(..., size, side)``.

        No more than two do.
        """
        grown = self.size / (self.size - 2 * self.context)
        middle, half = (start + end) / 2, (end - start) / 2 * grown
        first = ops.floor(middle - half + 0.5)
        length = ops.maximum(ops.floor(middle + half + 0.5) - first, 1)
        steps = (np.arange(self.size, dtype="float32") + 0.5) / self.size
        places = first[..., None] + length[..., None] * steps - 0.5
        inside = (places >= -0.5) & (places <= side - 0.5)
        near = ops.clip(places, 0, side - 1)[..., None]
        weights = ops.relu(1 - ops.abs(near - np.arange(side, dtype="float32")))
        return ops.where(inside[..., None], weights, 0.0)

    def compute_output_spec(
        self, images: KerasTensor, regions: KerasTensor
    ) -> KerasTensor:
        shape = (None, self.size, self.size, images.shape[-1])
        return KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "context": self.context}


@keras.saving.register_keras_serializable(package="kerazoo")
class PerImage(keras.layers.Layer):
    """Gathers what belongs to the regions of one image: the inverse of `RegionCrops`.

    Args:
        regions: How many of an image.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `(batch * regions, ...)`. Output shape: `(batch, regions, ...)`.
    """

    @reader.checked
    def __init__(self, regions: Count, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.regions = regions
        self.batch_factor = 1 / regions

    def call(self, inputs: KerasTensor) -> KerasTensor:
        return ops.reshape(inputs, (-1, self.regions, *inputs.shape[1:]))

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        return KerasTensor((None, self.regions, *inputs.shape[1:]), inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "regions": self.regions}
