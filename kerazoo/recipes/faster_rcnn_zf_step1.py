"""The first of Faster R-CNN's four steps: the network that proposes regions.

``kerazoo train faster_rcnn_zf --recipe faster_rcnn_zf_step1 --run runs/step1``

What it proposes is measured by ``kerazoo proposals DATA --method run:runs/step1``; its
boxes with classes, which nobody has taught it, mean nothing.
"""

import dataclasses

from kerazoo.recipe import Schedule
from kerazoo.recipes.faster_rcnn_zf import RECIPE as JOINT

RECIPE = dataclasses.replace(
    JOINT,
    name="faster_rcnn_zf_step1",
    source="Ren et al. 2015, arXiv 1506.01497, sec. 3.2; py-faster-rcnn's "
    "models/pascal_voc/ZF/faster_rcnn_alt_opt",
    options={"learns": "proposals"},
    steps=80_000,
    optimizer=dataclasses.replace(JOINT.optimizer, gradient_accumulation_steps=None),
    schedule=Schedule(name="step", unit="steps", boundaries=(60_000,), factor=0.1),
    # The layers that name regions wait.
    freeze=(*JOINT.freeze, "fc*", "scores", "moves"),
)
