"""FitNet 4 from layer-sequential unit variance on CIFAR-100."""

import dataclasses

from kerazoo.recipe import Optimizer, Schedule
from kerazoo.recipes.fitnet4_lsuv import RECIPE as FITNET4_LSUV

RECIPE = dataclasses.replace(
    FITNET4_LSUV,
    name="fitnet4_lsuv_cifar100",
    networks=("fit*net4",),
    data="cifar100",
    steps=190_000,
    # SGD is RMSProp here, with a decay of 0.9; the steps of the rate are not known.
    optimizer=Optimizer(name="rmsprop", learning_rate=5e-4, rho=0.9),
    schedule=Schedule(name="constant"),
)
