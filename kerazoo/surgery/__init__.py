"""Model in, model out: fold, replace the head, features, plain Keras, join."""
