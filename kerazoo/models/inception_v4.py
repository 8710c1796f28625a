"""Inception v4: a uniform design of three module kinds, freed of older constraints.

Christian Szegedy, Sergey Ioffe, Vincent Vanhoucke, Alexander Alemi: Inception-v4,
Inception-ResNet and the Impact of Residual Connections on Learning. AAAI 2017, arXiv
1602.07261. Figures 3 to 9, Table 1.

Differs from the paper:
- `bn_scale`: the default batch norms have a gamma, as PyTorch's copies; TF-slim's have
  none.
- Initialisation and the constants of the batch norms are TF-slim's.
- The order of the 1x7 and 7x1 convolutions, and of branches, varies between copies and
  figures; it is that of TF-slim's code, whose weights were released.
"""

from keras import KerasTensor

from kerazoo.blocks import gap_head
from kerazoo.blocks.inception import Conv, Pool, inception
from kerazoo.blocks.inception_parts import reduction_a, slim_conv_bn, v4_stem
from kerazoo.builder import Top, network
from kerazoo.registry import register

ROW, COLUMN = (1, 7), (7, 1)
FORK = [Conv(256, (1, 3)), Conv(256, (3, 1))]

# Figure 4, at 35x35.
A = [
    [Conv(96)],
    [Conv(64), Conv(96, 3)],
    [Conv(64), Conv(96, 3), Conv(96, 3)],
    [Pool("avg"), Conv(96)],
]
# Figure 5, at 17x17.
B = [
    [Conv(384)],
    [Conv(192), Conv(224, ROW), Conv(256, COLUMN)],
    [Conv(192), Conv(192, COLUMN), Conv(224, ROW), Conv(224, COLUMN), Conv(256, ROW)],
    [Pool("avg"), Conv(128)],
]
# Figure 8, from 17x17 to 8x8.
REDUCTION_B = [
    [Conv(192), Conv(192, 3, 2)],
    [Conv(256), Conv(256, ROW), Conv(320, COLUMN), Conv(320, 3, 2)],
    [Pool("max", 2)],
]
# Figure 6, at 8x8.
C = [
    [Conv(256)],
    [Conv(384), FORK],
    [Conv(384), Conv(448, (3, 1)), Conv(512, (1, 3)), FORK],
    [Pool("avg"), Conv(256)],
]
# Figure 9 above the stem.
FIGURE_9 = {
    **{f"inception_a{i}": A for i in range(1, 5)},
    "reduction_a": reduction_a(k=192, l=224, m=256, n=384),
    **{f"inception_b{i}": B for i in range(1, 8)},
    "reduction_b": REDUCTION_B,
    **{f"inception_c{i}": C for i in range(1, 4)},
}


@register(
    year=2016,
    input_shape=(299, 299, 3),
    minimum=75,
    counts=(42_679_816, 42_742_984, 12_253_974_624),
    published={"top-1 / top-5 error": "20.0 / 5.0 (one crop), 17.7 / 3.8 (144 crops)"},
    proof="modules of the shared grammar equal NumPy",
)
@network
def inception_v4(
    inputs: KerasTensor, top: Top, *, bn_scale: bool = True
) -> KerasTensor:
    """Inception v4, 2016.

    Args:
        bn_scale: Whether the batch norms have a gamma.
    """
    conv = slim_conv_bn(bn_scale)
    x = v4_stem(inputs, conv)
    for name, branches in FIGURE_9.items():
        x = inception(x, branches, conv=conv, name=name)
    return top(x, gap_head, dropout=0.2)
