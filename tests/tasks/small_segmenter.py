"""A network for segmentation that trains in seconds.

N. Obody: Three convolutions, 2026.

Differs from the paper:
- nothing.
"""

from keras import KerasTensor

from kerazoo.blocks import conv
from kerazoo.builder import Top, network
from kerazoo.models.enet import pixel_head
from kerazoo.registry import register


@register(
    year=2026, input_shape=(32, 32, 3), classes=2, minimum=8, task="segmentation",
    counts=(1, 1, 1),
)  # fmt: skip
@network
def small_segmenter(inputs: KerasTensor, top: Top) -> KerasTensor:
    """Two strided convolutions and a class for every fourth pixel."""
    x = conv(inputs, 8, 5, 2, name="conv1")
    x = conv(x, 16, 5, 2, name="conv2")
    return top(x, pixel_head, transposed=False)
