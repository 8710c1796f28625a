"""Inception-ResNet-v1: inception modules as residual branches, at the cost of v3.

Christian Szegedy, Sergey Ioffe, Vincent Vanhoucke, Alexander Alemi: Inception-v4,
Inception-ResNet and the Impact of Residual Connections on Learning. AAAI 2017, arXiv
1602.07261. Figures 7 and 10 to 15, Table 1.

Differs from the paper:
- `variant`: `"facenet"` adds what David Sandberg's FaceNet has and the paper has not: a
  last module without ReLU and an embedding of 512 with batch norm.
- `residual_scale`: the paper's text says 0.1 to 0.3; 0.17, 0.10 and 0.20 are FaceNet's
  and the released Inception-ResNet-v2's.
- `bn_scale`: gamma is on as in PyTorch's copies, off in TF-slim's constants, which are
  those of the batch norms and the initialisation otherwise.
"""

from typing import Literal

from keras import KerasTensor, layers

from kerazoo.blocks import batch_norm, dense_head, gap_head
from kerazoo.blocks.conv import Activation
from kerazoo.blocks.inception import Conv, chain
from kerazoo.blocks.inception_parts import (
    V3_STEM,
    inception_resnet,
    reduction_a,
    reduction_b,
    scaled_inception,
    slim_conv_bn,
)
from kerazoo.builder import Top, network
from kerazoo.registry import register

STEM = [*V3_STEM[:-1], Conv(256, 3, 2)]  # Figure 14
MODULE_C = [[Conv(192)], [Conv(192), Conv(192, (1, 3)), Conv(192, (3, 1))]]
# Figures 10, 7, 11, 12, 13.
TABLE = (
    [[Conv(32)], [Conv(32), Conv(32, 3)], [Conv(32), Conv(32, 3), Conv(32, 3)]],
    reduction_a(k=192, l=192, m=256, n=384),
    [[Conv(128)], [Conv(128), Conv(128, (1, 7)), Conv(128, (7, 1))]],
    reduction_b(256, 256, 256),
    MODULE_C,
)


def facenet_head(
    x: KerasTensor, classes: int, activation: Activation, *, scale: bool
) -> KerasTensor:
    """The embedding and the classes; the embedding is what FaceNet compares."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dropout(0.2, name="head_dropout")(x)
    x = layers.Dense(512, use_bias=False, name="embedding")(x)
    x = batch_norm(
        x, None, epsilon=1e-3, momentum=0.9997, scale=scale, name="embedding_bn"
    )
    return dense_head(x, classes, activation)


@register(
    year=2016,
    input_shape=(299, 299, 3),
    minimum=75,
    counts=(22_756_328, 22_783_368, 6_206_361_696),
    published={"top-1 / top-5 error": "21.3 / 5.5"},
    proof="the body that it shares with v2 equals keras.applications'",
)
@network
def inception_resnet_v1(
    inputs: KerasTensor,
    top: Top,
    *,
    variant: Literal["paper", "facenet"] = "paper",
    bn_scale: bool = True,
    residual_scale: tuple[float, float, float] = (0.17, 0.10, 0.20),
) -> KerasTensor:
    """Inception-ResNet-v1, 2016: the cost of Inception v3.

    Args:
        variant: Whose network.
        bn_scale: Whether the batch norms have a gamma.
        residual_scale: The factors of the residual branches in modules A, B and C.
    """
    conv = slim_conv_bn(bn_scale)
    x = chain(inputs, STEM, conv=conv, name="stem")
    x = inception_resnet(x, TABLE, (5, 10, 5), residual_scale, conv=conv)
    if variant == "paper":
        return top(x, gap_head, dropout=0.2)
    last = "inception_resnet_c6"
    x = scaled_inception(x, MODULE_C, 1.0, conv=conv, activation=None, name=last)
    return top(x, facenet_head, scale=bn_scale)
