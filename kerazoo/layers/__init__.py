"""Keras layers where Keras has none, one file per idea."""
