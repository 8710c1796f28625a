"""Catalogue 1: the networks, one file per paper family."""
