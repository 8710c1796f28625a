"""ENet: segmentation of street scenes in real time, with a third of a million weights.

Adam Paszke, Abhishek Chaurasia, Sangpil Kim, Eugenio Culurciello: ENet: A Deep Neural
Network Architecture for Real-Time Semantic Segmentation. arXiv 1606.02147, 2016.
Section 3, Figure 2, Table 1.

Differs from the paper:
- The paper factorises an asymmetric convolution into 5x1 and 1x5; its Torch code,
  which is built, has the 1x5 first.
- The paper says that no convolution has a bias; the code keeps
  one in the initial, the middle and the last convolutions, begins its PReLUs at 0.25,
  and has ReLUs in the decoder.
- The skip of an upsampling bottleneck is projected before it is unpooled: the indices
  are those of the encoder, whose maps have the output's channels.
- The paper gives 0.37 M parameters (0.364 M trained, 0.373 M with moving statistics
  here) and 3.83 GFLOPs at 640x360, which 2 x 1.72 G multiply-adds fall 10 % short of.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from keras import KerasTensor, layers

from kerazoo.blocks import activate, conv, conv_bn, gap_head, initializer
from kerazoo.blocks.conv import Activation, batch_norm
from kerazoo.builder import Top, network
from kerazoo.layers import MaxPoolingWithIndices2D, MaxUnpooling2D, PadChannels
from kerazoo.layers.fast_paths import FusedPReLU, FusedSpatialDropout2D
from kerazoo.reader import Rate
from kerazoo.registry import register

BN = {"epsilon": 1e-3, "momentum": 0.9}
PRELU = partial(
    FusedPReLU,
    alpha_initializer=initializer("Constant", value=0.25),
    shared_axes=(1, 2),
)
CITYSCAPES = {"year": 2016, "input_shape": (512, 1024, 3), "classes": 19, "minimum": 8}


middle = partial(conv_bn, activation=PRELU, use_bias=True, **BN)


def dilated(
    x: KerasTensor, filters: int, *, dilation: int = 1, name: str
) -> KerasTensor:
    """A 3x3 convolution, dilated or not."""
    return middle(x, filters, 3, dilation_rate=dilation, name=f"{name}_conv2")


def asymmetric(x: KerasTensor, filters: int, *, name: str) -> KerasTensor:
    """A 1x5 and a 5x1 convolution, in the order of the authors' code."""
    name = f"{name}_conv2"
    x = conv(x, filters, (1, 5), activation=None, use_bias=False, name=f"{name}a")
    return middle(x, filters, (5, 1), name=name)


# Table 1, stages 2 and 3: the middle of each bottleneck.
STAGES_2_AND_3 = (
    dilated, partial(dilated, dilation=2), asymmetric, partial(dilated, dilation=4),
    dilated, partial(dilated, dilation=8), asymmetric, partial(dilated, dilation=16),
)  # fmt: skip


