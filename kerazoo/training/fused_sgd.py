"""Stochastic gradient descent in one pass over the weights."""

from typing import Any

import keras
import tensorflow as tf


class SGD(keras.optimizers.SGD):
    """Keras' SGD with momentum by TensorFlow's kernel for exactly that.

    Keras' own makes several passes over the weights, which are 62 million in AlexNet.
    Arguments, variables and names are those of ``keras.optimizers.SGD``. Where several
    devices train, and without momentum, that is also what computes.
    """

    def build(self, variables: Any) -> None:
        """Makes the momentum of every weight.

        Args:
            variables: The weights, Keras' variables.
        """
        if not self.built:
            super().build(variables)
            pairs = zip(variables, self.momentums, strict=False)
            self._slots = {weight.value.ref(): slot.value for weight, slot in pairs}

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Moves a weight and its momentum in place.

        Args:
            gradient: Its gradient.
            variable: The weight, TensorFlow's variable.
            learning_rate: The rate.
        """
        if not self.momentum or tf.distribute.has_strategy():
            super().update_step(gradient, variable, learning_rate)
            return
        kind = variable.dtype
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=self._slots[variable.ref()].handle,
            lr=tf.cast(learning_rate, kind),
            grad=tf.cast(gradient, kind),
            momentum=tf.cast(self.momentum, kind),
            use_nesterov=self.nesterov,
        )
