"""kerazoo: the classic convolutional networks in Keras 3, exactly as published.

Every public name is loaded on first use, so that ``import kerazoo`` stays light; the
names and where they live stand in ``__init__.pyi``.
"""

import lazy_loader

from kerazoo.registration import prepare_imports

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

prepare_imports()
