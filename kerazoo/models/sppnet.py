"""SPP-net: pooling over a pyramid of bins makes a vector of a map of any size.

Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun: Spatial Pyramid Pooling in Deep
Convolutional Networks for Visual Recognition. ECCV 2014, arXiv 1406.4729. Sections 2
and 3, the network ZF-5; paddings and constants from the authors' Caffe definition.

Differs from the paper:
- The bins of a level span from floor(i * side / n) to ceil((i + 1) * side / n), as the
  authors' code has it for regions, so that there are always n. The paper's windows of
  ceil(side / n) in steps of floor(side / n) are the same at 224 pixels, whose map has
  13 cells; at 180 pixels, with 10, level 6 would have nine bins.
- The normalisation is within each channel, as in the authors' definition; the paper
  refers to AlexNet's.
"""

from collections.abc import Sequence
from typing import Any

from keras import KerasTensor

from kerazoo.blocks import conv, initializer, mlp_head
from kerazoo.blocks.bodies import small_body
from kerazoo.blocks.detection import (
    Body,
    region_head,
    regions_to_svm_detections,
    size_of,
)
from kerazoo.builder import Top, network
from kerazoo.layers import (
    CeilMaxPooling2D,
    RegionPyramidPooling2D,
    SpatialPyramidPooling2D,
    WithinChannelLRN,
)
from kerazoo.reader import Boxes, Count, Rate, Regions, Share
from kerazoo.registry import register

GAUSSIAN = {"kernel_initializer": initializer("RandomNormal", stddev=0.01)}
# Biases of 1 in conv2, conv4, conv5 and the fully connected layers.
ONES = GAUSSIAN | {"bias_initializer": "ones"}


def zf5_body(inputs: KerasTensor) -> KerasTensor:
    """ZFNet's five convolutions, without padding before conv2: a map of about 1/16."""

    def norm_and_pool(x, number):
        x = WithinChannelLRN(3, 5e-5, 0.75, name=f"norm{number}")(x)
        return CeilMaxPooling2D(3, 2, name=f"pool{number}")(x)

    x = conv(inputs, 96, 7, 2, padding=1, name="conv1", **GAUSSIAN)
    x = norm_and_pool(x, 1)
    x = conv(x, 256, 5, 2, padding="valid", name="conv2", **ONES)
    x = norm_and_pool(x, 2)
    x = conv(x, 384, 3, name="conv3", **GAUSSIAN)
    x = conv(x, 384, 3, name="conv4", **ONES)
    return conv(x, 256, 3, name="conv5", **ONES)


def pyramid_head(
    x: KerasTensor,
    classes: int,
    activation: Any,
    *,
    levels: tuple[int, ...],
    **options: Any,
) -> KerasTensor:
    """The pyramid and three fully connected layers."""
    x = SpatialPyramidPooling2D(levels, name="pyramid")(x)
    return mlp_head(x, classes, activation, **options)


@register(
    year=2014,
    input_shape=(224, 224, 3),
    minimum=31,
    counts=(77_037_672, 77_037_672, 1_182_712_960),
    published={
        "top-1 / top-5 error": "34.98 / 14.14",
        "top-1 / top-5 error, trained at 224 and 180": "34.60 / 13.64",
    },
    proof="the pyramid against NumPy",
)
@network
def sppnet(
    inputs: KerasTensor, top: Top, *, levels: tuple[Count, ...] = (6, 3, 2, 1)
) -> KerasTensor:
    """SPP-net on ZF-5: the same weights take images of any size.

    Args:
        levels: Rows (and columns) of each grid of the pyramid.
    """
    return top(zf5_body(inputs), pyramid_head, levels=levels, **ONES)


def spp_detect(
    inputs: KerasTensor,
    top: Top,
    body: Body,
    units: Sequence[int],
    strides: int = 16,
    offsets: tuple[float, float] | None = None,
    *,
    levels: tuple[Count, ...] = (6, 3, 2, 1),
    dropout: Rate = 0.5,
    proposals: Count = 2000,
    regions_sampled: Count = 64,
    score_threshold: Rate = 0.18,
    iou_threshold: Share = 0.3,
    max_detections: Count = 100,
    regions: Regions | None = None,
    truth: Boxes | None = None,
) -> KerasTensor:
    """One map of features, and a pyramid over each region that somebody proposes.

    Args:
        levels: Rows (and columns) of each grid of the pyramid.
        dropout: The share dropped behind fully connected layers.
        proposals: How many regions of an image are looked at.
        regions_sampled: Regions of an image that are learnt from.
        score_threshold: What a detection's score exceeds; 0.18 is a margin of -1.5.
        iou_threshold: Overlap with a better box of its class from which a box goes.
        max_detections: How many boxes an image has at most.
        regions: The tensor of the proposed regions, in place of a new input.
        truth: In training the tensors of the true boxes and classes.
    """
    pool = RegionPyramidPooling2D(levels, strides, offsets, name="pyramid")

    def head(x, classes, activation):
        judge = region_head(classes, units, dropout, boxes=False)
        return regions_to_svm_detections(
            lambda some: judge(pool(x, some)), regions, classes, size_of(inputs), truth,
            sampled=regions_sampled, background=(0.1, 0.5), overlap=0.5, penalty=4000.0,
            score_threshold=score_threshold, iou_threshold=iou_threshold,
            max_detections=max_detections,
        )  # fmt: skip

    return top(body(inputs), head)


@register(
    year=2014,
    input_shape=(688, 917, 3),
    classes=20,
    minimum=31,
    task="detection",
    counts=(73_026_709, 74_132_729, 153_853_106_880),
    published={
        "VOC 2007 mAP, one scale": "58.0",
        "VOC 2007 mAP, five scales": "59.2",
        "s an image (GPU), five scales": "0.38",
    },
    proof="the pyramid of regions against NumPy",
    differs=(
        "One scale, a shorter side of 688 pixels; the paper's best figure is of five.",
        "A step learns from regions of the images of its batch; the authors draw 128 "
        "from stored features of all images.",
        "The score of a detection is the logistic function of its machine's margin: "
        "the order is the same. An image gives at most 100 boxes of all classes "
        "together.",
        "The weights that are trained and the multiply-adds are those of the network. "
        "The machines and regressions add 1,106,020 weights, which scikit-learn fits "
        "afterwards, and 1,105,920 multiply-adds a region.",
    ),
)
@network(spp_detect, body=zf5_body, units=(4096, 4096), offsets=(13.5, 27.5))
def sppnet_detector():
    """SPP-net as a detector: features of all regions from one map."""


@register(
    year=2014,
    input_shape=(112, 112, 3),
    classes=10,
    task="detection",
    status="own",
    counts=(650_723, 787_173, 78_418_432),
    differs=(
        "A network of kerazoo's own for two cores: five convolutions with batch norm, "
        "which are trained too. Pyramid, machines and regressions are SPP-net's.",
    ),
)
@network(
    spp_detect, body=small_body, units=(128,), strides=8, levels=(5, 3, 1),
    dropout=0.0, proposals=64, regions_sampled=32, max_detections=50,
)  # fmt: skip
def sppnet_detector_mini():
    """A small SPP-net detector that two cores train in minutes."""
