"""The third of Faster R-CNN's four steps: proposals from the second's convolutions.

``kerazoo train faster_rcnn_zf --recipe faster_rcnn_zf_step3 --run runs/step3``
"""

import dataclasses

from kerazoo.recipes.faster_rcnn_zf_step1 import RECIPE as FIRST

RECIPE = dataclasses.replace(
    FIRST,
    name="faster_rcnn_zf_step3",
    start_from="runs/step2",
    start_layers=("conv*", "fc*", "scores", "moves"),
    # From here on all convolutions are shared.
    freeze=("conv*", "fc*", "scores", "moves"),
)
