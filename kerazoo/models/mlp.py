"""Multi-layer perceptrons: the ladder that the seminar climbs before convolutions.

Deep-learning seminar slides, 2017: one hidden layer reaches about 92 %, five layers
with ReLU about 97 %, dropout and Xavier initialisation 98 to 99 % on MNIST. The
five-layer network is lab 10 of Sung Kim: Deep Learning Zero To All, 2017.

Differs from the paper:
- `mlp_256`: the slides give no hidden activation in words; `activation` is an option.
- `mlp_deep5`: the slides fix neither width nor dropout; the lab's 512 units and a rate
  of 0.3 (its `keep_prob` of 0.7) are built, and both are options.
"""

from keras import layers

from kerazoo.blocks import dense_head
from kerazoo.builder import network
from kerazoo.registry import register

MNIST = {"year": 2017, "input_shape": (28, 28, 1), "classes": 10}


def mlp(inputs, top, units, activation, dropout=0.0):
    """Flatten, hidden layers, one dense layer to the classes."""
    x = layers.Flatten(name="flatten")(inputs)
    for number, width in enumerate(units, 1):
        x = layers.Dense(width, activation=activation, name=f"hidden{number}")(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"drop{number}")(x)
    return top(x, dense_head)


@register(**MNIST, trainable=39_760, total=39_760, macs=39_700)
@network
def mlp_50(inputs, top):
    """A perceptron with one hidden layer of 50 sigmoid units."""
    return mlp(inputs, top, (50,), "sigmoid")


@register(**MNIST, trainable=203_530, total=203_530, macs=203_264)
@network
def mlp_256(inputs, top, *, activation="relu"):
    """A perceptron with one hidden layer of 256 units.

    Args:
        activation: The hidden layer's.
    """
    return mlp(inputs, top, (256,), activation)


@register(**MNIST, trainable=1_195_018, total=1_195_018, macs=1_192_960)
@network
def mlp_deep5(inputs, top, *, units=(512, 512, 512, 512), dropout=0.3):
    """A perceptron of five weight layers with ReLU, Xavier initialisation and dropout.

    Args:
        units: The widths of the hidden layers.
        dropout: The share of hidden units dropped in training.
    """
    return mlp(inputs, top, units, "relu", dropout)
