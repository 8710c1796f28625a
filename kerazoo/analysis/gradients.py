"""The one place where gradients are taken outside of training."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops


def value_and_gradient(
    function: Callable[[Any], Any], at: np.ndarray
) -> tuple[float, np.ndarray]:
    """What a function gives at a place, and its gradient there.

    Args:
        function: From a tensor to a number, in operations of Keras; a sum over
            independent rows gives the gradient of each.
        at: The place, float32.

    Returns:
        The number, and a float32 array of the shape of the place.

    Raises:
        ValueError: On another backend than TensorFlow and JAX.
    """
    backend = keras.backend.backend()
    place = ops.convert_to_tensor(at, "float32")
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(place)
            value = function(place)
        # Where nothing depends on the place there is a gradient all the same.
        zero = tf.UnconnectedGradients.ZERO
        slope = tape.gradient(value, place, unconnected_gradients=zero)
    elif backend == "jax":
        import jax

        value, slope = jax.value_and_grad(function)(place)
    else:
        raise ValueError(
            f"Gradients are taken with TensorFlow and JAX, and the backend of Keras is "
            f"{backend}; set KERAS_BACKEND to tensorflow or jax."
        )
    return float(ops.convert_to_numpy(value)), ops.convert_to_numpy(slope)
