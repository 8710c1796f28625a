"""Faster R-CNN: the network that sees the image also says where to look.

Shaoqing Ren, Kaiming He, Ross Girshick, Jian Sun: Faster R-CNN: Towards Real-Time
Object Detection with Region Proposal Networks. NIPS 2015, arXiv 1506.01497. Section 3;
layers and constants from the authors' py-faster-rcnn, `models/pascal_voc`.

Differs from the paper:
- Boxes are half-open, x2 - x1 wide; the authors count pixels, x2 - x1 + 1.
- The moves of regions are divided by 0.1, 0.1, 0.2, 0.2, as in the authors' joint
  training; those of Fast R-CNN by the deviations of the training set.
- The loss of anchors has both parts divided by the number of those drawn, 256, as in
  the authors' code; the paper's 10 / 2,400 comes to nearly the same.
- An image has one size, that of the input: 600x800 is a photo of VOC with a shorter
  side of 600. The authors scale every image to a shorter side of 600 and batch one.
- `align`: the features of regions by RoIAlign (He et al. 2017) in place of RoI pooling.
"""

from collections.abc import Sequence
from typing import Literal

from keras import KerasTensor

from kerazoo.blocks.bodies import small_body, vgg16_body, zf_body
from kerazoo.blocks.detection import (
    Anchors,
    Body,
    region_head,
    region_proposals,
    regions_to_detections,
    size_of,
)
from kerazoo.builder import Top, network
from kerazoo.layers import RoIAlign2D, RoIPooling2D
from kerazoo.reader import Boxes, Count, Positive, Rate, Share
from kerazoo.registry import register

VOC = {"year": 2015, "input_shape": (600, 800, 3), "classes": 20, "task": "detection"}


def faster_rcnn(
    inputs: KerasTensor,
    top: Top,
    body: Body,
    filters: int,
    bins: int,
    units: Sequence[int],
    strides: int = 16,
    smallest: float = 16,
    *,
    ratios: tuple[Positive, ...] = (0.5, 1.0, 2.0),
    scales: tuple[Positive, ...] = (8.0, 16.0, 32.0),
    align: bool = False,
    learns: Literal["both", "proposals", "regions"] = "both",
    dropout: Rate = 0.5,
    before: Count = 6000,
    proposals: Count = 300,
    training_proposals: Count = 2000,
    anchors_sampled: Count = 256,
    regions_sampled: Count = 128,
    score_threshold: Rate = 0.05,
    iou_threshold: Share = 0.3,
    max_detections: Count = 100,
    truth: Boxes | None = None,
) -> KerasTensor:
    """A map of features, regions that a network proposes on it, their classes.

    Args:
        ratios: The anchors' heights to widths.
        scales: The anchors' sides as multiples of the strides of the map.
        align: Whether RoIAlign stands in place of RoI pooling.
        learns: What is trained: both ends, as the authors' joint training does; or one
            of them, as in the paper's four steps.
        dropout: The share dropped behind fully connected layers.
        before: The best regions, of which those that overlap a better one go; twice as
            many in training.
        proposals: How many regions are looked at.
        training_proposals: How many are drawn from in training.
        anchors_sampled: Anchors of an image that are learnt from.
        regions_sampled: Regions of an image that are learnt from.
        score_threshold: What a detection's score exceeds.
        iou_threshold: Overlap with a better box of its class from which a box goes.
        max_detections: How many boxes an image has at most.
        truth: In training the tensors of the true boxes and classes.
    """

    def head(x, classes, activation):
        size = size_of(inputs)
        regions, drawn = region_proposals(
            x, filters, Anchors(strides, ratios, scales), size, truth,
            learns=learns != "regions", sampled=anchors_sampled, before=before,
            proposals=proposals, smallest=smallest,
            training_proposals=training_proposals,
        )  # fmt: skip
        kind = RoIAlign2D if align else RoIPooling2D
        return regions_to_detections(
            x, regions, drawn, kind(bins, strides, name="roi_pool"),
            region_head(classes, units, dropout), size,
            None if learns == "proposals" else truth, sampled=regions_sampled,
            score_threshold=score_threshold, iou_threshold=iou_threshold,
            max_detections=max_detections,
        )  # fmt: skip

    return top(body(inputs), head)


@register(
    **VOC,
    counts=(59_294_751, 59_294_751, 30_256_129_536),
    published={"VOC 2007 mAP": "59.9", "ms an image (K40)": "59"},
    proof="anchors, pooling, suppression equal torchvision's",
)
@network(faster_rcnn, body=zf_body, filters=256, bins=6, units=(4096, 4096))
def faster_rcnn_zf():
    """Faster R-CNN on ZFNet."""


@register(
    **VOC,
    counts=(137_078_239, 137_078_239, 187_513_344_000),
    published={
        "VOC 2007 mAP": "69.9",
        "VOC 2007 mAP, trained on 2007 and 2012": "73.2",
        "VOC 2012 mAP": "67.0",
        "ms an image (K40)": "198",
    },
    proof="anchors, pooling, suppression equal torchvision's",
)
@network(faster_rcnn, body=vgg16_body, filters=512, bins=7, units=(4096, 4096))
def faster_rcnn_vgg16():
    """Faster R-CNN on VGG-16."""


@register(
    year=2015,
    input_shape=(112, 112, 3),
    classes=10,
    task="detection",
    status="own",
    counts=(618_305, 619_025, 83_110_912),
    differs=(
        "A network of kerazoo's own for two cores: five convolutions with batch norm, "
        "anchors for small images and RoIAlign. Targets and losses are Faster R-CNN's.",
    ),
)
@network(
    faster_rcnn, body=small_body, filters=96, bins=5, units=(128,), strides=8,
    smallest=4, ratios=(1.0,), scales=(2.5, 4.0, 6.0), align=True, dropout=0.0,
    before=300, proposals=50, training_proposals=100, max_detections=50,
    anchors_sampled=64, regions_sampled=32,
)  # fmt: skip
def faster_rcnn_mini():
    """A small Faster R-CNN that two cores train in minutes."""
