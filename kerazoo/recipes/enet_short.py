"""ENet on top of the encoder that enet_encoder_short has trained."""

import dataclasses

from kerazoo.recipe import Optimizer
from kerazoo.recipes.enet_encoder_short import RECIPE as ENCODER

STAGES = ("initial_*", "stage1_*", "stage2_*", "stage3_*")

RECIPE = dataclasses.replace(
    ENCODER,
    name="enet_short",
    networks=("enet",),
    source="One cycle of Adam on a trained encoder; the paper's own is enet.",
    epochs=8,
    # The weights find the classes; after them the edges become sharp.
    class_weight_share=0.5,
    # At the decoder's rate the encoder would forget what it has learnt.
    optimizer=Optimizer(
        name="adam", learning_rate=1e-2, multipliers=dict.fromkeys(STAGES, 0.1)
    ),
    # Where ``kerazoo train enet_encoder_per_pixel`` leaves its run.
    start_from="runs/enet_encoder_per_pixel-digit_scenes-masks",
    start_layers=STAGES,
)
