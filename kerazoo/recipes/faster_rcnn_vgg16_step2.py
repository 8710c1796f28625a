"""The second of Faster R-CNN's four steps: a Fast R-CNN on what the first proposes.

``kerazoo train fast_rcnn_vgg16 --recipe faster_rcnn_vgg16_step2 --run runs/step2``
"""

import dataclasses

from kerazoo.recipes.fast_rcnn_vgg16 import RECIPE as FAST

RECIPE = dataclasses.replace(
    FAST,
    name="faster_rcnn_vgg16_step2",
    source="Ren et al. 2015, arXiv 1506.01497, sec. 3.2; py-faster-rcnn's "
    "models/pascal_voc/VGG16/faster_rcnn_alt_opt",
    proposals="run:runs/step1",
)
