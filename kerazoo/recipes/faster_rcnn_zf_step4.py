"""The last of Faster R-CNN's four steps: names for what the third proposes.

``kerazoo train faster_rcnn_zf --recipe faster_rcnn_zf_step4 --run runs/step4``
"""

import dataclasses

from kerazoo.recipe import Schedule
from kerazoo.recipes.faster_rcnn_zf_step3 import RECIPE as THIRD

RECIPE = dataclasses.replace(
    THIRD,
    name="faster_rcnn_zf_step4",
    options={"learns": "regions"},
    batch_size=2,
    steps=40_000,
    schedule=Schedule(name="step", unit="steps", boundaries=(30_000,), factor=0.1),
    start_from="runs/step3",
    start_layers=("*",),
    freeze=("conv*", "rpn_*"),
)
