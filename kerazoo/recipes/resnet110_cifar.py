"""ResNet-110 on CIFAR-10, which needs a warm-up."""

import dataclasses

from kerazoo.recipe import Schedule
from kerazoo.recipes.resnet_cifar import RECIPE as RESNET_CIFAR

RECIPE = dataclasses.replace(
    RESNET_CIFAR,
    name="resnet110_cifar",
    # The paper does not say whether the 1202 layers warm up; they are deeper still.
    networks=("resnet110_cifar", "resnet1202_cifar"),
    # 0.1 is slightly too large to start converging. So we use 0.01 to warm up the
    # training until the training error is below 80% (about 400 iterations), and then go
    # back to 0.1. Here it is 400 iterations whatever the error.
    schedule=Schedule(
        name="step",
        unit="steps",
        boundaries=(400, 32_000, 48_000),
        values=(0.1, 1.0, 0.1, 0.01),
    ),
)
