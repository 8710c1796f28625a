"""YOLO: one look at the image, and a grid says what is where.

Joseph Redmon, Santosh Divvala, Ross Girshick, Ali Farhadi: You Only Look Once: Unified,
Real-Time Object Detection. CVPR 2016, arXiv 1506.02640. Section 2, Figure 3; the widths
of Fast YOLO from the authors' Darknet of November 2015, `cfg/yolo-tiny.cfg`.

Differs from the paper:
- A cell gives its boxes, then its classes, as the text has it; Darknet's file has all
  classes, then all confidences, then all boxes, and flattens channel by channel: that
  matters to converted weights alone.
- Of several boxes whose centres share a cell the first of the list counts; Darknet
  shuffles the list.
- What is called YOLO v1 in later Darknets has batch norms, a locally connected layer
  and three boxes a cell: it is another network.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from keras import KerasTensor, layers

from kerazoo.blocks import activate, conv, conv_bn, gap_head, initializer
from kerazoo.blocks.detection import grid_to_detections, size_of
from kerazoo.builder import Top, network
from kerazoo.reader import Boxes, Count, Rate, Share
from kerazoo.registry import register


class Conv(NamedTuple):
    """A convolution: filters, kernel and strides."""

    filters: int
    kernel_size: int
    strides: int = 1


class Pool(NamedTuple):
    """A pooling of 2x2."""


class Dense(NamedTuple):
    """A fully connected layer; the dropout stands behind the last."""

    units: int
    leaky: bool = True


# Figure 3, the twenty layers that are trained on ImageNet first.
PRETRAINED = [
    Conv(64, 7, 2), Pool(),
    Conv(192, 3), Pool(),
    Conv(128, 1), Conv(256, 3), Conv(256, 1), Conv(512, 3), Pool(),
    *4 * [Conv(256, 1), Conv(512, 3)], Conv(512, 1), Conv(1024, 3), Pool(),
    *2 * [Conv(512, 1), Conv(1024, 3)],
]  # fmt: skip
FIGURE_3 = [*PRETRAINED, Conv(1024, 3), Conv(1024, 3, 2), *2 * [Conv(1024, 3)]]
FAST = [
    *(row for width in (16, 32, 64, 128, 256, 512) for row in (Conv(width, 3), Pool())),
    *3 * [Conv(1024, 3)],
]
# Rows and columns of the grid.
GRID = 7
LEAKY = partial(layers.LeakyReLU, negative_slope=0.1)
# Uniform within the root of 2 / fan-in, in Darknet.
UNIFORM = initializer(
    "VarianceScaling", scale=2 / 3, mode="fan_in", distribution="uniform"
)
VOC = {"year": 2015, "input_shape": (448, 448, 3), "classes": 20, "task": "detection"}


def convolve(x: KerasTensor, rows: Sequence[Conv | Pool]) -> KerasTensor:
    """The convolutions and poolings of a table."""
    number = pools = 0
    for row in rows:
        if isinstance(row, Pool):
            pools += 1
            x = layers.MaxPooling2D(2, name=f"pool{pools}")(x)
            continue
        number += 1
        x = conv(
            x, *row, name=f"conv{number}", activation=None, kernel_initializer=UNIFORM,
            padding="same" if row.strides == 1 else row.kernel_size // 2,
        )  # fmt: skip
        x = activate(x, LEAKY, f"leaky{number}")
    return x


def grid_head(
    x: KerasTensor,
    classes: int,
    activation: Any,
    *,
    units: Sequence[Dense],
    boxes: int,
    dropout: float,
    **options: Any,
) -> dict[str, KerasTensor]:
    """Fully connected layers that look at the whole image, and the grid."""
    x = layers.Flatten(name="flatten")(x)
    rows = [*units, Dense(GRID * GRID * (5 * boxes + classes), leaky=False)]
    for number, row in enumerate(rows, 1):
        if number == len(rows):
            x = layers.Dropout(dropout, name="dropout")(x)
        bias = initializer("Constant", value=math.sqrt(2 / x.shape[-1]))
        x = layers.Dense(
            row.units,
            kernel_initializer=UNIFORM,
            bias_initializer=bias,
            dtype="float32" if number == len(rows) else None,
            name=f"fc{number}",
        )(x)
        if row.leaky:
            x = activate(x, LEAKY, f"fc_leaky{number}")
    x = layers.Reshape((GRID, GRID, 5 * boxes + classes), name="grid")(x)
    return grid_to_detections(x, boxes, **options)


def detect(
    inputs: KerasTensor,
    top: Top,
    rows: Sequence[Conv | Pool],
    units: Sequence[Dense],
    *,
    boxes: Count = 2,
    dropout: Rate = 0.5,
    score_threshold: Rate = 0.001,
    iou_threshold: Share = 0.5,
    max_detections: Count = 98,
    truth: Boxes | None = None,
) -> KerasTensor:
    """Convolutions, fully connected layers, a grid of boxes.

    Args:
        boxes: Boxes of a cell.
        dropout: The share dropped before the last layer.
        score_threshold: What a detection's score exceeds; pictures are drawn from 0.2.
        iou_threshold: Overlap with a better box of its class from which a box goes.
        max_detections: How many boxes an image has at most.
        truth: In training the tensors of the true boxes and classes.
    """
    size = size_of(inputs)
    x = convolve(inputs, rows)
    return top(
        x, grid_head, units=units, boxes=boxes, dropout=dropout, size=size,
        truth=truth, score_threshold=score_threshold, iou_threshold=iou_threshold,
        max_detections=max_detections,
    )  # fmt: skip


@register(
    **VOC,
    minimum=31,
    counts=(271_703_550, 271_703_550, 20_285_153_280),
    published={"VOC 2007 mAP": "63.4", "VOC 2012 mAP": "57.9", "fps (Titan X)": "45"},
    proof="the loss equals a NumPy reference",
)
@network(detect, rows=FIGURE_3, units=[Dense(4096)])
def yolo():
    """YOLO: 24 convolutions and two fully connected layers."""


@register(
    **VOC,
    minimum=64,
    counts=(45_089_374, 45_089_374, 2_418_728_960),
    published={"VOC 2007 mAP": "52.7", "fps (Titan X)": "155"},
    proof="the loss equals a NumPy reference",
    differs=("The paper says that it has nine convolutions, and no widths.",),
)
@network(detect, rows=FAST, units=[Dense(256, leaky=False), Dense(4096)])
def fast_yolo():
    """Fast YOLO: nine convolutions."""


@register(
    year=2015,
    input_shape=(224, 224, 3),
    minimum=31,
    counts=(23_428_136, 23_428_136, 4_210_188_288),
    published={"top-5 accuracy": "88"},
)
@network
def yolo_pretraining(inputs: KerasTensor, top: Top) -> KerasTensor:
    """The classifier whose twenty convolutions YOLO begins with."""
    return top(convolve(inputs, PRETRAINED), gap_head)


@register(
    year=2015,
    input_shape=(112, 112, 3),
    classes=10,
    minimum=16,
    task="detection",
    status="own",
    counts=(395_684, 396_676, 63_347_200),
    differs=(
        "A network of kerazoo's own for two cores: six convolutions with batch norm, "
        "and a 1x1 one in place of the fully connected layers. Grid, targets and "
        "loss are YOLO's.",
    ),
)
@network
def yolo_mini(
    inputs: KerasTensor,
    top: Top,
    *,
    boxes: Count = 2,
    units: Count | None = None,
    dropout: Rate = 0.0,
    score_threshold: Rate = 0.01,
    iou_threshold: Share = 0.5,
    max_detections: Count = 50,
    truth: Boxes | None = None,
) -> KerasTensor:
    """A small YOLO that two cores train in minutes.

    Args:
        boxes: Boxes of a cell.
        units: Of a fully connected layer that looks at the whole image, as the paper's
            head does; by default there is none.
        dropout: The share dropped behind it.
        score_threshold: What a detection's score exceeds.
        iou_threshold: Overlap with a better box of its class from which a box goes.
        max_detections: How many boxes an image has at most.
        truth: In training the tensors of the true boxes and classes.
    """

    def head(x, classes, activation):
        rows, columns = x.shape[1:3]
        if units:
            x = layers.Flatten(name="flatten")(x)
            x = layers.Dense(units, kernel_initializer=UNIFORM, name="fc1")(x)
            x = activate(x, LEAKY, "fc_leaky1")
            x = layers.Dropout(dropout, name="dropout")(x)
            depth = 5 * boxes + classes
            x = layers.Dense(rows * columns * depth, dtype="float32", name="fc2")(x)
            x = layers.Reshape((rows, columns, depth), name="grid")(x)
        else:
            x = conv(
                x, 5 * boxes + classes, 1, activation=None, dtype="float32", name="grid"
            )
        return grid_to_detections(
            x, boxes, size_of(inputs), truth, score_threshold=score_threshold,
            iou_threshold=iou_threshold, max_detections=max_detections,
        )  # fmt: skip

    x = inputs
    for number, filters in enumerate((16, 32, 64, 128), 1):
        x = conv_bn(x, filters, 3, name=f"conv{number}")
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    for number in (5, 6):
        x = conv_bn(x, 128, 3, name=f"conv{number}")
    return top(x, head)
