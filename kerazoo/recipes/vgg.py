"""VGG with scale jitter, without the start from a shallower network."""

import dataclasses

from kerazoo.recipes.vgg_a import RECIPE as VGG_A

RECIPE = dataclasses.replace(
    VGG_A,
    name="vgg",
    # The copies with batch norm, which are not in the paper, can follow it too.
    networks=("vgg*",),
    # S between 256 and 512 (scale jittering). To save time the paper fine-tunes a
    # network that was trained with S = 384; here it is trained from the beginning.
    augment=("scale_jitter:256:512", "flip", "lighting:0.1"),
    # It is possible to initialise the weights without pre-training by using the random
    # initialisation procedure of Glorot & Bengio, found after the submission.
    initializer="glorot_uniform",
)
