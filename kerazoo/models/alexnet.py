"""AlexNet: ReLU, dropout and two GPUs made a deep network win ImageNet.

Alex Krizhevsky, Ilya Sutskever, Geoffrey Hinton: ImageNet Classification with Deep
Convolutional Neural Networks. NIPS 2012. Section 3, Figure 2. One tower: Alex
Krizhevsky: One weird trick for parallelizing convolutional neural networks. arXiv
1404.5997.

Differs from the paper:
- The input is 227x227: the paper prints 224, which with the stride of 4 and no padding
  gives 54 columns, not the 55 of its Figure 2 (cuda-convnet rounds up).
- `groups`: the default 1 is the network that slides draw, in one piece, with 62.4 M
  parameters; 2 splits conv2, conv4 and conv5 over two towers as the paper does, 61.0 M.
- `norm_order`: the paper normalises, then pools; `"pool_norm"` is the order of CaffeNet
  and of slides that list the pooling first.
- `lrn_alpha_mode`: `"sum"` is the paper's formula; `"mean"` divides alpha by the window
  of 5, as cuda-convnet, Caffe and PyTorch do.
- `lrn_k`: the paper's constant is 2; Caffe's models were trained with its default of 1.
"""

from functools import partial
from typing import Literal

from keras import KerasTensor, layers

from kerazoo.blocks import conv, initializer, mlp_head
from kerazoo.blocks.bodies import norm_and_pool
from kerazoo.builder import Top, network
from kerazoo.layers import CeilMaxPooling2D
from kerazoo.reader import Positive
from kerazoo.registry import register

# Section 5: weights from N(0, 0.01); biases of 1 in conv2, conv4, conv5 and the hidden
# fully connected layers, "to provide the ReLUs with positive inputs", 0 elsewhere.
GAUSSIAN = {"kernel_initializer": initializer("RandomNormal", stddev=0.01)}
ONES = GAUSSIAN | {"bias_initializer": "ones"}


@register(
    year=2012,
    input_shape=(227, 227, 3),
    minimum=39,
    counts=(62_378_344, 62_378_344, 1_135_256_096),
    published={"parameters": "60 M (two towers)", "top-1 / top-5 error": "40.7 / 18.2"},
    differs=(
        "The poolings round up, as those of cuda-convnet and Caffe: no difference at "
        "227, and 224 pixels too come to 27, 13 and 6.",
    ),
)
@network
def alexnet(
    inputs: KerasTensor,
    top: Top,
    *,
    groups: Literal[1, 2] = 1,
    norm_order: Literal["norm_pool", "pool_norm"] = "norm_pool",
    lrn_alpha_mode: Literal["sum", "mean"] = "sum",
    lrn_k: Positive = 2.0,
) -> KerasTensor:
    """AlexNet, 2012.

    Args:
        groups: The towers; the paper has two.
        norm_order: Whether a pooling follows its normalisation.
        lrn_alpha_mode: Whether alpha weighs the sum or the mean of the squares.
        lrn_k: What the normalisation adds to the weighed squares.
    """
    norm_pool = partial(
        norm_and_pool, order=norm_order, k=lrn_k, alpha_mode=lrn_alpha_mode
    )
    x = conv(inputs, 96, 11, 4, padding="valid", name="conv1", **GAUSSIAN)
    x = norm_pool(x, 1)
    x = conv(x, 256, 5, groups=groups, name="conv2", **ONES)
    x = norm_pool(x, 2)
    x = conv(x, 384, 3, name="conv3", **GAUSSIAN)
    x = conv(x, 384, 3, groups=groups, name="conv4", **ONES)
    x = conv(x, 256, 3, groups=groups, name="conv5", **ONES)
    x = CeilMaxPooling2D(3, 2, name="pool5")(x)
    return top(x, mlp_head, **ONES)


@register(
    year=2014,
    input_shape=(224, 224, 3),
    minimum=63,
    counts=(61_100_840, 61_100_840, 714_188_480),
    published={"top-1 error": "41.8"},
    differs=(
        "Without local response normalisation, as PyTorch's copy; cuda-convnet2's "
        "configuration keeps two.",
        "The poolings round down, as PyTorch's; cuda-convnet2 rounds up. At 224 the "
        "two agree.",
    ),
)
@network
def alexnet_owt(inputs: KerasTensor, top: Top) -> KerasTensor:
    """AlexNet in one tower, 2014 ("one weird trick")."""
    x = conv(inputs, 64, 11, 4, padding=2, name="conv1", **GAUSSIAN)
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)
    x = conv(x, 192, 5, name="conv2", **ONES)
    x = layers.MaxPooling2D(3, 2, name="pool2")(x)
    x = conv(x, 384, 3, name="conv3", **GAUSSIAN)
    x = conv(x, 256, 3, name="conv4", **ONES)
    x = conv(x, 256, 3, name="conv5", **ONES)
    x = layers.MaxPooling2D(3, 2, name="pool5")(x)
    return top(x, partial(mlp_head, dropout_first=True), **ONES)
