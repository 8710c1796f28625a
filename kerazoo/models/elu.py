"""ELU networks: exponential linear units push mean activations towards zero.

Djork-Arne Clevert, Thomas Unterthiner, Sepp Hochreiter: Fast and Accurate Deep Network
Learning by Exponential Linear Units (ELUs). ICLR 2016, arXiv 1511.07289. Sections 4.2
and 4.3, the lists of layers in the text.

Differs from the paper:
- The padding of the 1x1, 2x2 and 3x3 convolutions is not printed; all keep the size of
  their input.
- Five poolings bring 32 pixels down to one and the lists have more: they round up, so
  that a single pixel stays one.
- The classes are a 1x1 convolution without activation, averaged over what positions are
  left (one, for images of 32 pixels).
"""

from collections.abc import Sequence
from functools import partial

from keras import KerasTensor, layers

from kerazoo.blocks import HE, conv, conv_head
from kerazoo.builder import Top, network
from kerazoo.layers import CeilMaxPooling2D
from kerazoo.registry import register

# Layers, units, kernel of every stack; the last stack of the paper's lists, 1 x classes
# x 1, is the head's.
ELU_11 = (
    [(1, 192, 5)],
    [(1, 192, 1), (1, 240, 3)],
    [(1, 240, 1), (1, 260, 2)],
    [(1, 260, 1), (1, 280, 2)],
    [(1, 280, 1), (1, 300, 2)],
    [(1, 300, 1)],
)
ELU_18 = (
    [(1, 384, 3)],
    [(1, 384, 1), (1, 384, 2), (2, 640, 2)],
    [(1, 640, 1), (3, 768, 2)],
    [(1, 768, 1), (2, 896, 2)],
    [(1, 896, 3), (2, 1024, 2)],
    [(1, 1024, 1), (1, 1152, 2)],
    [(1, 1152, 1)],
)
# Dropout in the last layer of every stack.
DROPOUT = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.0)
CIFAR_100 = {"year": 2015, "input_shape": (32, 32, 3), "classes": 100}


def elu(inputs: KerasTensor, top: Top, stacks: Sequence) -> KerasTensor:
    """Stacks of convolutions with ELUs, a pooling and dropout after each."""
    step = partial(conv, kernel_initializer=HE)
    x = inputs
    for stack, (rows, rate) in enumerate(zip(stacks, DROPOUT, strict=False), 1):
        steps = [(units, kernel) for n, units, kernel in rows for _ in range(n)]
        for number, (units, kernel) in enumerate(steps, 1):
            name = f"stage{stack}_conv{number}"
            x = step(x, units, kernel, activation="elu", name=name)
        x = CeilMaxPooling2D(2, 2, name=f"stage{stack}_pool")(x)
        if rate:
            x = layers.Dropout(rate, name=f"stage{stack}_drop")(x)
    return top(x, conv_head, kernel_initializer=HE, name="head_conv")


@register(
    **CIFAR_100,
    depth=11,
    counts=(1_669_028, 1_669_028, 157_530_304),
    published={"CIFAR-100 error": "28.75"},
    differs=("The paper counts its classifier among the 11 layers.",),
)
@network(elu, stacks=ELU_11)
def elu11():
    """The ELU network of 11 layers."""


@register(
    **CIFAR_100,
    depth=18,
    counts=(39_330_404, 39_330_404, 1_496_908_288),
    published={"CIFAR-10 error": "6.55", "CIFAR-100 error": "24.28"},
    differs=("The paper's list has 19 convolutions: 18 and the classifier.",),
)
@network(elu, stacks=ELU_18)
def elu18():
    """The ELU network of 18 layers."""
