"""SPP-net: pooling over a pyramid of bins makes a vector of a map of any size.

Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun: Spatial Pyramid Pooling in Deep
Convolutional Networks for Visual Recognition. ECCV 2014, arXiv 1406.4729. Sections 2
and 3, the network ZF-5; paddings and constants from the authors' Caffe definition.

Differs from the paper:
- The bins of a level span from floor(i * side / n) to ceil((i + 1) * side / n), as the
  authors' code has it for regions, so that there are always n. The paper's windows of
  ceil(side / n) in steps of floor(side / n) are the same at 224 pixels, whose map has
  13 cells; at 180 pixels, with 10, level 6 would have nine bins.
- The normalisation is within each channel, as in the authors' definition; the paper
  refers to AlexNet's.
"""

from typing import Any

from keras import KerasTensor

from kerazoo.blocks import conv, initializer, mlp_head
from kerazoo.builder import Top, network
from kerazoo.layers import (
    CeilMaxPooling2D,
    SpatialPyramidPooling2D,
    WithinChannelLRN,
)
from kerazoo.reader import Count
from kerazoo.registry import register

GAUSSIAN = {"kernel_initializer": initializer("RandomNormal", stddev=0.01)}
# Biases of 1 in conv2, conv4, conv5 and the fully connected layers.
ONES = GAUSSIAN | {"bias_initializer": "ones"}


def zf5_body(inputs: KerasTensor) -> KerasTensor:
    """ZFNet's five convolutions, without padding before conv2: a map of about 1/16."""

    def norm_and_pool(x, number):
        x = WithinChannelLRN(3, 5e-5, 0.75, name=f"norm{number}")(x)
        return CeilMaxPooling2D(3, 2, name=f"pool{number}")(x)

    x = conv(inputs, 96, 7, 2, padding=1, name="conv1", **GAUSSIAN)
    x = norm_and_pool(x, 1)
    x = conv(x, 256, 5, 2, padding="valid", name="conv2", **ONES)
    x = norm_and_pool(x, 2)
    x = conv(x, 384, 3, name="conv3", **GAUSSIAN)
    x = conv(x, 384, 3, name="conv4", **ONES)
    return conv(x, 256, 3, name="conv5", **ONES)


def pyramid_head(
    x: KerasTensor,
    classes: int,
    activation: Any,
    *,
    levels: tuple[int, ...],
    **options: Any,
) -> KerasTensor:
    """The pyramid and three fully connected layers."""
    x = SpatialPyramidPooling2D(levels, name="pyramid")(x)
    return mlp_head(x, classes, activation, **options)


@register(
    year=2014,
    input_shape=(224, 224, 3),
    minimum=31,
    counts=(77_037_672, 77_037_672, 1_182_712_960),
    published={
        "top-1 / top-5 error": "34.98 / 14.14",
        "top-1 / top-5 error, trained at 224 and 180": "34.60 / 13.64",
    },
    proof="the pyramid against NumPy",
)
@network
def sppnet(
    inputs: KerasTensor, top: Top, *, levels: tuple[Count, ...] = (6, 3, 2, 1)
) -> KerasTensor:
    """SPP-net on ZF-5: the same weights take images of any size.

    Args:
        levels: Rows (and columns) of each grid of the pyramid.
    """
    return top(zf5_body(inputs), pyramid_head, levels=levels, **ONES)
