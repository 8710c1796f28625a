"""BN-Inception: batch normalisation, which lets learning rates rise thirty-fold.

Sergey Ioffe, Christian Szegedy: Batch Normalization: Accelerating Deep Network Training
by Reducing Internal Covariate Shift. ICML 2015, arXiv 1502.03167. Figure 5.

Differs from the paper:
- `pool_proj`: Figure 5 prints a pool projection of 128 in 4c and 4d, which gives 608
  channels where its own size column says 576; the default is 96, which agrees with the
  sizes (TF-slim, MXNet), `"table"` is 128 (the Caffe lineage).
- Figure 5 prints the sizes of 3c and 4e before their stride.
- The text says 13.6 M parameters; the table gives 11.2 M, and no reading that we know
  gives the text's.
- `stem`: the text makes the first convolution separable, with eight filters per
  channel; the plain one of Figure 5 and of the published weights is the default.
- `conv_bias`: the Caffe lineage keeps biases that the batch norms make idle.
- `avg_count_pad`: the average poolings of PyTorch's copies count the zeros around maps;
  TensorFlow's count its pixels alone, which is the default.
- TF-slim calls this network `inception_v2`; here that name is Szegedy et al.'s.
- Where a grid is odd, the pooling of 3c and 4e rounds up with its convolutions; Caffe
  would round the two apart. At 224 the two agree.
"""

from functools import partial
from typing import Literal

from keras import KerasTensor

from kerazoo.blocks import conv_bn, gap_head
from kerazoo.blocks.inception import Branches, Conv, Pool, inception
from kerazoo.blocks.inception_parts import googlenet_stem
from kerazoo.builder import Top, network
from kerazoo.registry import register


def row(
    one: int, reduce3: int, three: int, reduce33: int, double: int, pool: str, proj: int
) -> Branches:
    """A row of Figure 5."""
    return [
        [Conv(one)],
        [Conv(reduce3), Conv(three, 3)],
        [Conv(reduce33), Conv(double, 3), Conv(double, 3)],
        [Pool(pool), Conv(proj)],
    ]


def reduction(reduce3: int, three: int, reduce33: int, double: int) -> Branches:
    """A row of Figure 5 with a stride of 2, whose pooling is "pass through"."""
    return [
        [Conv(reduce3), Conv(three, 3, 2)],
        [Conv(reduce33), Conv(double, 3), Conv(double, 3, 2)],
        [Pool("max", 2)],
    ]


def figure_5(c: int, d: int) -> dict[str, Branches]:
    """1x1; 3x3 reduce, 3x3; double 3x3 reduce, double 3x3; pool + projection.

    Args:
        c, d: The projections of 4c and 4d.
    """
    return {
        "3a": row(64, 64, 64, 64, 96, "avg", 32),
        "3b": row(64, 64, 96, 64, 96, "avg", 64),
        "3c": reduction(128, 160, 64, 96),
        "4a": row(224, 64, 96, 96, 128, "avg", 128),
        "4b": row(192, 96, 128, 96, 128, "avg", 128),
        "4c": row(160, 128, 160, 128, 160, "avg", c),
        "4d": row(96, 128, 192, 160, 192, "avg", d),
        "4e": reduction(128, 192, 192, 256),
        "5a": row(352, 192, 320, 160, 224, "avg", 128),
        "5b": row(352, 192, 320, 192, 224, "max", 128),
    }


FIGURE_5 = {"consistent": figure_5(96, 96), "table": figure_5(128, 128)}


@register(
    year=2015,
    input_shape=(224, 224, 3),
    minimum=7,
    counts=(11_194_984, 11_214_888, 2_018_851_840),
    published={
        "parameters": "13.6 M",
        "multiply-adds": "2.0 G",
        "top-1 / top-5 error": "25.2 / 7.82 (one crop)",
    },
    proof="modules of the shared grammar equal NumPy",
)
@network
def bn_inception(
    inputs: KerasTensor,
    top: Top,
    *,
    pool_proj: Literal["consistent", "table"] = "consistent",
    stem: Literal["plain", "separable"] = "plain",
    conv_bias: bool = False,
    avg_count_pad: bool = False,
) -> KerasTensor:
    """BN-Inception, 2015.

    Args:
        pool_proj: The pool projections of 4c and 4d.
        stem: The first convolution.
        conv_bias: Whether convolutions have a bias before their batch norm.
        avg_count_pad: Whether averages count the zeros around a map.
    """
    conv = partial(conv_bn, use_bias=conv_bias)
    module = partial(inception, conv=conv, padded=True, avg_count_pad=avg_count_pad)
    x = googlenet_stem(inputs, conv, stem)
    for label, branches in FIGURE_5[pool_proj].items():
        x = module(x, branches, name=f"inception_{label}")
    return top(x, gap_head)
