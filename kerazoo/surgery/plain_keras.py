"""A model without the fast layers of this package."""

import keras

from kerazoo.layers.batch_normalization import BatchNormalization
from kerazoo.layers.grouped_conv import GroupedConv2D

# Layers that differ from one of Keras' own in nothing but speed.
PLAIN_LAYERS = {
    BatchNormalization: keras.layers.BatchNormalization,
    GroupedConv2D: keras.layers.Conv2D,
}


def as_plain_keras(model: keras.Model) -> keras.Model:
    """Returns a copy in which Keras' own layers stand for the fast ones of kerazoo.

    The copy has the same names and weights (copied) and the same outputs, is not
    compiled, and opens in plain Keras, without kerazoo, where the model is otherwise
    made of Keras' own layers.

    Args:
        model: A functional or sequential Keras model.

    Returns:
        The new model.
    """

    def plain(layer):
        kind = PLAIN_LAYERS.get(type(layer), type(layer))
        return kind.from_config(layer.get_config())

    copy = keras.models.clone_model(model, clone_function=plain, recursive=True)
    copy.set_weights(model.get_weights())
    return copy
