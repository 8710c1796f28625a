"""LeNet-5: convolution, pooling and learning end to end read the cheques of banks.

Yann LeCun, Leon Bottou, Yoshua Bengio, Patrick Haffner: Gradient-Based Learning Applied
to Document Recognition. Proceedings of the IEEE 86(11), 1998. Section II, Figure 2,
Table I.

Differs from the paper:
- `lenet5` is what slides and courses call LeNet-5 (conv, pool, conv, pool, conv, fc):
  full connections, max pooling, ReLU, softmax, and the 28x28 of MNIST, padded by the
  first convolution; `pool="avg", activation="tanh"` is the other common reading, and
  `padding="valid"` that of courses which leave the images as they are (44,426 weights).
- `lenet_caffe` is what Caffe's tutorial calls LeNet: wider, without ReLUs behind its
  convolutions, and with ReLU behind its dense layer.
- `lenet5_original`: the class scores are the negative distances to the targets: the
  largest wins, where the paper takes the smallest distance.
- `lenet5_original`: the targets are drawn anew, 7x12 pixels each; the paper prints its
  own as a figure only. Other classes than ten digits get rows of a Hadamard matrix.
- `lenet5_original`: biases start at 0.
"""

from typing import Literal

from keras import KerasTensor, layers

from kerazoo.blocks import XAVIER, conv, mlp_head
from kerazoo.blocks.conv import Activation
from kerazoo.builder import Top, network
from kerazoo.layers import (
    RBF,
    CeilMaxPooling2D,
    FanInUniform,
    Subsampling2D,
    TableConv2D,
    scaled_tanh,
)
from kerazoo.reader import HiddenActivation
from kerazoo.registry import register

POOLS = {"max": layers.MaxPooling2D, "avg": layers.AveragePooling2D}


@register(
    year=1998,
    input_shape=(28, 28, 1),
    classes=10,
    minimum=28,
    counts=(61_706, 61_706, 416_520),
)
@network
def lenet5(
    inputs: KerasTensor,
    top: Top,
    *,
    pool: Literal["max", "avg"] = "max",
    activation: HiddenActivation = "relu",
    padding: Literal["same", "valid"] = "same",
) -> KerasTensor:
    """LeNet-5 as it is taught: conv, pool, conv, pool, conv, fc.

    Args:
        pool: The kind of both poolings.
        activation: That of every hidden layer.
        padding: Of the first convolution; without, the last one covers what is left.
    """
    x = conv(inputs, 6, 5, padding=padding, activation=activation, name="conv1")
    x = POOLS[pool](2, name="pool2")(x)
    x = conv(x, 16, 5, padding="valid", activation=activation, name="conv3")
    x = POOLS[pool](2, name="pool4")(x)
    last = 5 if padding == "same" else 4
    x = conv(x, 120, last, padding="valid", activation=activation, name="conv5")
    return top(x, mlp_head, units=(84,), dropout=0, hidden_activation=activation)


@register(
    year=2014,
    input_shape=(28, 28, 1),
    classes=10,
    minimum=13,
    counts=(431_080, 431_080, 2_293_000),
)
@network
def lenet_caffe(inputs: KerasTensor, top: Top) -> KerasTensor:
    """LeNet as in Caffe's examples."""
    xavier = {"kernel_initializer": XAVIER}
    x = conv(
        inputs, 20, 5, padding="valid", activation=None, name="conv1", **xavier
    )  # fmt: skip
    x = CeilMaxPooling2D(2, 2, name="pool1")(x)
    x = conv(x, 50, 5, padding="valid", activation=None, name="conv2", **xavier)
    x = CeilMaxPooling2D(2, 2, name="pool2")(x)
    return top(x, mlp_head, units=(500,), dropout=0, first=3, **xavier)


def rbf_head(x: KerasTensor, classes: int, activation: Activation) -> KerasTensor:
    """F6 and the distances of its 84 outputs to a fixed picture of every class."""
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(84, scaled_tanh, kernel_initializer=FanInUniform(), name="f6")(x)
    x = RBF(classes, negate=True, dtype="float32", name="rbf")(x)
    return layers.Activation(activation, dtype="float32", name="predictions")(x)


@register(
    year=1998,
    input_shape=(32, 32, 1),
    classes=10,
    minimum=32,
    counts=(60_000, 60_000, 326_520),
    published={"parameters": "60,000", "connections": "340,908", "error": "0.95 %"},
)
@network
def lenet5_original(inputs: KerasTensor, top: Top) -> KerasTensor:
    """LeNet-5 of 1998: trained subsampling, a connection table, RBF outputs."""

    def full(x, filters, name):
        return conv(
            x,
            filters,
            5,
            padding="valid",
            activation=scaled_tanh,
            kernel_initializer=FanInUniform(),
            name=name,
        )

    x = full(inputs, 6, "c1")
    x = Subsampling2D(2, activation=scaled_tanh, name="s2")(x)
    x = TableConv2D(activation=scaled_tanh, name="c3")(x)
    x = Subsampling2D(2, activation=scaled_tanh, name="s4")(x)
    x = full(x, 120, "c5")
    return top(x, rbf_head)
