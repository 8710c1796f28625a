"""The deeper VGG networks as the paper trained them, starting from a trained A."""

import dataclasses

from kerazoo.recipes.vgg_a import RECIPE as VGG_A

RECIPE = dataclasses.replace(
    VGG_A,
    name="vgg_staged",
    networks=("vgg13", "vgg16c", "vgg16", "vgg19"),
    # Where ``kerazoo train vgg11 --recipe vgg_a`` leaves its run.
    start_from="runs/vgg11-imagenet",
    # We initialised the first four convolutional layers and the last three fully-
    # connected layers with the layers of net A; their rate is not lowered. The others
    # are drawn as in A.
    start_layers=(
        "stage1_conv1",
        "stage2_conv1",
        "stage3_conv1",
        "stage3_conv2",
        "fc6",
        "fc7",
        "predictions",
    ),
)
