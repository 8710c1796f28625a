"""Inception v4 and the Inception-ResNets."""

import dataclasses

from kerazoo.recipes.inception_v3 import RECIPE as INCEPTION_V3

RECIPE = dataclasses.replace(
    INCEPTION_V3,
    name="inception_v4",
    networks=("inception_v4", "inception_resnet_*"),
    # Sec. 4: RMSProp with decay 0.9 and epsilon 1.0, 0.045 times 0.94 every two epochs,
    # a running average, on 20 replicas. The batch (32), the 100 epochs, the smoothed
    # labels and the decay are Inception v3's: this paper does not repeat them.
    source="Szegedy et al. 2016, arXiv 1602.07261, sec. 4",
    # Its training heads are not described.
    options={},
    # Clipping was found useful in the AAAI version, without a number; the first
    # version has none.
    optimizer=dataclasses.replace(INCEPTION_V3.optimizer, global_clipnorm=None),
)
