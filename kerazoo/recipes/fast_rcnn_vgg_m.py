"""Fast R-CNN's training on VGG_CNN_M_1024."""

import dataclasses

from kerazoo.recipes.fast_rcnn_caffenet import RECIPE as CAFFENET

RECIPE = dataclasses.replace(
    CAFFENET,
    name="fast_rcnn_vgg_m",
    networks=("fast_rcnn_vgg_m",),
    source="Girshick 2015, arXiv 1504.08083, sec. 2.3; fast-rcnn's "
    "models/VGG_CNN_M_1024",
    # The author begins with a classifier of ImageNet and keeps its conv1; kerazoo does
    # not have that classifier, and so all layers begin with new weights.
    start_from=None,
    start_layers=("*",),
    freeze=(),
)
