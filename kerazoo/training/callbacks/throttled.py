"""When something is written that takes its time."""

import time

import keras


class Throttled(keras.callbacks.Callback):
    """Writes at the ends of some epochs, as long as that costs little; and at the end.

    Args:
        writer: A writer of ``tf.summary``.
        every: Epochs between two writings.
        share: The part of the training's time that writing may take.
    """

    def __init__(self, writer, every=10, share=0.005):
        super().__init__()
        self.writer = writer
        self.every = every
        self.share = share
        self._epochs = self._written = None

    def write(self, step):
        """Writes.

        Args:
            step: Epochs that have ended.
        """
        raise NotImplementedError

    def _timed_write(self, step):
        start = time.monotonic()
        self.write(step)
        self._written = step
        self._spent += time.monotonic() - start

    def on_train_begin(self, logs=None):
        self._start, self._spent = time.monotonic(), 0.0

    def on_epoch_end(self, epoch, logs=None):
        self._epochs = epoch + 1
        affordable = self._spent <= self.share * (time.monotonic() - self._start)
        if self._epochs % self.every == 0 and affordable:
            self._timed_write(self._epochs)

    def on_train_end(self, logs=None):
        if self._epochs != self._written:
            self._timed_write(self._epochs)
