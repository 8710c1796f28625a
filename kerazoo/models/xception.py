"""Xception: inception taken to its limit, one spatial filter for every channel.

Francois Chollet: Xception: Deep Learning with Depthwise Separable Convolutions. CVPR
2017, arXiv 1610.02357. Figure 5, section 4.

Differs from the paper:
- Figure 5 leaves the padding open: as in the author's Keras code, the first two
  convolutions are valid and everything else is padded, so that the pooling and the
  shortcut beside it meet on odd grids too.
- `pool_padding`, `bn_epsilon`: TensorFlow's rule and 1e-3 are those of the author's
  code; PyTorch's copies pad a pixel on every side and add 1e-5.
- `dropout`: 0.5 before the classifier, as section 4.5.2 for ImageNet; Keras' copy has
  none.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from keras import KerasTensor, Layer, layers

from kerazoo.blocks import activate, batch_norm, conv_bn, gap_head, sibling
from kerazoo.blocks.conv import Activation
from kerazoo.blocks.residual import projection, residual
from kerazoo.builder import Top, network
from kerazoo.layers import PaddedMaxPooling2D
from kerazoo.reader import Positive, Rate
from kerazoo.registry import register

# Figure 5: the widths of the separable convolutions of each block, and its stride.
ENTRY = {2: (128, 128), 3: (256, 256), 4: (728, 728)}
MIDDLE = dict.fromkeys(range(5, 13), (728, 728, 728))
EXIT = {13: (728, 1024)}
MOMENTUM = 0.99
POOLS = {
    "same": partial(layers.MaxPooling2D, 3, padding="same"),
    "symmetric": partial(PaddedMaxPooling2D, 3),
}


def separable(
    x: KerasTensor, filters: int, activation: Activation, epsilon: float, *, name: str
) -> KerasTensor:
    """``bn(pointwise(depthwise(activation(x))))``."""
    x = activate(x, activation, sibling(name, "relu"))
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    return batch_norm(
        x, None, epsilon=epsilon, momentum=MOMENTUM, name=sibling(name, "bn")
    )


def separables(
    x: KerasTensor,
    strides: int,
    *,
    widths: Sequence[int],
    first_activation: Activation = "relu",
    epsilon: float,
    pool: Callable[..., Layer],
    name: str,
) -> KerasTensor:
    """Separable convolutions, and a max pooling where the block strides."""
    for number, filters in enumerate(widths, 1):
        activation = first_activation if number == 1 else "relu"
        x = separable(x, filters, activation, epsilon, name=f"{name}_conv{number}")
    return pool(strides=strides, name=f"{name}_pool")(x) if strides > 1 else x


@register(
    year=2016,
    input_shape=(299, 299, 3),
    minimum=7,
    counts=(22_855_952, 22_910_480, 8_357_403_496),
    published={"parameters": "22,855,952", "top-1 / top-5 accuracy": "0.790 / 0.945"},
    proof="outputs equal keras.applications.Xception with the same weights",
)
@network
def xception(
    inputs: KerasTensor,
    top: Top,
    *,
    pool_padding: Literal["same", "symmetric"] = "same",
    bn_epsilon: Positive = 1e-3,
    dropout: Rate = 0.5,
) -> KerasTensor:
    """Xception, 2016.

    Args:
        pool_padding: Where the poolings pad an even grid.
        bn_epsilon: What the batch norms add to a variance.
        dropout: The share of pooled features dropped in training.
    """
    norm = {"epsilon": bn_epsilon, "momentum": MOMENTUM}
    x = conv_bn(inputs, 32, 3, 2, padding="valid", name="block1_conv1", **norm)
    x = conv_bn(x, 64, 3, padding="valid", name="block1_conv2", **norm)
    for block, widths in (ENTRY | MIDDLE | EXIT).items():
        f = partial(
            separables,
            widths=widths,
            first_activation="relu" if block > 2 else None,
            epsilon=bn_epsilon,
            pool=POOLS[pool_padding],
        )
        x = residual(
            x,
            f,
            1 if block in MIDDLE else 2,
            shortcut=partial(projection, **norm),
            activation=None,
            name=f"block{block}",
        )
    for number, filters in enumerate((1536, 2048), 1):
        x = separable(x, filters, None, bn_epsilon, name=f"block14_conv{number}")
        x = activate(x, "relu", f"block14_relu{number}")
    return top(x, gap_head, dropout=dropout)
