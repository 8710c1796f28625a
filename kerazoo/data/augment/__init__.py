"""Augmentations, named by strings such as ``"pad_crop:4"``."""
