"""FitNets on CIFAR in 60 epochs: thin, deep, and started by LSUV.

No figure of it has been measured yet.
"""

import dataclasses

from kerazoo.recipes.cifar_one_cycle_plain import RECIPE as PLAIN

RECIPE = dataclasses.replace(
    PLAIN,
    name="fitnet_one_cycle",
    networks=("fitnet4", "fitresnet4"),
    # 17 layers of maxout hardly begin to learn from Glorot's scale.
    initializer="lsuv",
)
