"""OverFeat: a classifier that slides over larger images at the price of one pass.

Pierre Sermanet, David Eigen, Xiang Zhang, Michael Mathieu, Rob Fergus, Yann LeCun:
OverFeat: Integrated Recognition, Localization and Detection using Convolutional
Networks. ICLR 2014, arXiv 1312.6229. Tables 1, 3 and 5, section 3.3, Figure 3.

Differs from the paper:
- Table 1 prints 24x24 for what enters the second convolution; its own kernels and
  strides give 28x28, and 24x24 for what leaves it.
- A larger image has a score for every window; the network returns the best of them for
  every class, as section 3.3, or with `dense=True` their map. The best is taken before
  the softmax, of which the paper does not say. It then averages over scales and flips,
  which takes several images.
- `offsets` pools the last map at every offset, (0, 1, 2) x (0, 1, 2) in the accurate
  network, and interleaves the score maps. It is computed as a pooling of stride 1 and a
  first classifier layer dilated by the pooling's stride, which is the same.
- On an image too small for the first classifier layer, that layer spans the whole map.
"""

from collections.abc import Sequence
from typing import NamedTuple

from keras import KerasTensor, layers

from kerazoo.blocks import conv, initializer
from kerazoo.blocks.conv import Activation
from kerazoo.blocks.inception import Conv
from kerazoo.builder import Top, network
from kerazoo.registry import register


class Pool(NamedTuple):
    """A max pooling without overlap."""

    size: int


class Classifier(NamedTuple):
    """The first layer of the classifier."""

    width: int
    window: int


FAST = (  # Table 1
    Conv(96, 11, 4, "valid"), Pool(2), Conv(256, 5, 1, "valid"), Pool(2),
    Conv(512, 3), Conv(1024, 3), Conv(1024, 3), Pool(2), Classifier(3072, 6),
)  # fmt: skip
ACCURATE = (  # Table 3
    Conv(96, 7, 2, "valid"), Pool(3), Conv(256, 7, 1, "valid"), Pool(2), Conv(512, 3),
    Conv(512, 3), Conv(1024, 3), Conv(1024, 3), Pool(3), Classifier(4096, 5),
)  # fmt: skip
GAUSSIAN = {"kernel_initializer": initializer("RandomNormal", stddev=0.01)}


def sliding_head(
    x: KerasTensor,
    classes: int,
    activation: Activation,
    *,
    width: int,
    window: int,
    dilation: int,
    dense: bool,
    first: int,
) -> KerasTensor:
    """Dense layers as convolutions, and the best score of every class."""
    options = {"padding": "valid", "dilation_rate": dilation, "name": f"fc{first}"}
    x = conv(x, width, window, **options, **GAUSSIAN)
    x = layers.Dropout(0.5, name=f"drop{first}")(x)
    x = conv(x, 4096, 1, name=f"fc{first + 1}", **GAUSSIAN)
    x = layers.Dropout(0.5, name=f"drop{first + 1}")(x)
    x = conv(x, classes, 1, activation=None, name=f"fc{first + 2}", **GAUSSIAN)
    if not dense:
        x = layers.GlobalMaxPooling2D(name="head_pool")(x)
    return layers.Activation(activation, dtype="float32", name="predictions")(x)


def overfeat(
    inputs: KerasTensor,
    top: Top,
    table: Sequence,
    *,
    dense: bool = False,
    offsets: bool = False,
) -> KerasTensor:
    """Convolutions and poolings without overlap, and a classifier that slides.

    Args:
        dense: Whether to return the map of class scores, ``(batch, height, width,
            classes)``, one place for every window of the default input's size, in place
            of their maxima.
        offsets: Whether the windows lie a pooling's stride closer (section 3.3): 18
            pixels apart in the fast network, 12 in the accurate one, not 36.
    """
    *body, (pool,), (width, window) = table
    x, number = inputs, 0
    for step in body:
        if isinstance(step, Pool):
            x = layers.MaxPooling2D(step.size, name=f"pool{number}")(x)
        else:
            number += 1
            filters, kernel_size, strides, padding = step
            options = {"padding": padding or "same", "name": f"conv{number}"}
            x = conv(x, filters, kernel_size, strides, **options, **GAUSSIAN)
    window = [window if n is None else min(window, n // pool) for n in x.shape[1:3]]
    stride, dilation = (1, pool) if offsets else (pool, 1)
    x = layers.MaxPooling2D(pool, stride, name=f"pool{number}")(x)
    return top(
        x,
        sliding_head,
        width=width,
        window=window,
        dilation=dilation,
        dense=dense,
        first=number + 1,
    )


@register(
    year=2013,
    input_shape=(231, 231, 3),
    minimum=71,
    counts=(145_920_872, 145_920_872, 2_801_403_904),
    published={
        "parameters": "145 M",
        "connections": "2,810 M",
        "top-5 error": "16.39",
    },
)
@network(overfeat, table=FAST)
def overfeat_fast():
    """OverFeat's fast network."""


@register(
    year=2013,
    input_shape=(221, 221, 3),
    minimum=77,
    counts=(144_656_488, 144_656_488, 5_355_446_784),
    published={
        "parameters": "144 M",
        "connections": "5,369 M",
        "top-5 error": "14.18",
    },
)
@network(overfeat, table=ACCURATE)
def overfeat_accurate():
    """OverFeat's accurate network."""
