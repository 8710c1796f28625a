"""Inception-ResNet-v2: inception modules as residual branches, at the cost of v4.

Christian Szegedy, Sergey Ioffe, Vincent Vanhoucke, Alexander Alemi: Inception-v4,
Inception-ResNet and the Impact of Residual Connections on Learning. AAAI 2017, arXiv
1602.07261. Figures 7 and 15 to 20, Table 1; TF-slim's `inception_resnet_v2.py`.

Differs from the paper:
- `layout`: the default is the released code, with the stem of Inception v3, 10, 20 and
  10 modules (the last one without ReLU) and a last 1x1 convolution of 1536; `"paper"`
  has the stem of Inception v4 and 5, 10 and 5 modules.
- Figures 17 and 19 print 1154 and 2048 channels for the linear convolutions, which must
  be the trunk's: 1088 and 2080 as released, 1152 and 2144 by the paper's own widths.
- `residual_scale`: the paper's text says 0.1 to 0.3; 0.17, 0.10, 0.20 are the code's.
- `bn_scale`: gamma is on as in PyTorch's copies, off in TF-slim and keras.applications;
  the batch norms' other constants and the initialisation are TF-slim's.
"""

from collections.abc import Sequence
from typing import Literal

from keras import KerasTensor

from kerazoo.blocks import gap_head
from kerazoo.blocks.conv import Convolution
from kerazoo.blocks.inception import Conv, Pool, chain, inception
from kerazoo.blocks.inception_parts import (
    V3_STEM,
    inception_resnet,
    reduction_a,
    reduction_b,
    scaled_inception,
    slim_conv_bn,
    v4_stem,
)
from kerazoo.builder import Top, network
from kerazoo.registry import register

MODULE_C = [[Conv(192)], [Conv(192), Conv(224, (1, 3)), Conv(256, (3, 1))]]
# Figures 16, 7, 17, 18, 19.
TABLE = (
    [[Conv(32)], [Conv(32), Conv(32, 3)], [Conv(32), Conv(48, 3), Conv(64, 3)]],
    reduction_a(k=256, l=256, m=384, n=384),
    [[Conv(192)], [Conv(128), Conv(160, (1, 7)), Conv(192, (7, 1))]],
    reduction_b(288, 288, 320),
    MODULE_C,
)
# TF-slim's mixed_5b, from the 192 channels of the stem to 320.
MIXED_5B = [
    [Conv(96)],
    [Conv(48), Conv(64, 5)],
    [Conv(64), Conv(96, 3), Conv(96, 3)],
    [Pool("avg"), Conv(64)],
]


def released(x: KerasTensor, scales: Sequence[float], conv: Convolution) -> KerasTensor:
    """The body of TF-slim's code."""
    x = chain(x, V3_STEM, conv=conv, name="stem")
    x = inception(x, MIXED_5B, conv=conv, name="stem_5b")
    x = inception_resnet(x, TABLE, (10, 20, 9), scales, conv=conv)
    last = "inception_resnet_c10"
    x = scaled_inception(x, MODULE_C, 1.0, conv=conv, activation=None, name=last)
    return conv(x, 1536, 1, name="head_conv")


def paper(x: KerasTensor, scales: Sequence[float], conv: Convolution) -> KerasTensor:
    """The body of Figure 15."""
    return inception_resnet(v4_stem(x, conv), TABLE, (5, 10, 5), scales, conv=conv)


LAYOUTS = {"released": released, "paper": paper}


@register(
    year=2016,
    input_shape=(299, 299, 3),
    minimum=75,
    counts=(55_843_464, 55_904_008, 13_155_794_016),
    published={"top-1 / top-5 error": "19.9 / 4.9"},
    proof="outputs equal keras.applications.InceptionResNetV2 with the same weights",
)
@network
def inception_resnet_v2(
    inputs: KerasTensor,
    top: Top,
    *,
    layout: Literal["released", "paper"] = "released",
    bn_scale: bool = True,
    residual_scale: tuple[float, float, float] = (0.17, 0.10, 0.20),
) -> KerasTensor:
    """Inception-ResNet-v2, 2016: the cost of Inception v4.

    Args:
        layout: Whose body.
        bn_scale: Whether the batch norms have a gamma.
        residual_scale: The factors of the residual branches in modules A, B and C.
    """
    x = LAYOUTS[layout](inputs, residual_scale, slim_conv_bn(bn_scale))
    return top(x, gap_head, dropout=0.2)
