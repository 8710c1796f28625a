"""Multi-layer perceptrons: the ladder that the seminar climbs before convolutions.

Deep-learning seminar slides, 2017: one hidden layer reaches about 92 %, five layers
with ReLU about 97 %, dropout and Xavier initialisation 98 to 99 % on MNIST. The
five-layer network is lab 10 of Sung Kim: Deep Learning Zero To All, 2017.

Differs from the paper:
- `mlp_256`: the slides give no hidden activation in words; it is ReLU here.
- `mlp_deep5`: the slides fix neither width nor dropout; the lab's 512 units and a rate
  of 0.3 (its `keep_prob` of 0.7) are built.
"""

from keras import KerasTensor, layers

from kerazoo.blocks import dense_head
from kerazoo.builder import Top, network
from kerazoo.reader import Count, Rate
from kerazoo.registry import register

MNIST = {"year": 2017, "input_shape": (28, 28, 1), "classes": 10}


def mlp(
    inputs: KerasTensor,
    top: Top,
    *,
    units: tuple[Count, ...] = (256,),
    activation: str = "relu",
    dropout: Rate = 0.0,
) -> KerasTensor:
    """Flatten, hidden layers, one dense layer to the classes.

    Args:
        units: The widths of the hidden layers.
        activation: The hidden layers'.
        dropout: The share of hidden units dropped in training.
    """
    x = layers.Flatten(name="flatten")(inputs)
    for number, width in enumerate(units, 1):
        x = layers.Dense(width, activation=activation, name=f"hidden{number}")(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"drop{number}")(x)
    return top(x, dense_head)


@register(**MNIST, counts=(39_760, 39_760, 39_700))
@network(mlp, units=(50,), activation="sigmoid")
def mlp_50():
    """A perceptron with one hidden layer of 50 sigmoid units."""


@register(**MNIST, counts=(203_530, 203_530, 203_264))
@network(mlp, units=(256,))
def mlp_256():
    """A perceptron with one hidden layer of 256 units."""


@register(**MNIST, counts=(1_195_018, 1_195_018, 1_192_960))
@network(mlp, units=(512, 512, 512, 512), dropout=0.3)
def mlp_deep5():
    """A perceptron of five weight layers with ReLU, Xavier's weights and dropout."""
