"""FitNets: nets thinner and deeper than the teacher whose hints they are trained by.

Adriana Romero, Nicolas Ballas, Samira Ebrahimi Kahou, Antoine Chassang, Carlo Gatta,
Yoshua Bengio: FitNets: Hints for Thin Deep Nets. ICLR 2015, arXiv 1412.6550. Table 5,
FitNet 4. Other activations: Dmytro Mishkin, Jiri Matas: All You Need is a Good Init.
ICLR 2016, arXiv 1511.06422. Section 4.

Differs from the paper:
- FitNet 4 has 2.74 M parameters by its authors' and Mishkin's files, in which the
  hidden dense layer has five maxout pieces; with two (`fc_pieces=2`) it has 2.55 M,
  near the paper's "about 2.5 M".
- The last pooling is over all positions, 8x8 for images of 32 pixels.
- Dropout of 0.2 (`dropout`) is that of Mishkin's files.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

from keras import KerasTensor, layers

from kerazoo.blocks import activate, conv, dense_head, sibling
from kerazoo.builder import Top, network
from kerazoo.layers import CeilMaxPooling2D, Maxout, PadChannels
from kerazoo.reader import Count, Rate
from kerazoo.registry import register

# FitNet 4: the widths of the 3x3 convolutions before each pooling.
FITNET_4 = ((32, 32, 32, 48, 48), (80,) * 6, (128,) * 6)
ACTIVATIONS = {
    "maxout": Maxout,
    "relu": "relu",
    "vlrelu": partial(layers.LeakyReLU, negative_slope=1 / 3),
    "tanh": "tanh",
    "sigmoid": "sigmoid",
}
CIFAR = {
    "input_shape": (32, 32, 3),
    "classes": 10,
    "counts": (2_742_102, 2_742_102, 381_941_128),
}


def plain(x: KerasTensor, y: KerasTensor, *, name: str) -> KerasTensor:
    """``y``: no shortcut."""
    return y


def identity(x: KerasTensor, y: KerasTensor, *, name: str) -> KerasTensor:
    """``x + y``, with channels of zeros for those that ``x`` lacks."""
    if x.shape[-1] < y.shape[-1]:
        x = PadChannels(y.shape[-1], name=f"{name}_pad")(x)
    return layers.Add(name=f"{name}_add")([x, y])


def fitnet(
    inputs: KerasTensor,
    top: Top,
    merge: Callable[..., KerasTensor],
    *,
    activation: Literal["maxout", "relu", "vlrelu", "tanh", "sigmoid"] = "maxout",
    conv_pieces: Count = 2,
    fc_pieces: Count = 5,
    dropout: Rate = 0.2,
) -> KerasTensor:
    """FitNet 4; ``merge(x, f(x))`` joins the ends of every pair of convolutions.

    Args:
        activation: Of all hidden layers; ``vlrelu`` is leaky with a slope of 1/3.
        conv_pieces: The maxout pieces of the convolutions; other activations have none.
        fc_pieces: The same of the hidden dense layer.
        dropout: The share dropped of the images, after poolings and the dense layer.
    """
    maxout = activation == "maxout"
    conv_pieces, fc_pieces = (conv_pieces, fc_pieces) if maxout else (1, 1)

    def act(x, pieces, name):
        kind = partial(Maxout, pieces) if maxout else ACTIVATIONS[activation]
        return activate(x, kind, name)

    def drop(x, name):
        return layers.Dropout(dropout, name=name)(x)

    def unit(x, filters, name):
        x = conv(x, filters * conv_pieces, 3, activation=None, name=name)
        return act(x, conv_pieces, sibling(name, "act"))

    def head(x, classes, activation):
        x = layers.GlobalMaxPooling2D(name="head_pool")(x)
        x = drop(x, "head_drop")
        x = layers.Dense(500 * fc_pieces, name="fc1")(x)
        x = act(x, fc_pieces, "fc1_act")
        return dense_head(drop(x, "fc1_drop"), classes, activation)

    x = drop(inputs, "drop0")
    for stage, widths in enumerate(FITNET_4, 1):
        if stage > 1:
            x = CeilMaxPooling2D(2, 2, name=f"stage{stage}_pool")(x)
            x = drop(x, f"stage{stage}_drop")
        if len(widths) % 2:
            x = unit(x, widths[0], f"stage{stage}_conv1")
        for number in range(1 + len(widths) % 2, len(widths), 2):
            first, second = (f"stage{stage}_conv{n}" for n in (number, number + 1))
            y = unit(x, widths[number - 1], first)
            y = unit(y, widths[number], second)
            x = merge(x, y, name=second)
    return top(x, head)


@register(
    **CIFAR,
    year=2014,
    published={
        "parameters": "about 2.5 M",
        "multiplications": "about 382 M",
        "CIFAR-10 error": "8.39",
        "CIFAR-100 error": "35.04, with LSUV 27.66",
    },
)
@network(fitnet, merge=plain)
def fitnet4():
    """FitNet 4: 17 thin convolutions and two dense layers."""


@register(
    **CIFAR,
    year=2015,
    status="reconstruction",
    published={"CIFAR-10 error": "5.84"},
    differs=(
        "No definition is public: the LSUV paper names FitResNet in a table alone. "
        "Built is FitNet 4 with a parameter-free shortcut around every pair of "
        "convolutions, and channels of zeros where the width grows.",
    ),
)
@network(fitnet, merge=identity)
def fitresnet4():
    """FitNet 4 with identity shortcuts, a reconstruction."""
