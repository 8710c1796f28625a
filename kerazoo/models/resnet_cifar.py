"""ResNet for CIFAR-10: the same blocks, 20 to 1202 layers deep, on 32x32 pixels.

Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun: Deep Residual Learning for Image
Recognition. CVPR 2016, arXiv 1512.03385. Section 4.2, Table 6.

Differs from the paper:
- `shortcut`: `"A"` is the paper's (every second pixel, zeros for the new channels, no
  parameters); `"B"`, a projection, is what most copies of this network have.
- `resnet164_cifar` and `resnet1001_cifar` are the bottlenecks that the second paper
  (Identity Mappings in Deep Residual Networks, ECCV 2016, arXiv 1603.05027, Tables 3
  and 4) compares with its own; a projection with a batch norm stands where the shape
  changes, and the first 1x1 strides. The 10.2 M parameters printed for 1001 layers are
  those of the convolutions alone.
- `zeros`: the zero channels all come after the others, as in Facebook's code; the paper
  does not say where they are. `"centre"` puts half of them before, as other copies do.
"""

import dataclasses
from functools import partial
from typing import Literal

from keras import KerasTensor, layers

from kerazoo.blocks import HE, conv_bn, gap_head
from kerazoo.blocks.residual import (
    Branch,
    Shortcut,
    basic,
    bottleneck,
    projection,
    residual,
    stages,
)
from kerazoo.builder import Top, network
from kerazoo.layers import PadChannels
from kerazoo.reader import Count
from kerazoo.registry import register

GAUSSIAN = {"kernel_initializer": HE}
PROJECTION = partial(projection, **GAUSSIAN)
CIFAR = {"year": 2015, "input_shape": (32, 32, 3), "classes": 10}


def subsample(
    x: KerasTensor, filters: int, strides: int, *, zeros: str, name: str
) -> KerasTensor:
    """Every second pixel, padded with channels of zeros (section 3.3, option A)."""
    if strides > 1:
        x = layers.MaxPooling2D(1, strides, name=f"{name}_subsample")(x)
    return PadChannels(filters, zeros, name=f"{name}_pad0")(x)


def three_stages(
    inputs: KerasTensor, top: Top, count: int, f: Branch, shortcut: Shortcut
) -> KerasTensor:
    """One convolution, three stages of residual blocks, global average pooling."""

    def block(x, stage, strides, *, name):
        branch = partial(f, filters=16 * 2 ** (stage - 1), **GAUSSIAN)
        return residual(x, branch, strides, shortcut=shortcut, name=name)

    x = conv_bn(inputs, 16, 3, name="stem_conv1", **GAUSSIAN)
    x = stages(x, block, 3 * (count,), strides=(1, 2, 2))
    return top(x, gap_head, **GAUSSIAN)


def cifar(
    inputs: KerasTensor,
    top: Top,
    depth: int,
    *,
    shortcut: Literal["A", "B"] = "A",
    zeros: Literal["end", "centre"] = "end",
) -> KerasTensor:
    """Three stages of 2n convolutions each.

    Args:
        shortcut: The paper's option: zeros for new channels, or a projection.
        zeros: Whether option A's zeros stand behind the channels or around them.
    """
    if depth < 8 or depth % 6 != 2:
        raise ValueError(f"depth is {depth}; it must be 6n + 2: 8, 14, 20, 26, ...")
    shortcuts = {"A": partial(subsample, zeros=zeros), "B": PROJECTION}
    return three_stages(inputs, top, depth // 6, basic, shortcuts[shortcut])


def deep_cifar(
    inputs: KerasTensor,
    top: Top,
    depth: int,
    *,
    stride_in: Literal["1x1", "3x3"] = "1x1",
) -> KerasTensor:
    """Three stages of n bottlenecks each.

    Args:
        stride_in: Which convolution of a bottleneck strides.
    """
    f = partial(bottleneck, stride_in=stride_in)
    return three_stages(inputs, top, depth // 9, f, PROJECTION)


@register(
    **CIFAR,
    counts=(269_722, 271_098, 40_551_040),
    published={"parameters": "0.27 M", "CIFAR-10 error": "8.75"},
)
@network(cifar, depth=20)
def resnet20_cifar():
    """ResNet-20 for CIFAR-10."""


@register(
    **CIFAR,
    counts=(464_154, 466_426, 68_862_592),
    published={"parameters": "0.46 M", "CIFAR-10 error": "7.51"},
)
@network(cifar, depth=32)
def resnet32_cifar():
    """ResNet-32 for CIFAR-10."""


@register(
    **CIFAR,
    counts=(658_586, 661_754, 97_174_144),
    published={"parameters": "0.66 M", "CIFAR-10 error": "7.17"},
)
@network(cifar, depth=44)
def resnet44_cifar():
    """ResNet-44 for CIFAR-10."""


@register(
    **CIFAR,
    counts=(853_018, 857_082, 125_485_696),
    published={"parameters": "0.85 M", "CIFAR-10 error": "6.97"},
)
@network(cifar, depth=56)
def resnet56_cifar():
    """ResNet-56 for CIFAR-10."""


@register(
    **CIFAR,
    counts=(1_727_962, 1_736_058, 252_887_680),
    published={"parameters": "1.7 M", "CIFAR-10 error": "6.43 best, 6.61 mean"},
)
@network(cifar, depth=110)
def resnet110_cifar():
    """ResNet-110 for CIFAR-10."""


@register(
    **CIFAR,
    counts=(19_421_274, 19_510_906, 2_829_238_912),
    published={"parameters": "19.4 M", "CIFAR-10 error": "7.93"},
)
@network(cifar, depth=1202)
def resnet1202_cifar():
    """ResNet-1202 for CIFAR-10."""


@register(
    year=2016,
    input_shape=(32, 32, 3),
    classes=10,
    counts=(1_704_154, 1_729_274, 244_500_992),
    published={
        "parameters": "1.7 M",
        "CIFAR-10 error": "5.93",
        "CIFAR-100 error": "25.16",
    },
)
@network(deep_cifar, depth=164)
def resnet164_cifar():
    """ResNet-164 for CIFAR-10, bottlenecks in their original order."""


@register(
    year=2016,
    input_shape=(32, 32, 3),
    classes=10,
    counts=(10_328_602, 10_478_714, 1_487_849_984),
    published={
        "parameters": "10.2 M",
        "CIFAR-10 error": "7.61",
        "CIFAR-100 error": "27.82",
    },
)
@network(deep_cifar, depth=1001)
def resnet1001_cifar():
    """ResNet-1001 for CIFAR-10, bottlenecks in their original order."""


@network
def resnet_cifar(
    inputs: KerasTensor,
    top: Top,
    *,
    depth: Count = 20,
    shortcut: Literal["A", "B"] = "A",
    zeros: Literal["end", "centre"] = "end",
) -> KerasTensor:
    """ResNet for CIFAR-10 of any depth 6n + 2.

    Args:
        depth: The number of weight layers.
        shortcut: The paper's option: zeros for new channels, or a projection.
        zeros: Whether option A's zeros stand behind the channels or around them.
    """
    return cifar(inputs, top, depth, shortcut=shortcut, zeros=zeros)


# Not in the list of networks: a formula, whose default is the first of them.
resnet_cifar.card = dataclasses.replace(resnet20_cifar.card, name="resnet_cifar")
