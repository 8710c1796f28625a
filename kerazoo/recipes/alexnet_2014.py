"""AlexNet in one tower ("one weird trick")."""

import dataclasses

from kerazoo.recipes.alexnet_2012 import RECIPE as ALEXNET_2012

RECIPE = dataclasses.replace(
    ALEXNET_2012,
    name="alexnet_2014",
    networks=("alexnet_owt",),
    # For k times the batch the paper multiplies the rate by k or its square root.
    source="Krizhevsky 2014, arXiv 1404.5997, sec. 5",
    options={},
)