def bottleneck(
    x: KerasTensor,
    filters: int,
    inner: Callable[..., KerasTensor] = dilated,
    *,
    down: bool = False,
    dropout: float,
    name: str,
) -> Any:
    """``prelu(x + f(x))``; with ``down`` the skip is pooled and padded with zeros.

    Returns:
        The output, and with ``down`` also the indices of the pooled maxima.
    """
    step = partial(conv_bn, **BN)
    size = 2 if down else 1
    y = step(
        x, filters // 4, size, size,
        padding="valid", activation=PRELU, name=f"{name}_conv1",
    )  # fmt: skip
    y = inner(y, filters // 4, name=name)
    y = step(y, filters, 1, activation=None, name=f"{name}_conv3")
    y = FusedSpatialDropout2D(dropout, name=f"{name}_drop")(y)
    indices = None
    if down:
        x, indices = MaxPoolingWithIndices2D(2, name=f"{name}_pool")(x)
        x = PadChannels(filters, name=f"{name}_pad")(x)
    x = layers.Add(name=f"{name}_add")([x, y])
    x = activate(x, PRELU, f"{name}_out")
    return (x, indices) if down else x


def upsampling(
    x: KerasTensor, filters: int, indices: KerasTensor | None = None, *, name: str
) -> KerasTensor:
    """``relu(x + f(x))`` of the decoder; with ``indices`` both double their size."""
    step = partial(conv_bn, **BN)
    y = step(x, filters // 4, 1, name=f"{name}_conv1")
    if indices is None:
        y = step(y, filters // 4, 3, use_bias=True, name=f"{name}_conv2")
    else:
        # Torch pads a pixel at the top and left and adds one at the bottom and right.
        y = layers.Conv2DTranspose(filters // 4, 3, 2, name=f"{name}_conv2")(y)
        y = layers.Cropping2D(((1, 0), (1, 0)), name=f"{name}_crop2")(y)
        y = batch_norm(y, **BN, name=f"{name}_bn2")
        x = step(x, filters, 1, activation=None, name=f"{name}_conv0")
        x = MaxUnpooling2D(2, name=f"{name}_unpool")(x, indices)
    y = step(y, filters, 1, activation=None, name=f"{name}_conv3")
    x = layers.Add(name=f"{name}_add")([x, y])
    return layers.Activation("relu", name=f"{name}_out")(x)


def encode(
    inputs: KerasTensor, dropout: tuple[float, float]
) -> tuple[KerasTensor, KerasTensor, KerasTensor]:
    """The initial block and stages 1 to 3: features at 1/8, indices of two poolings."""
    for side in inputs.shape[1:3]:
        if side is not None and side % 8:
            raise ValueError(
                f"The image is {inputs.shape[1]}x{inputs.shape[2]}; ENet halves it "
                "three times, so that height and width must be multiples of 8."
            )
    left = conv(inputs, 13, 3, 2, padding=1, activation=None, name="initial_conv1")
    right = layers.MaxPooling2D(2, name="initial_pool")(inputs)
    x = layers.Concatenate(name="initial_concat")([left, right])
    x = batch_norm(x, PRELU, **BN, name="initial_bn1")
    early, late = dropout
    block = partial(bottleneck, dropout=early)
    x, first = block(x, 64, down=True, name="stage1_block0")
    for number in range(1, 5):
        x = block(x, 64, name=f"stage1_block{number}")
    block = partial(bottleneck, dropout=late)
    x, second = block(x, 128, down=True, name="stage2_block0")
    for stage in (2, 3):
        for number, inner in enumerate(STAGES_2_AND_3, 1):
            x = block(x, 128, inner, name=f"stage{stage}_block{number}")
    return x, first, second


def pixel_head(
    x: KerasTensor, classes: int, activation: Activation, *, transposed: bool
) -> KerasTensor:
    """Class scores of every position, by a 2x2 transposed or a 1x1 convolution."""
    if transposed:
        x = layers.Conv2DTranspose(classes, 2, 2, name="fullconv")(x)
    else:
        x = conv(x, classes, 1, activation=None, name="head_conv")
    return layers.Activation(activation, dtype="float32", name="predictions")(x)


@register(
    **CITYSCAPES,
    task="segmentation",
    counts=(364_311, 372_663, 3_922_067_456),
    published={
        "parameters": "0.37 M",
        "GFLOPs at 640x360": "3.83",
        "Cityscapes class IoU": "58.3",
    },
    proof="unpooling against NumPy",
)
@network
def enet(
    inputs: KerasTensor, top: Top, *, dropout: tuple[Rate, Rate] = (0.01, 0.1)
) -> KerasTensor:
    """ENet: a class for every pixel.

    Args:
        dropout: The share of maps dropped in stage 1, and in stages 2 and 3.
    """
    x, first, second = encode(inputs, dropout)
    x = upsampling(x, 64, second, name="stage4_block0")
    x = upsampling(x, 64, name="stage4_block1")
    x = upsampling(x, 64, name="stage4_block2")
    x = upsampling(x, 16, first, name="stage5_block0")
    x = upsampling(x, 16, name="stage5_block1")
    return top(x, pixel_head, transposed=True)


@register(
    **CITYSCAPES,
    counts=(340_607, 348_127, 3_250_456_960),
    differs=(
        "The authors train the encoder by a class for each of its positions, as "
        "`enet_encoder_per_pixel`; here it is one class for the image, by global "
        "average pooling and a dense layer of as many weights.",
    ),
)
@network
def enet_encoder(
    inputs: KerasTensor, top: Top, *, dropout: tuple[Rate, Rate] = (0.01, 0.1)
) -> KerasTensor:
    """ENet's encoder as a classifier.

    Args:
        dropout: The share of maps dropped in stage 1, and in stages 2 and 3.
    """
    x, _, _ = encode(inputs, dropout)
    return top(x, gap_head)


@register(**CITYSCAPES, task="segmentation", counts=(340_607, 348_127, 3_270_377_472))
@network
def enet_encoder_per_pixel(
    inputs: KerasTensor, top: Top, *, dropout: tuple[Rate, Rate] = (0.01, 0.1)
) -> KerasTensor:
    """ENet's encoder with a class for each position: the paper's first training.

    A position is an eighth of the image's height and width.

    Args:
        dropout: The share of maps dropped in stage 1, and in stages 2 and 3.
    """
    x, _, _ = encode(inputs, dropout)
    return top(x, pixel_head, transposed=False)
