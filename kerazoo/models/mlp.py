"""Multi-layer perceptrons: the ladder that the seminar climbs before convolutions.

Deep-learning seminar slides, 2017: one hidden layer of 256 reaches about 92 %, five
layers with ReLU about 97 %, dropout and Xavier initialisation about 99 % on MNIST. The
five-layer network is lab 10 of Sung Kim: Deep Learning Zero To All, 2017.

Differs from the paper:
- `mlp_50` is the slides' TwoLayerNet. How it starts and learns, uniform weights and a
  binary cross-entropy, is the recipe `two_layer_net`; with ReLU, batch norm and Adam,
  `two_layer_net_improved`.
- `mlp_256`: the slides give no hidden activation in words; it is ReLU here.
- `mlp_deep5`: the slides fix neither width nor dropout; the lab's 512 units and a rate
  of 0.3 (its `keep_prob` of 0.7) are built.
"""

from keras import KerasTensor, layers

from kerazoo.blocks import batch_norm as norm
from kerazoo.blocks import dense_head
from kerazoo.builder import Top, network
from kerazoo.reader import Count, HiddenActivation, Rate
from kerazoo.registry import register

MNIST = {"year": 2017, "input_shape": (28, 28, 1), "classes": 10}


def mlp(
    inputs: KerasTensor,
    top: Top,
    *,
    units: tuple[Count, ...] = (256,),
    activation: HiddenActivation = "relu",
    batch_norm: bool = False,
    dropout: Rate | tuple[Rate, ...] = 0.0,
) -> KerasTensor:
    """Flatten, hidden layers, one dense layer to the classes.

    Args:
        units: The widths of the hidden layers.
        activation: The hidden layers'.
        batch_norm: Whether a batch norm stands before every activation.
        dropout: The share of hidden units dropped in training, of every hidden layer
            or one for each; one more begins with that of the pixels.
    """
    rates = dropout if isinstance(dropout, tuple) else (dropout,) * len(units)
    x = layers.Flatten(name="flatten")(inputs)
    if len(rates) == len(units) + 1:
        x = layers.Dropout(rates[0], name="drop0")(x) if rates[0] else x
        rates = rates[1:]
    if len(rates) != len(units):
        raise ValueError(
            f"dropout has {len(rates)} shares for {len(units)} hidden layers; give one "
            "for each, one more for the pixels before them, or one number for all."
        )
    for number, (width, rate) in enumerate(zip(units, rates, strict=True), 1):
        name = f"hidden{number}"
        if batch_norm:
            x = layers.Dense(width, name=name)(x)
            x = norm(x, activation, name=f"bn{number}")
        else:
            x = layers.Dense(width, activation=activation, name=name)(x)
        if rate:
            x = layers.Dropout(rate, name=f"drop{number}")(x)
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
