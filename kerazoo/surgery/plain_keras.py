"""A model without the fast layers of this package."""

import keras

from kerazoo import reader
from kerazoo.layers.ceil_max_pooling import CeilMaxPooling2D
from kerazoo.layers.fast_paths import (
    FusedBatchNormalization,
    FusedPReLU,
    FusedSpatialDropout2D,
)
from kerazoo.layers.grouped_conv import GroupedConv2D

# Layers that differ from one of Keras' own in nothing but speed.
PLAIN_LAYERS = {
    FusedBatchNormalization: keras.layers.BatchNormalization,
    FusedPReLU: keras.layers.PReLU,
    FusedSpatialDropout2D: keras.layers.SpatialDropout2D,
    GroupedConv2D: keras.layers.Conv2D,
}


@reader.checked
def as_plain_keras(model: keras.Model) -> keras.Model:
    """Returns a copy in which Keras' own layers stand for the fast ones of kerazoo.

    So they do for poolings that round up, where there is nothing to round.

    The copy has the same names and weights (copied) and the same outputs, is not
    compiled, and opens in plain Keras, without kerazoo, where the model is otherwise
    made of Keras' own layers.

    Args:
        model: A functional or sequential Keras model.

    Returns:
        The new model.
    """

    copy = plain_copy(model)
    copy.set_weights(model.get_weights())
    return copy


def plain_copy(model: keras.Model) -> keras.Model:
    """:func:`as_plain_keras` with weights of zero, for who has others to put there."""
    initializers = []

    def plain(layer):
        kind = plain_kind(layer)
        config = layer.get_config()
        drawn = [n for n in vars(layer) if n.endswith("_initializer") and n in config]
        copy = kind.from_config(config | dict.fromkeys(drawn, "zeros"))
        initializers.append((copy, {name: getattr(layer, name) for name in drawn}))
        return copy

    copy = keras.models.clone_model(model, clone_function=plain, recursive=True)
    for layer, drawn in initializers:
        for name, initializer in drawn.items():
            setattr(layer, name, initializer)
    return copy


def plain_kind(layer: keras.Layer) -> type[keras.Layer]:
    """The class of Keras' own that stands for a layer's, or the layer's."""
    if isinstance(layer, CeilMaxPooling2D) and layer.is_flush:
        return keras.layers.MaxPooling2D
    return PLAIN_LAYERS.get(type(layer), type(layer))
