"""The deeply-supervised net on CIFAR in 20 epochs, companions and all.

No figure of it has been measured yet.
"""

import dataclasses

from kerazoo.recipes.cifar_one_cycle_plain import RECIPE as PLAIN

RECIPE = dataclasses.replace(
    PLAIN,
    name="dsn_one_cycle",
    networks=("dsn",),
    options={"companions": True},
)
