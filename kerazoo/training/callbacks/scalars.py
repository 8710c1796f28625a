"""What Keras' own callback writes."""

from typing import Any

import keras


class Scalars(keras.callbacks.TensorBoard):
    """Keras' graph, and loss and metrics of every epoch.

    Keras makes summaries of every batch too, which nobody keeps where epochs are asked
    for: up to a tenth of a small network's step.
    """

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        super().on_train_batch_end(batch)
