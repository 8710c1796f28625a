"""R-CNN: a convolutional network looks at regions that something else proposes.

Ross Girshick, Jeff Donahue, Trevor Darrell, Jitendra Malik: Rich Feature Hierarchies
for Accurate Object Detection and Semantic Segmentation. CVPR 2014, arXiv 1311.2524.
Section 2 and appendices A to C; layers and constants from the authors' rcnn.

Differs from the paper:
- Boxes are half-open, x2 - x1 wide; the authors count pixels, x2 - x1 + 1.
- A step learns from regions of the images of its batch; the authors' 128 regions are
  drawn from all images of the training set.
- The score of a detection is the logistic function of its machine's margin: the order
  is the same. An image gives at most 100 boxes of all classes together.
- The weights that are trained and the multiply-adds are those of the network. The
  machines and regressions add 819,300 weights, which scikit-learn fits afterwards, and
  819,200 multiply-adds a region.
- Without its top the network is its convolutions over the whole image.
"""

from collections.abc import Sequence

from keras import KerasTensor, layers

from kerazoo.blocks import conv
from kerazoo.blocks.bodies import caffenet_body
from kerazoo.blocks.detection import (
    Body,
    chain,
    region_head,
    regions_to_svm_detections,
    size_of,
)
from kerazoo.builder import Top, network
from kerazoo.layers import CeilMaxPooling2D, PerImage, RegionCrops
from kerazoo.reader import Boxes, Count, NonNegative, Rate, Regions, Share
from kerazoo.registry import register


def crop_caffenet(inputs: KerasTensor) -> KerasTensor:
    """CaffeNet's convolutions and its last pooling."""
    return CeilMaxPooling2D(3, 2, name="pool5")(caffenet_body(inputs))


def crop_small(inputs: KerasTensor) -> KerasTensor:
    """Three convolutions, each with a pooling."""
    x = inputs
    for number, filters in enumerate((32, 64, 96), 1):
        x = conv(x, filters, 3, name=f"conv{number}")
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    return x


def regions_with_cnn(
    inputs: KerasTensor,
    top: Top,
    body: Body,
    units: Sequence[int],
    *,
    crop_size: Count = 227,
    context: NonNegative = 16.0,
    dropout: Rate = 0.5,
    proposals: Count = 2000,
    regions_sampled: Count = 64,
    score_threshold: Rate = 0.18,
    iou_threshold: Share = 0.3,
    max_detections: Count = 100,
    regions: Regions | None = None,
    truth: Boxes | None = None,
) -> KerasTensor:
    """Crops of the regions that somebody proposes, each seen by the network alone.

    Args:
        crop_size: Height and width that every region is warped to.
        context: Pixels of a crop around its region.
        dropout: The share dropped behind fully connected layers.
        proposals: How many regions of an image are looked at.
        regions_sampled: Regions of an image that are learnt from.
        score_threshold: What a detection's score exceeds; 0.18 is a margin of -1.5.
        iou_threshold: Overlap with a better box of its class from which a box goes.
        max_detections: How many boxes an image has at most.
        regions: The tensor of the proposed regions, in place of a new input.
        truth: In training the tensors of the true boxes and classes.
    """
    if not top.include_top:
        return top(body(inputs), region_head)
    cut = RegionCrops(crop_size, context, name="crops")
    see = chain(body, (crop_size, crop_size, inputs.shape[-1]))

    def head(x, classes, activation):
        judge = region_head(classes, units, dropout, boxes=False)

        def look(regions):
            gather = PerImage(regions.shape[1])
            return judge(gather(see(cut(x, regions))))

        return regions_to_svm_detections(
            look, regions, classes, size_of(x), truth,
            sampled=regions_sampled, score_threshold=score_threshold,
            iou_threshold=iou_threshold, max_detections=max_detections,
        )  # fmt: skip

    return top(inputs, head)


@register(
    year=2013,
    input_shape=(375, 500, 3),
    classes=20,
    minimum=39,
    task="detection",
    counts=(56_954_261, 57_773_561, 1_440_793_664_000),
    published={
        "VOC 2007 mAP": "58.5",
        "VOC 2007 mAP without the regression": "54.2",
        "VOC 2010 mAP": "53.7",
        "ILSVRC 2013 mAP": "31.4",
    },
    proof="crops against NumPy",
)
@network(regions_with_cnn, body=crop_caffenet, units=(4096, 4096))
def rcnn():
    """R-CNN on CaffeNet."""


@register(
    year=2013,
    input_shape=(112, 112, 3),
    classes=10,
    minimum=8,
    task="detection",
    status="own",
    counts=(518_699, 658_269, 1_344_888_832),
    differs=(
        "A network of kerazoo's own for two cores: three convolutions on crops of 48 "
        "pixels. Crops, machines and regressions are R-CNN's.",
    ),
)
@network(
    regions_with_cnn, body=crop_small, units=(128,), crop_size=48, context=3.4,
    dropout=0.5, proposals=64, regions_sampled=16, max_detections=50,
)  # fmt: skip
def rcnn_mini():
    """A small R-CNN that two cores train in minutes."""
