"""What Keras' own callback writes."""

import keras


class Scalars(keras.callbacks.TensorBoard):
    """Keras' graph, and loss and metrics of every epoch.

    Keras makes summaries of every batch too, which nobody keeps where epochs are asked
    for: up to a tenth of a small network's step.
    """

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch)
