"""Fast R-CNN's training, behind a VGG-16 that ImageNet has trained."""

import dataclasses

from kerazoo.recipes.fast_rcnn_caffenet import RECIPE as CAFFENET

RECIPE = dataclasses.replace(
    CAFFENET,
    name="fast_rcnn_vgg16",
    networks=("fast_rcnn_vgg16",),
    source="Girshick 2015, arXiv 1504.08083, sec. 2.3; fast-rcnn's models/VGG16",
    start_from="runs/vgg16-imagenet",
    start_layers=("stage*_conv*", "fc*"),
    # All from conv3_1 up are trained.
    freeze=("stage[12]_*",),
)
