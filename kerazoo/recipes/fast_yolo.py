"""Fast YOLO as in the Darknet of November 2015, from new weights."""

import dataclasses

from kerazoo.recipe import Schedule
from kerazoo.recipes.yolo import RECIPE as YOLO

RECIPE = dataclasses.replace(
    YOLO,
    name="fast_yolo",
    networks=("fast_yolo",),
    source="Redmon et al. 2015, arXiv 1506.02640; Darknet's cfg/yolo-tiny.cfg",
    schedule=Schedule(
        name="step",
        unit="steps",
        boundaries=(20, 40, 60, 80, 20_000, 30_000),
        values=(0.01, 0.05, 0.25, 0.5, 1, 0.1, 0.01),
    ),
    start_from=None,
    start_layers=("*",),
)
