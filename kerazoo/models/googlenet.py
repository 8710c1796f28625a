"""GoogLeNet: modules of parallel convolutions, and no large dense layers.

Christian Szegedy, Wei Liu, Yangqing Jia, Pierre Sermanet, Scott Reed, Dragomir
Anguelov, Dumitru Erhan, Vincent Vanhoucke, Andrew Rabinovich: Going Deeper with
Convolutions. CVPR 2015, arXiv 1409.4842. Section 5, Table 1, Figure 3.

Differs from the paper:
- `stem`: Table 1 prints 2.7 K weights and 34 M operations for the first convolution,
  those of a separable one with eight filters per channel (`"separable"`, with which the
  network costs the paper's 1.5 G); the reference, BVLC's, has a plain one.
- Table 1's parameters of 4a to 4e and operations of 5a do not follow from its widths
  (4c: 463 K printed, 497 K built; 5a: 54 M printed, 51 M built); the widths are built.
- `branch5`: `"3x3"` is what PyTorch's and TF-slim's copies have for the paper's 5x5.
- Normalisation (n=5, k=1, alpha=1e-4, beta=0.75), initialisation (Caffe's `xavier`,
  biases of 0.2) are BVLC's; the paper gives none. BVLC divides alpha by n, which is
  `lrn_alpha_mode="mean"`; `"sum"` is the formula as AlexNet's paper prints it.
- The average pooling of the auxiliary heads rounds down; in Caffe it would round up,
  which is the same at 224 but not at all sizes. All max poolings round up.
- `aux=True` is the training graph, whose auxiliary losses weigh 0.3 each (section 5).
  Its inference graph, with the same weights, is
  `keras.Model(model.input, model.output["predictions"])`.
"""

from functools import partial
from typing import Literal, NamedTuple

from keras import KerasTensor, layers

from kerazoo.blocks import XAVIER, conv, conv_bn, gap_head, initializer
from kerazoo.blocks.conv import Activation, Convolution, Norm
from kerazoo.blocks.inception import Conv, Pool, inception
from kerazoo.blocks.inception_parts import googlenet_stem
from kerazoo.builder import Outputs, Top, network
from kerazoo.layers import CeilMaxPooling2D, LocalResponseNormalization
from kerazoo.reader import Positive
from kerazoo.registry import register


class Module(NamedTuple):
    """The widths of an inception module, as Table 1 names them."""

    one: int
    reduce3: int
    three: int
    reduce5: int
    five: int
    proj: int


class MaxPool(NamedTuple):
    """A max pooling that rounds up."""

    pool_size: int
    strides: int


TABLE_1: dict[str, Module | MaxPool] = {
    "inception_3a": Module(64, 96, 128, 16, 32, 32),
    "inception_3b": Module(128, 128, 192, 32, 96, 64),
    "pool3": MaxPool(3, 2),
    "inception_4a": Module(192, 96, 208, 16, 48, 64),
    "inception_4b": Module(160, 112, 224, 24, 64, 64),
    "inception_4c": Module(128, 128, 256, 24, 64, 64),
    "inception_4d": Module(112, 144, 288, 32, 64, 64),
    "inception_4e": Module(256, 160, 320, 32, 128, 128),
    "pool4": MaxPool(3, 2),
    "inception_5a": Module(256, 160, 320, 32, 128, 128),
    "inception_5b": Module(384, 192, 384, 48, 128, 128),
}
AUXILIARY = {"inception_4a": "aux1", "inception_4d": "aux2"}

BIAS = initializer("Constant", value=0.2)


def auxiliary(
    x: KerasTensor,
    classes: int,
    activation: Activation,
    *,
    conv: Convolution,
    name: str,
) -> KerasTensor:
    """Section 5: 5x5/3 average pooling, 1x1 convolution, 1024 units, the classes."""
    if None in x.shape[1:] or min(x.shape[1:3]) < 5:
        raise ValueError(
            f"aux=True pools 5x5 positions, but stage 4 has {x.shape[1]}x{x.shape[2]}; "
            "give an input_shape of 79x79 or more, or aux=False."
        )
    x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = conv(x, 128, 1, name=f"{name}_conv")
    x = layers.Flatten(name=f"{name}_flatten")(x)
    dense = partial(layers.Dense, kernel_initializer=XAVIER)
    x = dense(1024, "relu", bias_initializer=BIAS, name=f"{name}_fc")(x)
    x = layers.Dropout(0.7, name=f"{name}_drop")(x)
    return dense(classes, activation, dtype="float32", name=name)(x)


