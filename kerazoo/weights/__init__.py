"""Trained weights: where published ones come from, how they are read, what proves it.

Every public name is loaded on first use; the catalogue is read without Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
