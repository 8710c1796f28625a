"""Heads: from a feature map to class scores; the last activation is in float32."""

from collections.abc import Sequence
from typing import Any

from keras import KerasTensor, layers

from kerazoo.blocks.conv import Activation, conv


def dense_head(
    x: KerasTensor, classes: int, activation: Activation, **options: Any
) -> KerasTensor:
    """The last dense layer, in float32 under every precision for an exact softmax."""
    return layers.Dense(
        classes, activation=activation, dtype="float32", name="predictions", **options
    )(x)


def gap_head(
    x: KerasTensor,
    classes: int,
    activation: Activation,
    *,
    dropout: float = 0.0,
    **options: Any,
) -> KerasTensor:
    """Global average pooling, dropout, one dense layer (Lin et al. 2013, sec. 3.2).

    Args:
        x: A tensor ``(batch, height, width, channels)``.
        classes: Number of classes.
        activation: The classifier's activation.
        dropout: The share of pooled features dropped in training.
        **options: What else ``keras.layers.Dense`` takes.
    """
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    if dropout:
        x = layers.Dropout(dropout, name="head_dropout")(x)
    return dense_head(x, classes, activation, **options)


def mlp_head(
    x: KerasTensor,
    classes: int,
    activation: Activation,
    *,
    units: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
    dropout_first: bool = False,
    hidden_activation: Activation = "relu",
    first: int = 6,
    bias_initializer: Any = "zeros",
    **options: Any,
) -> KerasTensor:
    """The flattened map through fully connected layers, as in AlexNet and VGG.

    Args:
        x: A tensor ``(batch, height, width, channels)`` of fixed height and width.
        classes: Number of classes.
        activation: The classifier's activation.
        units: The widths of the hidden layers.
        dropout: The share of hidden units dropped in training.
        dropout_first: Whether dropout stands before each hidden layer, not after it.
        hidden_activation: The hidden layers' activation.
        first: The number in the first layer's name; 6 gives ``fc6``.
        bias_initializer: The hidden layers'.
        **options: What else ``keras.layers.Dense`` takes, for every layer.

    Raises:
        ValueError: Where height or width is not fixed.
    """
    if None in x.shape[1:]:
        raise ValueError(
            "Fully connected layers need a fixed input size; give input_shape with "
            "height and width, or include_top=False."
        )
    if len(x.shape) > 2:
        x = layers.Flatten(name="flatten")(x)
    for number, width in enumerate(units, first):
        if dropout and dropout_first:
            x = layers.Dropout(dropout, name=f"drop{number}")(x)
        x = layers.Dense(
            width,
            activation=hidden_activation,
            bias_initializer=bias_initializer,
            name=f"fc{number}",
            **options,
        )(x)
        if dropout and not dropout_first:
            x = layers.Dropout(dropout, name=f"drop{number}")(x)
    return dense_head(x, classes, activation, **options)


def conv_head(
    x: KerasTensor,
    classes: int,
    activation: Activation,
    *,
    final_activation: Activation = None,
    name: str,
    **options: Any,
) -> KerasTensor:
    """A 1x1 convolution to one map per class, then their global averages.

    Args:
        x: A tensor ``(batch, height, width, channels)``.
        classes: Number of classes.
        activation: The classifier's activation, on the averages.
        final_activation: The activation of the maps themselves.
        name: The convolution's name.
        **options: What else :func:`kerazoo.blocks.conv` takes.
    """
    x = conv(x, classes, 1, activation=final_activation, name=name, **options)
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    return layers.Activation(activation, dtype="float32", name="predictions")(x)