def inception_v1(
    inputs: KerasTensor,
    top: Top,
    conv: Convolution,
    norm: Norm | None = None,
    *,
    stem: Literal["plain", "separable"] = "plain",
    branch5: Literal["5x5", "3x3"] = "5x5",
    aux: bool = False,
    pool4: Literal[2, 3] = 3,
) -> Outputs:
    """The stem, Table 1, and the heads; a dictionary of them in the training graph."""
    x = googlenet_stem(inputs, conv, stem, norm)
    heads = {}
    rows = TABLE_1 | {"pool4": MaxPool(pool4, 2)}
    for label, row in rows.items():
        if isinstance(row, MaxPool):
            x = CeilMaxPooling2D(*row, name=label)(x)
            continue
        branches = [
            [Conv(row.one)],
            [Conv(row.reduce3), Conv(row.three, 3)],
            [Conv(row.reduce5), Conv(row.five, int(branch5[0]))],
            [Pool("max"), Conv(row.proj)],
        ]
        x = inception(x, branches, conv=conv, name=label)
        if aux and top.include_top and label in AUXILIARY:
            name = AUXILIARY[label]
            heads[name] = top(x, auxiliary, conv=conv, name=name)
    x = top(x, gap_head, dropout=0.4, kernel_initializer=XAVIER)
    return {"predictions": x, **heads} if heads else x


@register(
    year=2014,
    input_shape=(224, 224, 3),
    minimum=31,
    counts=(6_998_552, 6_998_552, 1_582_671_872),
    published={
        "multiply-adds": "1.5 G",
        "top-5 error": "10.07 (1 network, 1 crop), 6.67 (7 networks, 144 crops)",
    },
    proof="every module's multiply-adds equal Table 1's, but for conv1 and 5a",
)
@network
def googlenet(
    inputs: KerasTensor,
    top: Top,
    *,
    stem: Literal["plain", "separable"] = "plain",
    branch5: Literal["5x5", "3x3"] = "5x5",
    aux: bool = False,
    lrn_alpha_mode: Literal["sum", "mean"] = "sum",
) -> Outputs:
    """GoogLeNet (Inception v1), 2014.

    Args:
        stem: The first convolution.
        branch5: The kernel of the third branch.
        aux: Whether to add the training graph's outputs ``aux1`` and ``aux2``.
        lrn_alpha_mode: Whether alpha weighs the sum or the mean of the squares.
    """
    norm = partial(LocalResponseNormalization, 5, 1, 1e-4, 0.75, lrn_alpha_mode)
    step = partial(conv, kernel_initializer=XAVIER, bias_initializer=BIAS)
    options = {"stem": stem, "branch5": branch5, "aux": aux}
    return inception_v1(inputs, top, step, norm, **options)


@register(
    year=2015,
    input_shape=(224, 224, 3),
    minimum=31,
    counts=(7_005_832, 7_020_392, 1_582_671_872),
    published={"multiply-adds": "1.5 G", "top-1 error": "26.8"},
    proof="modules of the shared grammar equal NumPy",
    status="reconstruction",
    differs=(
        "`bn_googlenet`: a row of a table in arXiv 1512.00567, without a definition; "
        "batch norm in place of normalisation and biases is built.",
        "`bn_googlenet`: PyTorch's copy has `branch5='3x3'`, `pool4=2` and "
        "`bn_epsilon=1e-3`, as TF-slim.",
    ),
)
@network
def bn_googlenet(
    inputs: KerasTensor,
    top: Top,
    *,
    stem: Literal["plain", "separable"] = "plain",
    branch5: Literal["5x5", "3x3"] = "5x5",
    aux: bool = False,
    pool4: Literal[2, 3] = 3,
    bn_epsilon: Positive = 1e-5,
) -> Outputs:
    """GoogLeNet with a batch norm after every convolution.

    Args:
        stem: The first convolution.
        branch5: The kernel of the third branch.
        aux: Whether to add the training graph's outputs ``aux1`` and ``aux2``.
        pool4: The window of the pooling behind stage 4.
        bn_epsilon: What the batch norms add to a variance.
    """
    step = partial(conv_bn, kernel_initializer=XAVIER, epsilon=bn_epsilon)
    options = {"stem": stem, "branch5": branch5, "aux": aux, "pool4": pool4}
    return inception_v1(inputs, top, step, **options)
