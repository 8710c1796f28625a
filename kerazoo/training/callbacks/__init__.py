"""Callbacks that write to TensorBoard, one writer a file.

Each takes writers of ``tf.summary``: that of the run ``train``, of ``validation``, or
of ``steps``, whose numbers count steps in the place of epochs.
"""

from kerazoo.training.callbacks.examples import Examples
from kerazoo.training.callbacks.filters import FirstFilters
from kerazoo.training.callbacks.histograms import Histograms
from kerazoo.training.callbacks.images import AugmentedImages
from kerazoo.training.callbacks.recipe_text import RecipeText
from kerazoo.training.callbacks.scalars import Scalars
from kerazoo.training.callbacks.signals import Signals
from kerazoo.training.callbacks.task_figures import TaskFigures
from kerazoo.training.callbacks.task_measures import TaskMeasures
from kerazoo.training.callbacks.throughput import Throughput

__all__ = [
    "AugmentedImages",
    "Examples",
    "FirstFilters",
    "Histograms",
    "RecipeText",
    "Scalars",
    "Signals",
    "TaskFigures",
    "TaskMeasures",
    "Throughput",
]
