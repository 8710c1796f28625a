"""Bodies that several families stand on: from images to a map of features."""

from typing import Any, Literal

from keras import KerasTensor, layers

from kerazoo.blocks.conv import conv, conv_bn, initializer
from kerazoo.layers import (
    CeilMaxPooling2D,
    LocalResponseNormalization,
    WithinChannelLRN,
)

GAUSSIAN: dict[str, Any] = {
    "kernel_initializer": initializer("RandomNormal", stddev=0.01)
}
ONES = GAUSSIAN | {"bias_initializer": "ones"}


def norm_and_pool(
    x: KerasTensor,
    number: int,
    order: Literal["norm_pool", "pool_norm"],
    *,
    k: float,
    alpha_mode: Literal["sum", "mean"],
) -> KerasTensor:
    """AlexNet's normalisation over five maps and its pooling of 3x3 by 2.

    Args:
        x: A tensor ``(batch, height, width, channels)``.
        number: In the names of the two layers.
        order: ``"norm_pool"``, or ``"pool_norm"`` for the pooling first.
        k: What the normalisation adds to the weighed squares.
        alpha_mode: Whether alpha weighs the ``"sum"`` or the ``"mean"`` of the squares.
    """
    norm = LocalResponseNormalization(
        n=5, k=k, alpha=1e-4, beta=0.75, alpha_mode=alpha_mode, name=f"norm{number}"
    )
    pool = CeilMaxPooling2D(3, 2, name=f"pool{number}")
    return pool(norm(x)) if order == "norm_pool" else norm(pool(x))


def vgg16_body(x: KerasTensor) -> KerasTensor:
    """VGG D's thirteen convolutions without its last pooling: a map of 1/16.

    Simonyan and Zisserman 2014, Table 1; layers are called as in ``vgg16``, and
    poolings round up as in Caffe.
    """
    stages = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
    for stage, (width, depth) in enumerate(stages, 1):
        if stage > 1:
            x = CeilMaxPooling2D(2, 2, name=f"stage{stage - 1}_pool")(x)
        for number in range(1, depth + 1):
            x = conv(x, width, 3, name=f"stage{stage}_conv{number}")
    return x


def zf_body(x: KerasTensor) -> KerasTensor:
    """ZFNet's five convolutions with the paddings of Faster R-CNN: a map of 1/16."""

    def norm_and_pool(x, number):
        x = WithinChannelLRN(3, 5e-5, 0.75, name=f"norm{number}")(x)
        return padded_pool(x, number)

    x = conv(x, 96, 7, 2, padding=3, name="conv1", **GAUSSIAN)
    x = norm_and_pool(x, 1)
    x = conv(x, 256, 5, 2, padding=2, name="conv2", **GAUSSIAN)
    x = norm_and_pool(x, 2)
    for number, filters in enumerate((384, 384, 256), 3):
        x = conv(x, filters, 3, name=f"conv{number}", **GAUSSIAN)
    return x


def padded_pool(x: KerasTensor, number: int) -> KerasTensor:
    """A pooling of 3x3 by 2 with a row of padding, as Caffe computes it."""
    # Zeros do as well as minus infinity behind a ReLU.
    x = layers.ZeroPadding2D(1, name=f"pool_pad{number}")(x)
    return CeilMaxPooling2D(3, 2, name=f"pool{number}")(x)


def caffenet_body(x: KerasTensor, *, padded: bool = False) -> KerasTensor:
    """AlexNet's five convolutions as Caffe has them, in two towers: a map of 1/16.

    Poolings come before the normalisations, whose sum begins at 1.

    Args:
        x: The images.
        padded: Whether conv1 and the poolings are padded, as in Fast R-CNN.
    """

    def pool_and_norm(x, number):
        pool = CeilMaxPooling2D(3, 2, name=f"pool{number}")
        x = padded_pool(x, number) if padded else pool(x)
        norm = LocalResponseNormalization(
            n=5, k=1, alpha=1e-4, beta=0.75, alpha_mode="mean", name=f"norm{number}"
        )
        return norm(x)

    padding = 5 if padded else "valid"
    x = conv(x, 96, 11, 4, padding=padding, name="conv1", **GAUSSIAN)
    x = pool_and_norm(x, 1)
    x = conv(x, 256, 5, groups=2, name="conv2", **ONES)
    x = pool_and_norm(x, 2)
    x = conv(x, 384, 3, name="conv3", **GAUSSIAN)
    x = conv(x, 384, 3, groups=2, name="conv4", **ONES)
    return conv(x, 256, 3, groups=2, name="conv5", **ONES)


def small_body(x: KerasTensor) -> KerasTensor:
    """Five convolutions with batch norm, kerazoo's own: a map of 1/8."""
    x = conv_bn(x, 24, 3, 2, padding=1, name="conv1")
    x = conv_bn(x, 48, 3, 2, padding=1, name="conv2")
    x = conv_bn(x, 96, 3, 2, padding=1, name="conv3")
    x = conv_bn(x, 96, 3, name="conv4")
    return conv_bn(x, 96, 3, name="conv5")
