"""All-CNN: strided convolutions do the pooling, nothing but convolutions is left.

Jost Tobias Springenberg, Alexey Dosovitskiy, Thomas Brox, Martin Riedmiller: Striving
for Simplicity: The All Convolutional Net. ICLR 2015 workshop, arXiv 1412.6806. Section
2, Tables 1 and 2, Section 3.1.

Differs from the paper:
- The padding is not printed: all convolutions keep the size of their input but the last
  3x3, without which the average would not be over the 6x6 positions of Table 1;
  `conv7_padding="same"` (All-CNN-C) averages over 8x8, as neon's copy does.
- The convolutions of stride 2 pad a pixel on every side, as Caffe does.
"""

import itertools
from typing import Literal

from keras import KerasTensor, layers

from kerazoo.blocks import conv, conv_head
from kerazoo.builder import Top, network
from kerazoo.registry import register

# Table 1: kernel and width of what stands before each pooling. Section 2 and Table 2:
# the pooling becomes a 3x3 convolution of stride 2 and as many channels.
TABLE_1 = {
    "A": ([(5, 96)], [(5, 192)]),
    "B": ([(5, 96), (1, 96)], [(5, 192), (1, 192)]),
    "C": ([(3, 96), (3, 96)], [(3, 192), (3, 192)]),
}
CIFAR = {"year": 2014, "input_shape": (32, 32, 3), "classes": 10, "minimum": 9}


def all_cnn(
    inputs: KerasTensor, top: Top, model: str, padding: str = "valid"
) -> KerasTensor:
    """Two stages that end in a strided convolution, then 3x3, 1x1 and the classes."""
    names = (f"conv{number}" for number in itertools.count(1))
    x = layers.Dropout(0.2, name="drop0")(inputs)
    for stage, rows in enumerate(TABLE_1[model], 1):
        for kernel, filters in rows:
            x = conv(x, filters, kernel, name=next(names))
        x = conv(x, filters, 3, 2, padding=1, name=next(names))
        x = layers.Dropout(0.5, name=f"drop{stage}")(x)
    x = conv(x, 192, 3, padding=padding, name=next(names))
    x = conv(x, 192, 1, name=next(names))
    return top(x, conv_head, final_activation="relu", name=next(names))


@register(
    **CIFAR,
    counts=(1_254_250, 1_254_250, 181_145_088),
    published={"parameters": "1.28 M", "CIFAR-10 error": "10.30"},
)
@network(all_cnn, model="A")
def all_cnn_a():
    """All-CNN-A: a 5x5 convolution before each strided one."""


@register(
    **CIFAR,
    counts=(1_300_618, 1_300_618, 200_019_456),
    published={"parameters": "1.35 M", "CIFAR-10 error": "9.10"},
)
@network(all_cnn, model="B")
def all_cnn_b():
    """All-CNN-B: a 5x5 and a 1x1 convolution before each strided one."""


@register(
    **CIFAR,
    counts=(1_369_738, 1_369_738, 270_798_336),
    published={
        "parameters": "1.4 M",
        "CIFAR-10 error": "9.08, augmented 7.25",
        "CIFAR-100 error": "33.71",
    },
)
@network
def all_cnn_c(
    inputs: KerasTensor, top: Top, *, conv7_padding: Literal["valid", "same"] = "valid"
) -> KerasTensor:
    """All-CNN-C: two 3x3 convolutions before each strided one.

    Args:
        conv7_padding: Of the last 3x3 convolution; padded, 8x8 positions are averaged.
    """
    return all_cnn(inputs, top, "C", conv7_padding)
