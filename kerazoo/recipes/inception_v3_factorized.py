"""Inception v3 before its auxiliary head had all its batch norms."""

import dataclasses

from kerazoo.recipes.inception_v3 import RECIPE as INCEPTION_V3

RECIPE = dataclasses.replace(
    INCEPTION_V3,
    name="inception_v3_factorized",
    source="Szegedy et al. 2015, arXiv 1512.00567, table 3, 'Factorized 7x7'",
    # Top-1 21.6, top-5 5.8. "BN-auxiliary" norms the head's fully connected layer too.
    options={"aux": True, "aux_batch_norm": False},
)
