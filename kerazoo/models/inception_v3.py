"""Inception v2 and v3: large kernels factorised into small and one-sided ones.

Christian Szegedy, Vincent Vanhoucke, Sergey Ioffe, Jonathon Shlens, Zbigniew Wojna:
Rethinking the Inception Architecture for Computer Vision. CVPR 2016, arXiv 1512.00567.
Table 1, Figures 5 to 8 and 10; TF-slim's `inception_v3.py` for the widths.

Differs from the paper:
- `stem`: the released code, which is the default, has another stem than Table 1, whose
  3x3 convolutions of 80, 192 and 288 are `"table"`.
- The modules' widths and the initialisation are not in the paper but in TF-slim.
- `bn_scale`: gamma is on as in PyTorch's copy, off in TF-slim and keras.applications.
- `avg_count_pad`: the average poolings of PyTorch's copies count the zeros around maps;
  TensorFlow's, with which the weights were trained, count its pixels alone.
- `dropout`: 0.2 as in TF-slim; PyTorch has 0.5, keras.applications none.
- `aux=True` is the training graph, whose auxiliary head has batch norms too; its loss
  weighs 0.4 in TF-slim, the paper gives no number. Its inference graph, with the same
  weights, is `keras.Model(model.input, model.output["predictions"])`.
- `aux_batch_norm`: Table 3's "BN-auxiliary" norms the head's fully connected layer too,
  the 5x5 convolution of TF-slim. Its rows before have a bias there: `False`.
"""

from functools import partial
from typing import Literal

from keras import KerasTensor, layers

from kerazoo.blocks import gap_head
from kerazoo.blocks.conv import Activation, Convolution
from kerazoo.blocks.conv import conv as biased
from kerazoo.blocks.inception import Branches, Conv, Pool, Steps, chain, inception
from kerazoo.blocks.inception_parts import V3_STEM, reduction_a, slim_conv_bn
from kerazoo.builder import Outputs, Top, network
from kerazoo.reader import Rate
from kerazoo.registry import register

TABLE_STEM = [Conv(80, 3, padding="valid"), Conv(192, 3, 2), Conv(288, 3)]
STEMS = {"slim": V3_STEM, "table": [*V3_STEM[:4], *TABLE_STEM]}
V2_STEM = [Conv(64, 7, 2, "same"), Pool("max", 2), Conv(64), *V3_STEM[5:]]

BIASED = partial(biased, kernel_initializer="he_normal")
ROW, COLUMN = (1, 7), (7, 1)
REDUCTION_B = [  # Figure 10; reduction A is of the same kind.
    [Conv(192), Conv(320, 3, 2)],
    [Conv(192), Conv(192, ROW), Conv(192, COLUMN), Conv(192, 3, 2)],
    [Pool("max", 2)],
]
FORK = [Conv(384, (1, 3)), Conv(384, (3, 1))]
MODULE_C = [  # Figure 7
    [Conv(320)],
    [Conv(384), FORK],
    [Conv(448), Conv(384, 3), FORK],
    [Pool("avg"), Conv(192)],
]


def module_a(proj: int) -> Branches:
    """Figure 5."""
    double = [Conv(64), Conv(96, 3), Conv(96, 3)]
    return [[Conv(64)], [Conv(48), Conv(64, 5)], double, [Pool("avg"), Conv(proj)]]


def module_b(c: int) -> Branches:
    """Figure 6 with n = 7."""
    return [
        [Conv(192)],
        [Conv(c), Conv(c, ROW), Conv(192, COLUMN)],
        [Conv(c), Conv(c, COLUMN), Conv(c, ROW), Conv(c, COLUMN), Conv(192, ROW)],
        [Pool("avg"), Conv(192)],
    ]


TABLE_1 = {
    **{f"inception_a{i}": module_a(p) for i, p in enumerate((32, 64, 64), 1)},
    "reduction_a": reduction_a(k=64, l=96, m=96, n=384),
    **{f"inception_b{i}": module_b(c) for i, c in enumerate((128, 160, 160, 192), 1)},
    "reduction_b": REDUCTION_B,
    **{f"inception_c{i}": MODULE_C for i in (1, 2)},
}


