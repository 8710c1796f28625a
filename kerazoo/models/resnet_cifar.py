"""ResNet for CIFAR-10: the same blocks, 20 to 1202 layers deep, on 32x32 pixels.

Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun: Deep Residual Learning for Image
Recognition. CVPR 2016, arXiv 1512.03385. Section 4.2, Table 6.

Differs from the paper:
- `shortcut`: `"A"` is the paper's (every second pixel, zeros for the new channels, no
  parameters); `"B"`, a projection, is what most copies of this network have.
- The zero channels all come after the others, as in Facebook's code; the paper does not
  say where they are.
"""

import dataclasses
from functools import partial

from keras import layers

from kerazoo.blocks import HE, conv_bn, gap_head
from kerazoo.blocks.residual import basic, projection, residual, stages
from kerazoo.builder import network
from kerazoo.errors import unknown
from kerazoo.layers import PadChannels
from kerazoo.registry import register

GAUSSIAN = {"kernel_initializer": HE}
CIFAR = {"year": 2015, "input_shape": (32, 32, 3), "classes": 10}


def subsample(x, filters, strides, *, name):
    """Every second pixel, padded with channels of zeros (section 3.3, option A)."""
    if strides > 1:
        x = layers.MaxPooling2D(1, strides, name=f"{name}_subsample")(x)
    return PadChannels(filters, name=f"{name}_pad0")(x)


SHORTCUTS = {"A": subsample, "B": partial(projection, **GAUSSIAN)}


def body(inputs, top, depth, shortcut):
    """One convolution, three stages of 2n convolutions each, global average pooling."""
    if not isinstance(depth, int) or depth < 8 or depth % 6 != 2:
        raise ValueError(f"depth is {depth!r}; it must be 6n + 2: 8, 14, 20, 26, ...")
    if shortcut not in SHORTCUTS:
        raise unknown("shortcut", shortcut, SHORTCUTS)

    def block(x, stage, strides, *, name):
        f = partial(basic, filters=16 * 2 ** (stage - 1), **GAUSSIAN)
        return residual(x, f, strides, shortcut=SHORTCUTS[shortcut], name=name)

    x = conv_bn(inputs, 16, 3, name="stem_conv1", **GAUSSIAN)
    x = stages(x, block, 3 * (depth // 6,), strides=(1, 2, 2))
    return top(x, gap_head, **GAUSSIAN)


@register(
    **CIFAR,
    trainable=269_722,
    total=271_098,
    macs=40_551_040,
    published={"parameters": "0.27 M", "error": "8.75"},
)
@network
def resnet20_cifar(inputs, top, *, shortcut="A"):
    """ResNet-20 for CIFAR-10.

    Args:
        shortcut: ``"A"`` or ``"B"``.
    """
    return body(inputs, top, 20, shortcut)


@register(
    **CIFAR,
    trainable=464_154,
    total=466_426,
    macs=68_862_592,
    published={"parameters": "0.46 M", "error": "7.51"},
)
@network
def resnet32_cifar(inputs, top, *, shortcut="A"):
    """ResNet-32 for CIFAR-10.

    Args:
        shortcut: ``"A"`` or ``"B"``.
    """
    return body(inputs, top, 32, shortcut)


@register(
    **CIFAR,
    trainable=658_586,
    total=661_754,
    macs=97_174_144,
    published={"parameters": "0.66 M", "error": "7.17"},
)
@network
def resnet44_cifar(inputs, top, *, shortcut="A"):
    """ResNet-44 for CIFAR-10.

    Args:
        shortcut: ``"A"`` or ``"B"``.
    """
    return body(inputs, top, 44, shortcut)


@register(
    **CIFAR,
    trainable=853_018,
    total=857_082,
    macs=125_485_696,
    published={"parameters": "0.85 M", "error": "6.97"},
)
@network
def resnet56_cifar(inputs, top, *, shortcut="A"):
    """ResNet-56 for CIFAR-10.

    Args:
        shortcut: ``"A"`` or ``"B"``.
    """
    return body(inputs, top, 56, shortcut)


@register(
    **CIFAR,
    trainable=1_727_962,
    total=1_736_058,
    macs=252_887_680,
    published={"parameters": "1.7 M", "error": "6.43"},
)
@network
def resnet110_cifar(inputs, top, *, shortcut="A"):
    """ResNet-110 for CIFAR-10.

    Args:
        shortcut: ``"A"`` or ``"B"``.
    """
    return body(inputs, top, 110, shortcut)


@register(
    **CIFAR,
    trainable=19_421_274,
    total=19_510_906,
    macs=2_829_238_912,
    published={"parameters": "19.4 M", "error": "7.93"},
)
@network
def resnet1202_cifar(inputs, top, *, shortcut="A"):
    """ResNet-1202 for CIFAR-10.

    Args:
        shortcut: ``"A"`` or ``"B"``.
    """
    return body(inputs, top, 1202, shortcut)


@network
def resnet_cifar(inputs, top, *, depth=20, shortcut="A"):
    """ResNet for CIFAR-10 of any depth 6n + 2.

    Args:
        depth: The number of weight layers.
        shortcut: ``"A"`` or ``"B"``.
    """
    return body(inputs, top, depth, shortcut)


# Not in the list of networks: a formula, whose default is the first of them.
resnet_cifar.card = dataclasses.replace(resnet20_cifar.card, name="resnet_cifar")
