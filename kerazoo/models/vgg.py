"""VGG: depth made of nothing but 3x3 convolutions.

Karen Simonyan, Andrew Zisserman: Very Deep Convolutional Networks for Large-Scale Image
Recognition. ICLR 2015, arXiv 1409.1556. Section 2, Tables 1 to 3.

Differs from the paper:
- Initialised by Glorot and Bengio's rule, which the paper notes to work by itself. Its
  own way is N(0, 0.1) (it prints the variance, 0.01) for A and for what a deeper
  network does not take from A, as in the recipes `vgg_a` and `vgg_staged`.
- `vgg*_bn` are not in the paper: PyTorch's copies with a batch norm after every
  convolution, whose bias they keep; `conv_bias=False` drops it.
- The first fully connected layer takes the features by row, column, channel; Caffe's
  order is channel, row, column, which matters to converted weights alone.
- `pool_mode`: where a grid is odd, poolings round up as in the authors' Caffe;
  `"floor"` rounds down as the copies of PyTorch and Keras, and so do `vgg*_bn`. At 224
  and all multiples of 32 there is no difference.
"""

from functools import partial
from typing import Literal, NamedTuple

from keras import KerasTensor, layers

from kerazoo.blocks import conv, conv_bn, mlp_head
from kerazoo.blocks.conv import Convolution, Norm
from kerazoo.builder import Top, network
from kerazoo.layers import CeilMaxPooling2D, LocalResponseNormalization
from kerazoo.registry import register


class Conv(NamedTuple):
    """A convolution; its stage gives the width."""

    kernel_size: int


class LRN(NamedTuple):
    """Local response normalisation."""


# Table 1: the width of every stage, and what it is made of.
WIDTHS = (64, 128, 256, 512, 512)
C3, C1 = Conv(3), Conv(1)
TABLE_1: dict[str, tuple[list[Conv | LRN], ...]] = {
    "A": ([C3], [C3], [C3, C3], [C3, C3], [C3, C3]),
    "A-LRN": ([C3, LRN()], [C3], [C3, C3], [C3, C3], [C3, C3]),
    "B": ([C3, C3], [C3, C3], [C3, C3], [C3, C3], [C3, C3]),
    "C": ([C3, C3], [C3, C3], [C3, C3, C1], [C3, C3, C1], [C3, C3, C1]),
    "D": ([C3, C3], [C3, C3], [C3, C3, C3], [C3, C3, C3], [C3, C3, C3]),
    "E": ([C3, C3], [C3, C3], [C3, C3, C3, C3], [C3, C3, C3, C3], [C3, C3, C3, C3]),
}
VGG = {"year": 2014, "input_shape": (224, 224, 3)}
VGG_BN = {"year": 2014, "input_shape": (224, 224, 3), "minimum": 32}


def vgg(
    inputs: KerasTensor,
    top: Top,
    config: str,
    step: Convolution = conv,
    norm: Norm = LocalResponseNormalization,
    *,
    pool_mode: Literal["ceil", "floor"] = "ceil",
) -> KerasTensor:
    """Five stages of convolutions and a pooling, three fully connected layers.

    Args:
        pool_mode: Whether the poolings of an odd grid round up or down.
    """
    pool = CeilMaxPooling2D if pool_mode == "ceil" else layers.MaxPooling2D
    x = inputs
    for stage, (width, rows) in enumerate(zip(WIDTHS, TABLE_1[config], strict=True), 1):
        for number, row in enumerate(rows, 1):
            if isinstance(row, LRN):
                x = norm(name=f"stage{stage}_norm{number - 1}")(x)
            else:
                x = step(x, width, row.kernel_size, name=f"stage{stage}_conv{number}")
        x = pool(2, 2, name=f"stage{stage}_pool")(x)
    return top(x, mlp_head)


