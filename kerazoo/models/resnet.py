"""ResNet: every block learns what to add to its input, and depth stops hurting.

Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun: Deep Residual Learning for Image
Recognition. CVPR 2016, arXiv 1512.03385. Section 3.3, Table 1, Figures 3 and 5.

Differs from the paper:
- `stride_in`: `"1x1"` is the paper's bottleneck, as in the authors' models; `"3x3"` is
  the "v1.5" of Facebook's and PyTorch's code, with the same parameters.
- `conv_bias`: the authors' ResNet-50 keeps a bias in its first convolution, their 101
  and 152 have none; Keras' own ResNets have one in every convolution.
- The first pooling pads one pixel on every side, as Facebook's and PyTorch's code; the
  authors' Caffe models pad below and on the right alone. Same shapes.
- `resnet200` is of the second paper (Identity Mappings in Deep Residual Networks, ECCV
  2016, arXiv 1603.05027, section 5 and Table 5), which tests it on 320x320 pixels.
- The shortcuts of all depths are option B: a projection where the shape changes.
"""

from functools import partial
from typing import Literal

from keras import KerasTensor, layers

from kerazoo.blocks import HE, conv_bn, gap_head
from kerazoo.blocks.residual import (
    Branch,
    basic,
    bottleneck,
    projection,
    residual,
    stages,
)
from kerazoo.builder import Top, network
from kerazoo.registry import register

# Table 1: blocks per stage (conv2_x to conv5_x).
TABLE_1 = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 24, 36, 3),  # He et al. 2016, section 5
}
GAUSSIAN = {"kernel_initializer": HE}  # Section 3.4
RESNET = {"year": 2015, "input_shape": (224, 224, 3)}
PARITY = "outputs equal keras.applications with its convolution biases folded"


def stem_and_stages(
    inputs: KerasTensor, top: Top, depth: int, f: Branch, conv_bias: bool
) -> KerasTensor:
    """A strided stem, four stages of residual blocks, global average pooling."""
    options = {"use_bias": conv_bias, **GAUSSIAN}

    def block(x, stage, strides, *, name):
        branch = partial(f, filters=64 * 2 ** (stage - 1), **options)
        shortcut = partial(projection, **options)
        return residual(x, branch, strides, shortcut=shortcut, name=name)

    x = conv_bn(inputs, 64, 7, 2, padding=3, name="stem_conv1", **options)
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    x = layers.MaxPooling2D(3, 2, name="stem_pool")(x)
    x = stages(x, block, TABLE_1[depth], strides=(1, 2, 2, 2))
    return top(x, gap_head, **GAUSSIAN)


def resnet(
    inputs: KerasTensor, top: Top, depth: int, *, conv_bias: bool = False
) -> KerasTensor:
    """ResNet of basic blocks.

    Args:
        conv_bias: Whether convolutions keep a bias before their batch norm.
    """
    return stem_and_stages(inputs, top, depth, basic, conv_bias)


def deep_resnet(
    inputs: KerasTensor,
    top: Top,
    depth: int,
    *,
    stride_in: Literal["1x1", "3x3"] = "1x1",
    conv_bias: bool = False,
) -> KerasTensor:
    """ResNet of bottlenecks.

    Args:
        stride_in: Which convolution of a bottleneck strides.
        conv_bias: Whether convolutions keep a bias before their batch norm.
    """
    f = partial(bottleneck, stride_in=stride_in)
    return stem_and_stages(inputs, top, depth, f, conv_bias)


@register(
    **RESNET,
    counts=(11_689_512, 11_699_112, 1_814_073_344),
    published={"multiply-adds": "1.8 G", "top-1 error": "27.88"},
)
@network(resnet, depth=18)
def resnet18():
    """ResNet-18, basic blocks."""


@register(
    **RESNET,
    counts=(21_797_672, 21_814_696, 3_663_761_408),
    published={"multiply-adds": "3.6 G", "top-1 / top-5 error": "24.52 / 7.46"},
)
@network(resnet, depth=34)
def resnet34():
    """ResNet-34, basic blocks."""


@register(
    **RESNET,
    counts=(25_557_032, 25_610_152, 3_857_973_248),
    published={"multiply-adds": "3.8 G", "top-1 / top-5 error": "22.85 / 6.71"},
    proof=PARITY,
)
@network(deep_resnet, depth=50)
def resnet50():
    """ResNet-50, bottlenecks."""


@register(
    **RESNET,
    counts=(44_549_160, 44_654_504, 7_570_194_432),
    published={"multiply-adds": "7.6 G", "top-1 / top-5 error": "21.75 / 6.05"},
)
@network(deep_resnet, depth=101)
def resnet101():
    """ResNet-101, bottlenecks."""


@register(
    **RESNET,
    counts=(60_192_808, 60_344_232, 11_282_415_616),
    published={"multiply-adds": "11.3 G", "top-1 / top-5 error": "21.43 / 5.71"},
)
@network(deep_resnet, depth=152)
def resnet152():
    """ResNet-152, bottlenecks."""


@register(
    year=2016,
    input_shape=(224, 224, 3),
    counts=(64_673_832, 64_849_832, 14_776_270_848),
    published={"top-1 / top-5 error": "21.8 / 6.0"},
)
@network(deep_resnet, depth=200)
def resnet200():
    """ResNet-200, bottlenecks in their original order."""