def auxiliary(
    x: KerasTensor,
    classes: int,
    activation: Activation,
    *,
    conv: Convolution,
    fc: Convolution,
) -> KerasTensor:
    """Figure 8: 5x5/3 average pooling, 1x1, 5x5 over all that is left, the classes."""
    if any(side is not None and side < 17 for side in x.shape[1:3]):
        raise ValueError(
            f"aux=True needs a 17x17 grid, but module B has {x.shape[1]}x{x.shape[2]}; "
            "give an input_shape of 299x299 or more, or aux=False."
        )
    x = layers.AveragePooling2D(5, 3, name="aux_pool1")(x)
    x = conv(x, 128, 1, name="aux_conv2")
    x = fc(x, 768, 5, padding="valid", name="aux_conv3")
    x = layers.GlobalAveragePooling2D(name="aux_head_pool")(x)
    return layers.Dense(classes, activation, dtype="float32", name="aux")(x)


def inception_factorized(
    inputs: KerasTensor,
    top: Top,
    stem: Steps,
    *,
    bn_scale: bool = True,
    avg_count_pad: bool = False,
    aux: bool = False,
    aux_batch_norm: bool = True,
    dropout: Rate = 0.2,
) -> Outputs:
    """The stem, Table 1, and the heads; a dictionary of them in the training graph.

    Args:
        bn_scale: Whether the batch norms have a gamma.
        avg_count_pad: Whether averages count the zeros around a map.
        aux: Whether to add the training graph's output ``aux``.
        aux_batch_norm: Whether the fully connected layer of that head has a batch norm.
        dropout: The share of pooled features dropped in training.
    """
    conv = slim_conv_bn(bn_scale)
    module = partial(inception, conv=conv, avg_count_pad=avg_count_pad)
    x = chain(inputs, stem, conv=conv, name="stem")
    heads = {}
    for name, branches in TABLE_1.items():
        x = module(x, branches, name=name)
        if aux and top.include_top and name == "inception_b4":
            fc = conv if aux_batch_norm else BIASED
            heads["aux"] = top(x, auxiliary, conv=conv, fc=fc)
    x = top(x, gap_head, dropout=dropout)
    return {"predictions": x, **heads} if heads else x


@register(
    year=2015,
    input_shape=(299, 299, 3),
    minimum=69,
    counts=(23_786_632, 23_820_904, 5_179_855_104),
    published={"multiply-adds": "3.8 G", "top-1 error": "23.4"},
    proof="the body that it shares with v3 equals keras.applications'",
    status="reconstruction",
    differs=("`inception_v2`: no graph was published; it is v3 with a 7x7 stem.",),
)
@network(inception_factorized, stem=V2_STEM)
def inception_v2():
    """Inception v2, a reconstruction: v3 before its first 7x7 was factorised."""


@register(
    year=2015,
    input_shape=(299, 299, 3),
    minimum=75,
    counts=(23_834_568, 23_869_000, 5_713_216_096),
    published={"multiply-adds": "4.8 G", "top-1 / top-5 error": "21.2 / 5.6"},
    proof="outputs equal keras.applications.InceptionV3 with the same weights",
)
@network
def inception_v3(
    inputs: KerasTensor,
    top: Top,
    *,
    stem: Literal["slim", "table"] = "slim",
    bn_scale: bool = True,
    avg_count_pad: bool = False,
    aux: bool = False,
    aux_batch_norm: bool = True,
    dropout: Rate = 0.2,
) -> Outputs:
    """Inception v3, 2015.

    Args:
        stem: As released, or as in the paper's Table 1.
        bn_scale: Whether the batch norms have a gamma.
        avg_count_pad: Whether averages count the zeros around a map.
        aux: Whether to add the training graph's output ``aux``.
        aux_batch_norm: Whether the fully connected layer of that head has a batch norm.
        dropout: The share of pooled features dropped in training.
    """
    return inception_factorized(
        inputs,
        top,
        STEMS[stem],
        bn_scale=bn_scale,
        avg_count_pad=avg_count_pad,
        aux=aux,
        aux_batch_norm=aux_batch_norm,
        dropout=dropout,
    )
