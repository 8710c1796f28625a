"""Highway network: gates choose between a layer's output and its input.

Rupesh Kumar Srivastava, Klaus Greff, Juergen Schmidhuber: Highway Networks. ICML 2015
workshop, arXiv 1505.00387. Training Very Deep Networks. NIPS 2015, arXiv 1507.06228.
Section 2, the 19-layer network of the CIFAR table.

Differs from the paper:
- The papers print no table of this network; the layers are those of the authors' Caffe
  file. Its last average is over 8x8 positions, here over all there are.
"""

from functools import partial

from keras import KerasTensor, layers

from kerazoo.blocks import XAVIER, conv, gap_head, initializer
from kerazoo.blocks.conv import Convolution
from kerazoo.builder import Top, network
from kerazoo.layers import CeilMaxPooling2D
from kerazoo.reader import Rate
from kerazoo.registry import register

# Width and number of highway layers of every stage; a highway layer cannot change the
# width, so that a plain convolution opens each.
STAGES = ((32, 4), (80, 5), (128, 5))
# Section 2.2: a negative bias makes every layer begin as the identity, nearly.
CARRY = initializer("Constant", value=-2.0)


def highway(x: KerasTensor, step: Convolution, *, name: str) -> KerasTensor:
    """``H * T + x * (1 - T)``, written ``x + T * (H - x)``."""
    filters = x.shape[-1]
    h = step(x, filters, 3, name=f"{name}_conv1")
    gate = {"activation": "sigmoid", "bias_initializer": CARRY}
    t = step(x, filters, 3, name=f"{name}_gate1", **gate)
    change = layers.Subtract(name=f"{name}_change")([h, x])
    gated = layers.Multiply(name=f"{name}_gated")([t, change])
    return layers.Add(name=f"{name}_add")([x, gated])


@register(
    year=2015,
    input_shape=(32, 32, 3),
    classes=10,
    counts=(2_256_838, 2_256_838, 330_826_728),
    published={
        "parameters": "2.3 M",
        "CIFAR-10 error": "7.54 best, 7.72 mean",
        "CIFAR-100 error": "32.39",
    },
    proof="a highway layer equals the paper's formula in NumPy",
)
@network
def highway19(inputs: KerasTensor, top: Top, *, dropout: Rate = 0.2) -> KerasTensor:
    """The highway network of 19 layers.

    Args:
        dropout: The share dropped of the images, after the poolings and at the end.
    """
    step = partial(conv, kernel_initializer=XAVIER)
    x = layers.Dropout(dropout, name="drop0")(inputs)
    for stage, (filters, blocks) in enumerate(STAGES, 1):
        if stage > 1:
            x = CeilMaxPooling2D(2, 2, name=f"stage{stage}_pool")(x)
            x = layers.Dropout(dropout, name=f"stage{stage}_drop")(x)
        x = step(x, filters, 3, name=f"stage{stage}_conv1")
        for block in range(1, blocks + 1):
            x = highway(x, step, name=f"stage{stage}_block{block}")
    x = step(x, 100, 1, name="conv19")
    return top(x, gap_head, dropout=dropout, kernel_initializer=XAVIER)
