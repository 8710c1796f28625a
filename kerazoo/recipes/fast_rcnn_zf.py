"""Fast R-CNN's training, behind a ZFNet that ImageNet has trained."""

import dataclasses

from kerazoo.recipes.fast_rcnn_caffenet import RECIPE as CAFFENET

RECIPE = dataclasses.replace(
    CAFFENET,
    name="fast_rcnn_zf",
    networks=("fast_rcnn_zf",),
    source="Ren et al. 2015, arXiv 1506.01497, Table 2; py-faster-rcnn's "
    "models/pascal_voc/ZF/faster_rcnn_alt_opt",
    start_from="runs/zfnet-imagenet",
    start_layers=("conv*", "fc*"),
    freeze=(),
)
