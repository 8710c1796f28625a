"""Inception v2 with RMSProp, before its labels were smoothed."""

import dataclasses

from kerazoo.recipes.inception_v2_label_smoothing import RECIPE as SMOOTHED

RECIPE = dataclasses.replace(
    SMOOTHED,
    name="inception_v2_rmsprop",
    # Top-1 23.1, top-5 6.3.
    source="Szegedy et al. 2015, arXiv 1512.00567, table 3, 'RMSProp'",
    label_smoothing=0.0,
)
