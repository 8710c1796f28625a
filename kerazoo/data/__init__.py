"""Image data: TFDS in, ``tf.data`` out.

``load`` finds a set, ``Batches`` feeds it to Keras; TensorFlow is imported when one of
them is used. Shuffling and augmentation are pure functions of (seed, epoch, example).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