def vgg_lrn(
    inputs: KerasTensor,
    top: Top,
    config: str,
    *,
    lrn_alpha_mode: Literal["sum", "mean"] = "sum",
    pool_mode: Literal["ceil", "floor"] = "ceil",
) -> KerasTensor:
    """With local response normalisation, with the constants of AlexNet.

    Args:
        lrn_alpha_mode: Whether alpha weighs the sum or the mean of the squares.
        pool_mode: Whether the poolings of an odd grid round up or down.
    """
    norm = partial(LocalResponseNormalization, 5, 2, 1e-4, 0.75, lrn_alpha_mode)
    return vgg(inputs, top, config, norm=norm, pool_mode=pool_mode)


def vgg_bn(
    inputs: KerasTensor, top: Top, config: str, *, conv_bias: bool = True
) -> KerasTensor:
    """With a batch norm after every convolution.

    Args:
        conv_bias: Whether the convolutions keep their biases.
    """
    step = partial(conv_bn, use_bias=conv_bias)
    return vgg(inputs, top, config, step, pool_mode="floor")


@register(
    **VGG,
    depth=11,
    counts=(132_863_336, 132_863_336, 7_609_090_048),
    published={"parameters": "133 M", "top-1 / top-5 error": "29.6 / 10.4"},
)
@network(vgg, config="A")
def vgg11():
    """VGG A: 11 weight layers."""


@register(
    **VGG,
    counts=(132_863_336, 132_863_336, 7_609_090_048),
    published={"parameters": "133 M", "top-1 / top-5 error": "29.7 / 10.5"},
    differs=(
        '`lrn_alpha_mode`: `"sum"` is the formula of the AlexNet paper, to which this '
        'one refers; `"mean"` divides alpha by the window of 5, as Caffe does.',
    ),
)
@network(vgg_lrn, config="A-LRN")
def vgg11_lrn():
    """VGG A-LRN: A with local response normalisation after its first convolution."""


@register(
    **VGG,
    depth=13,
    counts=(133_047_848, 133_047_848, 11_308_466_176),
    published={"parameters": "133 M", "top-1 / top-5 error": "28.7 / 9.9"},
)
@network(vgg, config="B")
def vgg13():
    """VGG B: 13 weight layers."""


@register(
    **VGG,
    counts=(133_638_952, 133_638_952, 11_770_888_192),
    published={"parameters": "134 M", "top-1 / top-5 error": "27.3 / 8.8"},
)
@network(vgg, config="C")
def vgg16c():
    """VGG C: 16 weight layers, three of them 1x1 convolutions."""


@register(
    **VGG,
    depth=16,
    counts=(138_357_544, 138_357_544, 15_470_264_320),
    published={"parameters": "138 M", "top-1 / top-5 error": "25.6 / 8.1"},
    proof="outputs equal keras.applications with the same weights",
)
@network(vgg, config="D")
def vgg16():
    """VGG D: 16 weight layers, the network that is called VGG-16."""


@register(
    **VGG,
    depth=19,
    counts=(143_667_240, 143_667_240, 19_632_062_464),
    published={"parameters": "144 M", "top-1 / top-5 error": "25.5 / 8.0"},
    proof="outputs equal keras.applications with the same weights",
)
@network(vgg, config="E")
def vgg19():
    """VGG E: 19 weight layers."""


@register(**VGG_BN, depth=11, counts=(132_868_840, 132_874_344, 7_609_090_048))
@network(vgg_bn, config="A")
def vgg11_bn():
    """VGG A with batch norm."""


@register(**VGG_BN, depth=13, counts=(133_053_736, 133_059_624, 11_308_466_176))
@network(vgg_bn, config="B")
def vgg13_bn():
    """VGG B with batch norm."""


@register(**VGG_BN, depth=16, counts=(138_365_992, 138_374_440, 15_470_264_320))
@network(vgg_bn, config="D")
def vgg16_bn():
    """VGG D with batch norm."""


@register(**VGG_BN, depth=19, counts=(143_678_248, 143_689_256, 19_632_062_464))
@network(vgg_bn, config="E")
def vgg19_bn():
    """VGG E with batch norm."""
