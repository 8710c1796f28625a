"""Pre-activation ResNet: with batch norm and ReLU first, the shortcut is a clear path.

Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun: Identity Mappings in Deep Residual
Networks. ECCV 2016, arXiv 1603.05027. Figure 1, sections 4 and 5, Tables 3 to 5.

Differs from the paper:
- `preresnet*_cifar`, as in the authors' code: a unit that changes the shape (the very
  first one too) projects what leaves its first batch norm and ReLU, with no batch norm
  of its own, and its first 1x1 strides; `stride_in="3x3"` is another common reading.
- `preresnet50` to `preresnet200`: the authors released no code for ImageNet. The layout
  is Facebook's: the first unit has no pre-activation of its own, and the 3x3 strides;
  `stride_in="1x1"` is the rule of the first ResNet paper.
- `first_unit="pre_activation"`: pytorchcv's copies normalise a second time there.
- `stem="pool_first"`: timm's copies pool the first convolution, then normalise it.
- The 10.2 M parameters printed for 1001 layers are those of the convolutions alone.
"""

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Literal

from keras import KerasTensor, layers

from kerazoo.blocks import HE, batch_norm, conv, conv_bn, gap_head
from kerazoo.blocks.residual import (
    Before,
    pre_activation,
    pre_bottleneck,
    residual,
    stages,
)
from kerazoo.builder import Top, network
from kerazoo.layers import PaddedMaxPooling2D
from kerazoo.reader import Count
from kerazoo.registry import register

# Units per stage; 200 is of section 5, the others are those of the first ResNet paper.
COUNTS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3), 200: (3, 24, 36, 3)}
GAUSSIAN = {"kernel_initializer": HE}
IMAGENET = {"year": 2016, "input_shape": (224, 224, 3)}
CIFAR = {"year": 2016, "input_shape": (32, 32, 3), "classes": 10}


def plain_projection(
    x: KerasTensor, filters: int, strides: int, *, name: str
) -> KerasTensor:
    """``conv1x1(x)``: nothing stands on the path of a shortcut (section 4.1)."""
    options = {"activation": None, "use_bias": False, **GAUSSIAN}
    return conv(x, filters, 1, strides, name=f"{name}_conv0", **options)


def units(
    x: KerasTensor,
    width: int,
    counts: Sequence[int],
    strides: Sequence[int],
    stride_in: str,
    before_first: Before | None,
) -> KerasTensor:
    """Stages of pre-activated bottlenecks, and the batch norm and ReLU behind them."""

    def unit(x, stage, strides, *, name):
        filters = width * 2 ** (stage - 1)
        return residual(
            x,
            partial(pre_bottleneck, filters=filters, stride_in=stride_in, **GAUSSIAN),
            strides,
            shortcut=plain_projection,
            before=before_first if name == "stage1_block1" else pre_activation,
            activation=None,
            name=name,
        )

    x = stages(x, unit, counts, strides=strides)
    return batch_norm(x, name="head_bn")


def preresnet(
    inputs: KerasTensor,
    top: Top,
    depth: int,
    *,
    stride_in: Literal["3x3", "1x1"] = "3x3",
    first_unit: Literal["plain", "pre_activation"] = "plain",
    stem: Literal["norm_first", "pool_first"] = "norm_first",
) -> KerasTensor:
    """The stem of ResNet and four stages.

    Args:
        stride_in: Which convolution of a unit strides.
        first_unit: Whether the first unit too has a batch norm and ReLU of its own.
        stem: Whether the first convolution is normalised before it is pooled.
    """
    options = {"padding": 3, "name": "stem_conv1", **GAUSSIAN}
    if stem == "norm_first":
        x = conv_bn(inputs, 64, 7, 2, **options)
        x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
        x = layers.MaxPooling2D(3, 2, name="stem_pool")(x)
    else:
        x = conv(inputs, 64, 7, 2, activation=None, use_bias=False, **options)
        x = PaddedMaxPooling2D(3, 2, name="stem_pool")(x)
        x = batch_norm(x, name="stem_bn1")
    before_first = pre_activation if first_unit == "pre_activation" else None
    x = units(x, 64, COUNTS[depth], (1, 2, 2, 2), stride_in, before_first)
    return top(x, gap_head, **GAUSSIAN)


def cifar(
    inputs: KerasTensor,
    top: Top,
    depth: int,
    *,
    stride_in: Literal["1x1", "3x3"] = "1x1",
) -> KerasTensor:
    """One convolution and three stages.

    Args:
        stride_in: Which convolution of a unit strides.
    """
    if depth < 11 or depth % 9 != 2:
        raise ValueError(f"depth is {depth}; it must be 9n + 2: 11, 20, 29, 38, ...")
    x = conv(
        inputs, 16, 3, activation=None, use_bias=False, name="stem_conv1", **GAUSSIAN
    )  # fmt: skip
    counts = 3 * (depth // 9,)
    x = units(x, 16, counts, (1, 2, 2), stride_in, before_first=pre_activation)
    return top(x, gap_head, **GAUSSIAN)


@register(**IMAGENET, counts=(25_549_352, 25_594_792, 4_089_184_256))
@network(preresnet, depth=50)
def preresnet50():
    """Pre-activation ResNet-50."""


@register(**IMAGENET, counts=(44_541_480, 44_639_144, 7_801_405_440))
@network(preresnet, depth=101)
def preresnet101():
    """Pre-activation ResNet-101."""


@register(
    **IMAGENET,
    counts=(60_185_128, 60_328_872, 11_513_626_624),
    published={"top-1 / top-5 error": "21.1 / 5.5"},
)
@network(preresnet, depth=152)
def preresnet152():
    """Pre-activation ResNet-152."""


@register(
    **IMAGENET,
    counts=(64_666_152, 64_834_472, 15_007_481_856),
    published={"top-1 / top-5 error": "20.7 / 5.3"},
)
@network(preresnet, depth=200)
def preresnet200():
    """Pre-activation ResNet-200."""


@register(
    **CIFAR,
    counts=(1_703_258, 1_727_482, 244_500_992),
    published={
        "parameters": "1.7 M",
        "CIFAR-10 error": "5.46",
        "CIFAR-100 error": "24.33",
    },
)
@network(cifar, depth=164)
def preresnet164_cifar():
    """Pre-activation ResNet-164 for CIFAR-10."""


@register(
    **CIFAR,
    counts=(10_327_706, 10_476_922, 1_487_849_984),
    published={
        "parameters": "10.2 M",
        "CIFAR-10 error": "4.92, batches of 64 4.62",
        "CIFAR-100 error": "22.71",
    },
)
@network(cifar, depth=1001)
def preresnet1001_cifar():
    """Pre-activation ResNet-1001 for CIFAR-10."""


@network
def preresnet_cifar(
    inputs: KerasTensor,
    top: Top,
    *,
    depth: Count = 164,
    stride_in: Literal["1x1", "3x3"] = "1x1",
) -> KerasTensor:
    """Pre-activation ResNet for CIFAR-10 of any depth 9n + 2.

    Args:
        depth: The number of weight layers.
        stride_in: Which convolution of a unit strides.
    """
    return cifar(inputs, top, depth, stride_in=stride_in)


# Not in the list of networks: a formula, whose default is the first of them.
preresnet_cifar.card = dataclasses.replace(
    preresnet164_cifar.card, name="preresnet_cifar"
)
