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
- `aux=True` is the training graph, whose auxiliary losses weigh 0.3 each (AUX_WEIGHT).
  Its inference graph, with the same weights, is
  `keras.Model(model.input, model.output["predictions"])`.
"""

from functools import partial

from keras import layers

from kerazoo.blocks import conv, conv_bn, gap_head, initializer
from kerazoo.blocks.inception import Conv, Pool, inception
from kerazoo.blocks.inception_parts import googlenet_stem
from kerazoo.builder import network
from kerazoo.errors import unknown
from kerazoo.layers import CeilMaxPooling2D, LocalResponseNormalization
from kerazoo.registry import register

# Table 1: 1x1; 3x3 reduce, 3x3; 5x5 reduce, 5x5; pool projection.
TABLE_1 = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "pool3": None,
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "pool4": None,
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
AUXILIARY = {"4a": "aux1", "4d": "aux2"}
AUX_WEIGHT = 0.3  # Section 5.

# Caffe's xavier looks at fan-in alone.
XAVIER = initializer("VarianceScaling", mode="fan_in", distribution="uniform")
BIAS = initializer("Constant", value=0.2)


def auxiliary(x, classes, activation, *, conv, name):
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


def inception_v1(inputs, top, conv, *, norm=None, stem, branch5, aux):
    """The stem, Table 1, and the heads; a dictionary of them in the training graph."""
    if branch5 not in ("5x5", "3x3"):
        raise unknown("branch5", branch5, ("5x5", "3x3"))
    x = googlenet_stem(inputs, conv, stem, norm)
    heads = {}
    for label, row in TABLE_1.items():
        if row is None:
            x = CeilMaxPooling2D(3, 2, name=label)(x)
            continue
        one, reduce3, three, reduce5, five, proj = row
        branches = [
            [Conv(one)],
            [Conv(reduce3), Conv(three, 3)],
            [Conv(reduce5), Conv(five, int(branch5[0]))],
            [Pool("max"), Conv(proj)],
        ]
        x = inception(x, branches, conv=conv, name=f"inception_{label}")
        if aux and top.include and label in AUXILIARY:
            name = AUXILIARY[label]
            heads[name] = top(x, auxiliary, conv=conv, name=name)
    x = top(x, gap_head, dropout=0.4, kernel_initializer=XAVIER)
    return {"predictions": x, **heads} if heads else x


@register(
    year=2014,
    input_shape=(224, 224, 3),
    minimum=31,
    trainable=6_998_552,
    total=6_998_552,
    macs=1_582_671_872,
    published={
        "multiply-adds": "1.5 G",
        "top-5 error": "10.07 (1 network, 1 crop), 6.67 (7 networks, 144 crops)",
    },
    proof="every module's multiply-adds equal Table 1's, but for conv1 and 5a",
)
@network
def googlenet(
    inputs, top, *, stem="plain", branch5="5x5", aux=False, lrn_alpha_mode="sum"
):
    """GoogLeNet (Inception v1), 2014.

    Args:
        stem: The first convolution, ``"plain"`` or ``"separable"``.
        branch5: The kernel of the third branch, ``"5x5"`` or ``"3x3"``.
        aux: Whether to add the training graph's outputs ``aux1`` and ``aux2``.
        lrn_alpha_mode: ``"sum"`` or ``"mean"``.
    """
    norm = partial(LocalResponseNormalization, 5, 1, 1e-4, 0.75, lrn_alpha_mode)
    step = partial(conv, kernel_initializer=XAVIER, bias_initializer=BIAS)
    return inception_v1(
        inputs, top, step, norm=norm, stem=stem, branch5=branch5, aux=aux
    )


@register(
    year=2015,
    input_shape=(224, 224, 3),
    minimum=31,
    trainable=7_005_832,
    total=7_020_392,
    macs=1_582_671_872,
    published={"multiply-adds": "1.5 G", "top-1 error": "26.8"},
    proof="modules of the shared grammar equal NumPy",
    status="reconstruction",
    differs=(
        "`bn_googlenet`: a row of a table in arXiv 1512.00567, without a definition; "
        "batch norm in place of normalisation and biases is built.",
    ),
)
@network
def bn_googlenet(inputs, top, *, stem="plain", branch5="5x5", aux=False):
    """GoogLeNet with a batch norm after every convolution.

    Args:
        stem: The first convolution, ``"plain"`` or ``"separable"``.
        branch5: The kernel of the third branch, ``"5x5"`` or ``"3x3"``.
        aux: Whether to add the training graph's outputs ``aux1`` and ``aux2``.
    """
    step = partial(conv_bn, kernel_initializer=XAVIER)
    return inception_v1(inputs, top, step, stem=stem, branch5=branch5, aux=aux)
