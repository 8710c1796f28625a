"""The prediction of a model that is not known to be asked for often."""

from typing import Any

import keras

# The call that compiles.
COMPILED_FROM = 3


class CompiledLater:
    """The prediction of a model that is worth compiling once it is asked for often.

    Its first calls compute at once; from the third on it compiles, which takes a second
    or two and makes the others several times as fast.

    Args:
        model: The model.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model, self._calls = model, 0

    def __call__(self, inputs: Any) -> Any:
        """What the model says of a batch."""
        self._calls += 1
        if self._calls < COMPILED_FROM:
            return self._model(inputs, training=False)
        return self._model.predict_on_batch(inputs)
