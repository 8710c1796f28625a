"""Network in network on CIFAR-100."""

import dataclasses

from kerazoo.recipe import Optimizer
from kerazoo.recipes.nin_cifar10 import RECIPE as NIN_CIFAR10

RECIPE = dataclasses.replace(
    NIN_CIFAR10,
    name="nin_cifar100",
    networks=("nin*cifar",),
    data="cifar100",
    # 35.68 % is without augmentation.
    augment=(),
    # The files have a rate of 0.01 and a decay of 1e-3 beside a loss that counts twice:
    # together that is twice the rate and half the decay. All layers learn alike.
    optimizer=Optimizer(
        name="sgd", learning_rate=0.02, momentum=0.9, multipliers={"*/bias": 2}
    ),
    weight_decay=5e-4,
)
