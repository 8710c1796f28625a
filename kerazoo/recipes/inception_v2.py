"""Inception v2 with momentum, the first of its paper's cumulative rows."""

import dataclasses

from kerazoo.recipes.inception_v2_rmsprop import RECIPE as RMSPROP

RECIPE = dataclasses.replace(
    RMSPROP,
    name="inception_v2",
    # Top-1 23.4; no top-5 is printed.
    source="Szegedy et al. 2015, arXiv 1512.00567, sec. 8 and table 3, 'Inception-v2'",
    # "Our earlier experiments used momentum with a decay of 0.9"; the paper gives one
    # rate, one clipping and one average, and does not say that they were others here.
    optimizer=dataclasses.replace(
        RMSPROP.optimizer, name="sgd", momentum=0.9, rho=None, epsilon=None
    ),
)
