"""Inception v3 on one machine, as its released code trains it."""

import dataclasses

from kerazoo.recipe import Schedule
from kerazoo.recipes.inception_v3 import RECIPE as INCEPTION_V3

RECIPE = dataclasses.replace(
    INCEPTION_V3,
    name="inception_v3_released",
    networks=("inception_v3*",),
    source="tensorflow/models, inception/inception_train.py",
    # Eight GPUs together, in step: a larger batch and rate than the paper's.
    batch_size=256,
    # Beyond the paper's RMSProp a momentum of 0.9; the code does not clip.
    optimizer=dataclasses.replace(
        INCEPTION_V3.optimizer, learning_rate=0.1, momentum=0.9, global_clipnorm=None
    ),
    # 0.16 every 30 epochs is about what 6 % every epoch comes to: 0.94^30 = 0.156.
    schedule=Schedule(name="exponential", factor=0.16, every=30),
)
