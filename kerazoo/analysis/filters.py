"""The filters of a network's first convolution."""

import keras
import numpy as np
from keras import layers

from kerazoo import reader


@reader.checked
def first_filters(model: keras.Model) -> np.ndarray | None:
    """The kernels of the first convolution.

    Args:
        model: A built model; models inside it are looked into.

    Returns:
        An array ``(height, width, channels, filters)``, or ``None`` where the model has
        no convolution.
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found = first_filters(layer)
            if found is not None:
                return found
        if isinstance(layer, layers.Conv2D):
            return keras.ops.convert_to_numpy(layer.kernel)
    return None
