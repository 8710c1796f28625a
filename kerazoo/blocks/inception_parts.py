"""Parts that several inception families share."""

from collections.abc import Sequence
from functools import partial

from keras import KerasTensor, layers

from kerazoo.blocks.conv import Activation, Convolution, Norm, conv_bn
from kerazoo.blocks.conv import conv as biased
from kerazoo.blocks.inception import Branches, Conv, Pool, chain, inception
from kerazoo.blocks.residual import residual
from kerazoo.errors import unknown
from kerazoo.layers import CeilMaxPooling2D


def slim_conv_bn(bn_scale: bool) -> Convolution:
    """:func:`conv_bn` with the constants of TF-slim's ``inception_utils.py``.

    Args:
        bn_scale: Whether the batch norms have a gamma.
    """
    return partial(
        conv_bn,
        kernel_initializer="he_normal",
        epsilon=1e-3,
        momentum=0.9997,
        scale=bn_scale,
    )


def googlenet_stem(
    x: KerasTensor, conv: Convolution, kind: str, norm: Norm | None = None
) -> KerasTensor:
    """7x7/2, pool, 1x1, 3x3, pool: an eighth of the grid (Szegedy et al. 2014).

    Args:
        x: A tensor ``(batch, height, width, channels)``.
        conv: ``conv(x, filters, kernel_size, strides, padding=..., name=...)``.
        kind: ``"plain"``, or ``"separable"`` for a first convolution of eight 7x7
            filters per channel and a 1x1 convolution (Ioffe & Szegedy 2015, Appendix).
        norm: A function that takes a name and returns a normalisation layer.

    Raises:
        ValueError: For another kind.
    """
    if kind == "plain":
        x = conv(x, 64, 7, 2, padding=3, name="conv1")
    elif kind == "separable":
        x = layers.ZeroPadding2D(3, name="pad1")(x)
        x = layers.DepthwiseConv2D(
            7, 2, depth_multiplier=8, use_bias=False, name="conv1_depthwise"
        )(x)
        x = conv(x, 64, 1, name="conv1")
    else:
        raise unknown("stem", kind, ("plain", "separable"))
    x = CeilMaxPooling2D(3, 2, name="pool1")(x)
    if norm:
        x = norm(name="norm1")(x)
    x = conv(x, 64, 1, name="conv2_reduce")
    x = conv(x, 192, 3, name="conv2")
    if norm:
        x = norm(name="norm2")(x)
    return CeilMaxPooling2D(3, 2, name="pool2")(x)


# The stem of Inception v3 and Inception-ResNet-v2 as released: 299 to 35, 192 channels.
V3_STEM = [
    Conv(32, 3, 2),
    Conv(32, 3, padding="valid"),
    Conv(64, 3),
    Pool("max", 2),
    Conv(80),
    Conv(192, 3, padding="valid"),
    Pool("max", 2),
]


def v4_stem(x: KerasTensor, conv: Convolution) -> KerasTensor:
    """299 to 35, 384 channels (Szegedy et al. 2016, Figure 3); TF-slim's labels."""
    x = chain(x, V3_STEM[:3], conv=conv, name="stem")
    modules: dict[str, Branches] = {
        "3a": [[Pool("max", 2)], [Conv(96, 3, 2)]],
        "4a": [
            [Conv(64), Conv(96, 3, padding="valid")],
            [
                Conv(64),
                Conv(64, (1, 7)),
                Conv(64, (7, 1)),
                Conv(96, 3, padding="valid"),
            ],
        ],
        "5a": [[Conv(192, 3, 2)], [Pool("max", 2)]],
    }
    for label, branches in modules.items():
        x = inception(x, branches, conv=conv, name=f"stem_{label}")
    return x


def reduction_a(k: int, l: int, m: int, n: int) -> Branches:  # noqa: E741 - the paper's letters
    """Reduction-A of Szegedy et al. 2016, Figure 7, with the widths of its Table 1."""
    return [[Conv(n, 3, 2)], [Conv(k), Conv(l, 3), Conv(m, 3, 2)], [Pool("max", 2)]]


def reduction_b(double: int, first: int, second: int) -> Branches:
    """Reduction-B of the Inception-ResNets (ibid., Figures 12 and 18)."""
    return [
        [Conv(256), Conv(384, 3, 2)],
        [Conv(256), Conv(first, 3, 2)],
        [Conv(256), Conv(double, 3), Conv(second, 3, 2)],
        [Pool("max", 2)],
    ]


def scaled_inception(
    x: KerasTensor,
    branches: Branches,
    scale: float,
    *,
    conv: Convolution,
    activation: Activation = "relu",
    name: str,
) -> KerasTensor:
    """``relu(x + scale * up(inception(x)))``; ``up`` is a 1x1 convolution, linear."""

    def f(x, strides, name):
        y = inception(x, branches, conv=conv, name=f"{name}_mixed")
        y = biased(y, x.shape[-1], 1, strides, activation=None, name=f"{name}_up")
        return layers.Rescaling(scale, name=f"{name}_scale")(y)

    return residual(x, f, activation=activation, name=name)


def inception_resnet(
    x: KerasTensor,
    table: Sequence[Branches],
    repeats: Sequence[int],
    scales: Sequence[float],
    *,
    conv: Convolution,
) -> KerasTensor:
    """The body of an Inception-ResNet (ibid., Figure 15), from 35x35 to 8x8.

    Args:
        x: The stem's output.
        table: Branches of module A, reduction A, module B, reduction B, module C.
        repeats: How many modules A, B and C there are.
        scales: The factors of their residual branches (ibid., section 3.3).
        conv: What a step means, as in :func:`inception`.

    Raises:
        ValueError: Where ``scales`` are not three.
    """
    if len(scales) != 3:
        raise ValueError(
            f"residual_scale is {scales!r}; it must be three factors, for the modules "
            "A, B and C."
        )
    reductions = [*table[1::2], None]
    stages = zip("abc", table[::2], repeats, scales, reductions, strict=True)
    for letter, branches, repeat, scale, reduction in stages:
        for i in range(1, repeat + 1):
            name = f"inception_resnet_{letter}{i}"
            x = scaled_inception(x, branches, scale, conv=conv, name=name)
        if reduction:
            x = inception(x, reduction, conv=conv, name=f"reduction_{letter}")
    return x
