"""Inception v2 with smoothed labels, before its 7x7 convolution was factorised."""

import dataclasses

from kerazoo.recipes.inception_v3_factorized import RECIPE as FACTORIZED

RECIPE = dataclasses.replace(
    FACTORIZED,
    name="inception_v2_label_smoothing",
    networks=("inception_v2",),
    # Top-1 22.8, top-5 6.1.
    source="Szegedy et al. 2015, arXiv 1512.00567, table 3, 'Label Smoothing'",
)
