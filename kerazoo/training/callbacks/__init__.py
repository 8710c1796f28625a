"""Callbacks that write to TensorBoard, one writer a file.

Each takes a writer of ``tf.summary``, but for that of Keras, which makes its own.
"""

from kerazoo.training.callbacks.confusion import ConfusionMatrix
from kerazoo.training.callbacks.filters import FirstFilters
from kerazoo.training.callbacks.histograms import Histograms
from kerazoo.training.callbacks.images import AugmentedImages
from kerazoo.training.callbacks.recipe_text import RecipeText
from kerazoo.training.callbacks.scalars import Scalars
from kerazoo.training.callbacks.throughput import Throughput

__all__ = [
    "AugmentedImages",
    "ConfusionMatrix",
    "FirstFilters",
    "Histograms",
    "RecipeText",
    "Scalars",
    "Throughput",
]
