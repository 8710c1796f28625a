"""Callbacks that write to TensorBoard what Keras' own does not, one writer a file.

Each takes a writer of ``tf.summary.create_file_writer``.
"""

from kerazoo.training.callbacks.confusion import ConfusionMatrix
from kerazoo.training.callbacks.filters import FirstFilters
from kerazoo.training.callbacks.images import AugmentedImages
from kerazoo.training.callbacks.rates import Rates
from kerazoo.training.callbacks.words import RecipeWords

__all__ = ["AugmentedImages", "ConfusionMatrix", "FirstFilters", "Rates", "RecipeWords"]
