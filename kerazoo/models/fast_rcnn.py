"""Fast R-CNN: one map of features for all regions, classes and boxes learnt at once.

Ross Girshick: Fast R-CNN. ICCV 2015, arXiv 1504.08083. Section 2; layers and constants
from the author's fast-rcnn, `models`.

Differs from the paper:
- Boxes are half-open, x2 - x1 wide; the author counts pixels, x2 - x1 + 1.
- The moves of regions are divided by 0.1, 0.1, 0.2, 0.2, as in Faster R-CNN's code; the
  author divides those of each class by their deviations in the training set.
- An image has one size, that of the input: 600x800 is a photo of VOC with a shorter
  side of 600. The author scales every image to a shorter side of 600.
- An image gives at most 100 boxes of all classes together, in place of 100 of each.
- Difficult objects are not learnt; the author's code learns them.
- `align`: the features of regions by RoIAlign (He et al. 2017) in place of RoI pooling.
"""

from collections.abc import Sequence

from keras import KerasTensor

from kerazoo.blocks import conv, initializer
from kerazoo.blocks.bodies import caffenet_body, small_body, vgg16_body, zf_body
from kerazoo.blocks.detection import (
    Body,
    region_head,
    regions_to_detections,
    size_of,
)
from kerazoo.builder import Top, network
from kerazoo.layers import (
    CeilMaxPooling2D,
    LocalResponseNormalization,
    RoIAlign2D,
    RoIPooling2D,
)
from kerazoo.reader import Boxes, Count, Rate, Regions, Share
from kerazoo.registry import register

GAUSSIAN = {"kernel_initializer": initializer("RandomNormal", stddev=0.01)}
VOC = {"year": 2015, "input_shape": (600, 800, 3), "classes": 20, "task": "detection"}


def padded_caffenet_body(inputs: KerasTensor) -> KerasTensor:
    """CaffeNet's convolutions, padded: 39x51 cells of 600x800 pixels."""
    return caffenet_body(inputs, padded=True)


def vgg_m_body(inputs: KerasTensor) -> KerasTensor:
    """The five convolutions of VGG_CNN_M_1024 (Chatfield et al. 2014)."""

    def norm_and_pool(x, number):
        x = LocalResponseNormalization(
            n=5, k=2, alpha=5e-4, beta=0.75, alpha_mode="mean", name=f"norm{number}"
        )(x)
        return CeilMaxPooling2D(3, 2, name=f"pool{number}")(x)

    x = conv(inputs, 96, 7, 2, padding="valid", name="conv1", **GAUSSIAN)
    x = norm_and_pool(x, 1)
    x = conv(x, 256, 5, 2, padding=1, name="conv2", **GAUSSIAN)
    x = norm_and_pool(x, 2)
    for number in (3, 4, 5):
        x = conv(x, 512, 3, name=f"conv{number}", **GAUSSIAN)
    return x


def fast_rcnn(
    inputs: KerasTensor,
    top: Top,
    body: Body,
    bins: int,
    units: Sequence[int],
    strides: int = 16,
    *,
    align: bool = False,
    dropout: Rate = 0.5,
    proposals: Count = 2000,
    regions_sampled: Count = 64,
    score_threshold: Rate = 0.001,
    iou_threshold: Share = 0.3,
    max_detections: Count = 100,
    regions: Regions | None = None,
    truth: Boxes | None = None,
) -> KerasTensor:
    """A map of features, the regions that somebody proposes on it, their classes.

    Args:
        align: Whether RoIAlign stands in place of RoI pooling.
        dropout: The share dropped behind fully connected layers.
        proposals: How many regions of an image are looked at.
        regions_sampled: Regions of an image that are learnt from.
        score_threshold: What a detection's score exceeds.
        iou_threshold: Overlap with a better box of its class from which a box goes.
        max_detections: How many boxes an image has at most.
        regions: The tensor of the proposed regions, in place of a new input.
        truth: In training the tensors of the true boxes and classes.
    """

    def head(x, classes, activation):
        kind = RoIAlign2D if align else RoIPooling2D
        return regions_to_detections(
            x, regions, regions, kind(bins, strides, name="roi_pool"),
            region_head(classes, units, dropout), size_of(inputs), truth,
            sampled=regions_sampled, background=(0.1, 0.5),
            score_threshold=score_threshold, iou_threshold=iou_threshold,
            max_detections=max_detections,
        )  # fmt: skip

    return top(body(inputs), head)


@register(
    **VOC,
    counts=(57_298_409, 57_298_409, 117_274_985_984),
    published={"VOC 2007 mAP": "57.1"},
    proof="RoI pooling equals Caffe's loop",
)
@network(fast_rcnn, body=padded_caffenet_body, bins=6, units=(4096, 4096))
def fast_rcnn_caffenet():
    """Fast R-CNN on CaffeNet, the paper's model S."""


@register(
    **VOC,
    minimum=25,
    counts=(86_333_161, 86_333_161, 176_062_436_768),
    published={"VOC 2007 mAP": "59.2"},
    proof="RoI pooling equals Caffe's loop",
)
@network(fast_rcnn, body=vgg_m_body, bins=6, units=(4096, 1024))
def fast_rcnn_vgg_m():
    """Fast R-CNN on VGG_CNN_M_1024, the paper's model M."""


@register(
    **VOC,
    counts=(134_690_729, 134_690_729, 386_923_315_200),
    published={
        "VOC 2007 mAP": "66.9",
        "VOC 2007 mAP, trained on 2007 and 2012": "70.0",
        "VOC 2012 mAP": "65.7",
    },
    proof="RoI pooling equals Caffe's loop",
)
@network(fast_rcnn, body=vgg16_body, bins=7, units=(4096, 4096))
def fast_rcnn_vgg16():
    """Fast R-CNN on VGG-16, the paper's model L."""


@register(
    **VOC,
    counts=(58_690_793, 58_690_793, 122_480_728_064),
    published={"VOC 2007 mAP (Faster R-CNN's paper)": "58.7"},
    proof="RoI pooling equals Caffe's loop",
)
@network(fast_rcnn, body=zf_body, bins=6, units=(4096, 4096))
def fast_rcnn_zf():
    """Fast R-CNN on ZFNet, the second of the four steps of Faster R-CNN."""


@register(
    year=2015,
    input_shape=(112, 112, 3),
    classes=10,
    task="detection",
    status="own",
    counts=(533_519, 534_239, 70_914_560),
    differs=(
        "A network of kerazoo's own for two cores: five convolutions with batch norm, "
        "and RoIAlign. Targets and losses are Fast R-CNN's.",
    ),
)
@network(
    fast_rcnn, body=small_body, bins=5, units=(128,), strides=8, align=True,
    dropout=0.0, proposals=64, regions_sampled=32, score_threshold=0.05,
    max_detections=50,
)  # fmt: skip
def fast_rcnn_mini():
    """A small Fast R-CNN that two cores train in minutes."""
