"""Pre-activation ResNet on ImageNet."""

import dataclasses

from kerazoo.recipe import Schedule
from kerazoo.recipes.resnet import RECIPE as RESNET

RECIPE = dataclasses.replace(
    RESNET,
    name="preresnet",
    networks=("preresnet50", "preresnet101", "preresnet152", "preresnet200"),
    source="He et al. 2016, arXiv 1603.05027, sec. 5 and appendix; "
    "facebook/fb.resnet.torch",
    # Of the 200 layers there is a second result with GoogLeNet's crops (20.1 / 4.8 %):
    # --set augment=area_crop:0.08:1.0,flip,lighting:0.1
    validation=0.0,
    steps=None,
    # The end is Facebook's, on whose code the paper's is built.
    epochs=90,
    # 0.1 (no warming up), divided by 10 at 30 and 60 epochs.
    schedule=Schedule(name="step", boundaries=(30, 60), factor=0.1),
)
