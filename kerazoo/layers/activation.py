"""The activations that a user names."""

from typing import Any

import keras


def check_activation(activation: Any, name: str) -> None:
    """Refuses what is no activation, before a layer is made of it.

    Args:
        activation: The name of one of Keras', a function, or ``None`` for none.
        name: What the argument is called.

    Raises:
        ValueError: For anything else.
    """
    try:
        known = callable(keras.activations.get(activation))
    except (ValueError, TypeError):
        known = False
    if not known:
        raise ValueError(
            f"{name} is {activation!r}; it must be the name of an activation of Keras, "
            "as in 'softmax', a function, or None."
        )
