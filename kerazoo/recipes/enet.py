"""ENet as the paper trained it: on the encoder that its first training gave."""

import dataclasses

from kerazoo.recipes.enet_encoder import RECIPE as ENCODER

RECIPE = dataclasses.replace(
    ENCODER,
    name="enet",
    networks=("enet",),
    # Where ``kerazoo train enet_encoder_per_pixel --recipe paper`` leaves its run.
    start_from="runs/enet_encoder_per_pixel-cityscapes-masks-segmentation_label",
    start_layers=("initial_*", "stage1_*", "stage2_*", "stage3_*"),
)
