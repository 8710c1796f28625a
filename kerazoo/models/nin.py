"""Network in Network: 1x1 convolutions, and an average in place of dense layers.

Min Lin, Qiang Chen, Shuicheng Yan: Network In Network. ICLR 2014, arXiv 1312.4400.
Section 3, Figure 2, Tables 1 and 3. Widths and names of layers: the authors' code.

Differs from the paper:
- The paper gives no widths; they are those of the authors' cuda-convnet configuration
  for CIFAR-10, and of their model in Caffe's zoo for ImageNet, which the paper has not.
- `final_relu`: the class maps too pass a ReLU in the authors' configuration; `False`
  leaves it out, as in the code of Deeply-Supervised Nets.
- `second_pool`, `pool_padding`: both poolings take the maximum and round up, as the
  authors' configuration; pytorchcv's copy averages in the second, and pads both by a
  pixel, which the average counts.
- `nin_imagenet` is initialised as the CIFAR network.
"""

from collections.abc import Sequence
from typing import Literal

from keras import KerasTensor, layers

from kerazoo.blocks import conv, conv_head, initializer
from kerazoo.builder import Top, network
from kerazoo.layers import CeilMaxPooling2D, PaddedMaxPooling2D
from kerazoo.registry import register

# The authors' configurations: maps, kernel, stride, padding of each convolution, then
# the maps of the two 1x1 convolutions behind it ("cascaded cross channel parametric
# pooling", cccp); the very last has a map for each class.
CIFAR = (((192, 5, 1, 2), 160, 96), ((192, 5, 1, 2), 192, 192), ((192, 3, 1, 1), 192))
IMAGENET = (
    ((96, 11, 4, "valid"), 96, 96),
    ((256, 5, 1, 2), 256, 256),
    ((384, 3, 1, 1), 384, 384),
    ((1024, 3, 1, 1), 1024),
)
GAUSSIAN = {"kernel_initializer": initializer("RandomNormal", stddev=0.05)}


def pooled(x: KerasTensor, kind: str, padding: str, *, name: str) -> KerasTensor:
    """A 3x3 pooling with a stride of 2; an average counts the zeros around."""
    if kind == "max":
        pool = CeilMaxPooling2D if padding == "ceil" else PaddedMaxPooling2D
        return pool(3, 2, name=name)(x)
    if padding == "ceil":
        raise ValueError(
            "second_pool='avg' is of copies that pad on every side; give "
            "pool_padding='symmetric' with it."
        )
    x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    return layers.AveragePooling2D(3, 2, name=name)(x)


def nin(
    inputs: KerasTensor,
    top: Top,
    table: Sequence,
    dropped: Sequence[int],
    *,
    second_pool: Literal["max", "avg"] = "max",
    pool_padding: Literal["ceil", "symmetric"] = "ceil",
    final_relu: bool = True,
) -> KerasTensor:
    """Mlpconv layers, pooled in between; the maps after ``dropped`` pass dropout.

    Args:
        second_pool: The kind of the second pooling.
        pool_padding: Whether a pooling rounds up, or has a pixel on every side.
        final_relu: Whether a ReLU follows the class maps.
    """
    x, cccp = inputs, 0
    for number, ((filters, kernel, strides, padding), *inner) in enumerate(table, 1):
        options = {"padding": padding, "name": f"conv{number}", **GAUSSIAN}
        x = conv(x, filters, kernel, strides, **options)
        for width in inner:
            cccp += 1
            x = conv(x, width, 1, name=f"cccp{cccp}", **GAUSSIAN)
        if number < len(table):
            kind = second_pool if number == 2 else "max"
            x = pooled(x, kind, pool_padding, name=f"pool{number}")
        if number in dropped:
            x = layers.Dropout(0.5, name=f"drop{number}")(x)
    final = {"final_activation": "relu" if final_relu else None}
    return top(x, conv_head, name=f"cccp{cccp + 1}", **final, **GAUSSIAN)


@register(
    year=2013,
    input_shape=(32, 32, 3),
    classes=10,
    minimum=4,
    counts=(966_986, 966_986, 222_486_528),
    published={"CIFAR-10 error": "10.41, augmented 8.81", "CIFAR-100 error": "35.68"},
)
@network(nin, table=CIFAR, dropped=(1, 2))
def nin_cifar():
    """Network in Network for CIFAR-10."""


@register(
    year=2013,
    input_shape=(224, 224, 3),
    minimum=39,
    counts=(7_595_176, 7_595_176, 1_100_188_800),
)
@network(nin, table=IMAGENET, dropped=(3,))
def nin_imagenet():
    """Network in Network for ImageNet, as in Caffe's model zoo."""
