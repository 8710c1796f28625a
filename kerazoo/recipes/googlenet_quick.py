"""GoogLeNet in 60 epochs, as BVLC trained its copy."""

import dataclasses

from kerazoo.recipe import Optimizer, Schedule
from kerazoo.recipes.googlenet import RECIPE as GOOGLENET

RECIPE = dataclasses.replace(
    GOOGLENET,
    name="googlenet_quick",
    networks=("googlenet*",),
    source="BVLC's models/bvlc_googlenet/quick_solver.prototxt: 31.3 / 11.1 % error",
    # Caffe's data layer scales to 256x256, crops and mirrors.
    augment=("scale_jitter:256:256", "flip"),
    optimizer=Optimizer(
        name="sgd", learning_rate=0.01, momentum=0.9, multipliers={"*/bias": 2}
    ),
    # 4 % every 8 epochs needs 250 epochs for the rate that this reaches in 60.
    schedule=Schedule(name="polynomial", power=0.5),
    epochs=60,
)
