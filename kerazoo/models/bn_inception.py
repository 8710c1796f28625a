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
- TF-slim calls this network `inception_v2`; here that name is Szegedy et al.'s.
- Where a grid is odd, the pooling of 3c and 4e rounds up with its convolutions; Caffe
  would round the two apart. At 224 the two agree.
"""

from functools import partial

from kerazoo.blocks import conv_bn, gap_head
from kerazoo.blocks.inception import Conv, Pool, inception
from kerazoo.blocks.inception_parts import googlenet_stem
from kerazoo.builder import network
from kerazoo.errors import unknown
from kerazoo.registry import register

# Figure 5: 1x1; 3x3 reduce, 3x3; double 3x3 reduce, double 3x3; pool + projection. A
# projection of 0 is "pass through", and its module strides by 2.
FIGURE_5 = {
    "3a": (64, 64, 64, 64, 96, "avg", 32),
    "3b": (64, 64, 96, 64, 96, "avg", 64),
    "3c": (0, 128, 160, 64, 96, "max", 0),
    "4a": (224, 64, 96, 96, 128, "avg", 128),
    "4b": (192, 96, 128, 96, 128, "avg", 128),
    "4c": (160, 128, 160, 128, 160, "avg", 128),
    "4d": (96, 128, 192, 160, 192, "avg", 128),
    "4e": (0, 128, 192, 192, 256, "max", 0),
    "5a": (352, 192, 320, 160, 224, "avg", 128),
    "5b": (352, 192, 320, 192, 224, "max", 128),
}
POOL_PROJ = {"consistent": {"4c": 96, "4d": 96}, "table": {}}


def module(one, reduce3, three, reduce33, double, pool, proj):
    """The branches of a row of Figure 5."""
    strides = 1 if proj else 2
    branches = [
        [Conv(reduce3), Conv(three, 3, strides)],
        [Conv(reduce33), Conv(double, 3), Conv(double, 3, strides)],
        [Pool(pool, strides)],
    ]
    if proj:
        branches[2] += [Conv(proj)]
    return [[Conv(one)], *branches] if one else branches


@register(
    year=2015,
    input_shape=(224, 224, 3),
    minimum=7,
    trainable=11_194_984,
    total=11_214_888,
    macs=2_018_851_840,
    published={
        "parameters": "13.6 M",
        "multiply-adds": "2.0 G",
        "top-1 / top-5 error": "25.2 / 7.82 (one crop)",
    },
    proof="modules of the shared grammar equal NumPy",
)
@network
def bn_inception(inputs, top, *, pool_proj="consistent", stem="plain", conv_bias=False):
    """BN-Inception, 2015.

    Args:
        pool_proj: ``"consistent"`` or ``"table"``, the pool projections of 4c and 4d.
        stem: ``"plain"`` or ``"separable"``, the first convolution.
        conv_bias: Whether convolutions have a bias before their batch norm.
    """
    if pool_proj not in POOL_PROJ:
        raise unknown("pool_proj", pool_proj, POOL_PROJ)
    conv = partial(conv_bn, use_bias=conv_bias)
    x = googlenet_stem(inputs, conv, stem)
    for label, (*row, proj) in FIGURE_5.items():
        proj = POOL_PROJ[pool_proj].get(label, proj)
        name = f"inception_{label}"
        x = inception(x, module(*row, proj), conv=conv, padded=True, name=name)
    return top(x, gap_head)
