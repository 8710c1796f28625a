"""Faster R-CNN's joint training, behind a VGG-16 that ImageNet has trained."""

import dataclasses

from kerazoo.recipes.faster_rcnn_zf import RECIPE as ZF

RECIPE = dataclasses.replace(
    ZF,
    name="faster_rcnn_vgg16",
    networks=("faster_rcnn_vgg16",),
    source="Ren et al. 2015, arXiv 1506.01497, sec. 3.2; py-faster-rcnn's "
    "models/pascal_voc/VGG16/faster_rcnn_end2end",
    start_from="runs/vgg16-imagenet",
    start_layers=("stage*_conv*", "fc*"),
    # conv1_1 to conv2_2 stay as they are.
    freeze=("stage[12]_*",),
)
