"""The ELU network of 18 layers on CIFAR-10 and CIFAR-100."""

import dataclasses

from kerazoo.recipe import Schedule
from kerazoo.recipes.elu11 import RECIPE as ELU11

RECIPE = dataclasses.replace(
    ELU11,
    name="elu18",
    networks=("elu18",),
    source="Clevert et al. 2015, arXiv 1511.07289, sec. 4.3",
    # Decreased by a factor of 10 after 35k iterations. The paper then trains 50
    # thousand steps with dropout in all layers and 40 thousand with 1.5 times as much,
    # which needs another network. How many steps come before is not printed; the end
    # here is that of the 11 layers.
    schedule=Schedule(name="step", unit="steps", boundaries=(35_000,), factor=0.1),
)
