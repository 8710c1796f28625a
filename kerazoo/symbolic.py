"""Models that have shapes and no weights."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import keras


def symbolic(build: Callable[[], keras.Model]) -> keras.Model:
    """A model with the shapes of its weights, and none of them made.

    Keras makes such weights after all when a later scope of its own ends: each thread
    has a list of them. So the model is built in a thread that ends here, with its list.

    Args:
        build: It builds the model.
    """
    # Of which initialisers take their seeds.
    drawn = random.getstate()

    def scoped():
        with keras.StatelessScope(initialize_variables=False):
            return build()

    try:
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(scoped).result()
    finally:
        random.setstate(drawn)
