"""ZFNet: looking at what AlexNet's layers see showed how to better its first two.

Matthew D. Zeiler, Rob Fergus: Visualizing and Understanding Convolutional Networks.
ECCV 2014, arXiv 1311.2901. Figure 3, section 3, Table 2.

Differs from the paper:
- The paper gives sizes, not paddings; its 110, 55, 26, 13, 6 at 224 pixels need one
  pixel around conv1, none around conv2 and poolings that round up, as in the SPP-net
  authors' copy of it.
- The paper calls its normalisation "contrast normalised across feature maps", without
  constants: AlexNet's are used. The copies of SPP-net and Faster R-CNN have a window of
  3 and an alpha of 0.00005.
- `norm_order`: pooled, then normalised, as Figure 3 draws it; `"norm_pool"` is how
  pytorchcv's copy has it.
- `lrn_alpha_mode`: `"sum"` is the formula of the AlexNet paper; `"mean"` divides alpha
  by the window of 5, as cuda-convnet, Caffe and PyTorch do.
- `max_rms`: in training, filters with a root mean square above 0.1 are scaled back to
  it (section 3); `None` leaves them.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Literal

from keras import KerasTensor, constraints

from kerazoo.blocks import conv, initializer, mlp_head
from kerazoo.blocks.bodies import norm_and_pool
from kerazoo.builder import Top, network
from kerazoo.layers import CeilMaxPooling2D
from kerazoo.reader import Positive
from kerazoo.registry import register

GAUSSIAN = {"kernel_initializer": initializer("RandomNormal", stddev=0.01)}  # Section 3
ZFNET = {"year": 2013, "input_shape": (224, 224, 3), "minimum": 47}


def figure_3(
    inputs: KerasTensor,
    top: Top,
    widths: Sequence[int],
    *,
    norm_order: Literal["pool_norm", "norm_pool"] = "pool_norm",
    lrn_alpha_mode: Literal["sum", "mean"] = "sum",
    lrn_k: Positive = 2.0,
    max_rms: Positive | None = 0.1,
) -> KerasTensor:
    """Figure 3, with the widths of the third to the fifth convolution.

    Args:
        norm_order: Whether a pooling precedes its normalisation.
        lrn_alpha_mode: Whether alpha weighs the sum or the mean of the squares.
        lrn_k: What the normalisation adds to the weighed squares.
        max_rms: The largest root mean square of a filter in training.
    """

    def step(x, filters, kernel_size, strides=1, **options):
        limit = None
        if max_rms is not None:
            fan_in = kernel_size**2 * x.shape[-1]
            limit = constraints.MaxNorm(max_rms * math.sqrt(fan_in), axis=(0, 1, 2))
        options |= GAUSSIAN | {"kernel_constraint": limit}
        return conv(x, filters, kernel_size, strides, **options)

    norm_pool = partial(
        norm_and_pool, order=norm_order, k=lrn_k, alpha_mode=lrn_alpha_mode
    )
    x = step(inputs, 96, 7, 2, padding=1, name="conv1")
    x = norm_pool(x, 1)
    x = step(x, 256, 5, 2, padding="valid", name="conv2")
    x = norm_pool(x, 2)
    for number, filters in enumerate(widths, 3):
        x = step(x, filters, 3, name=f"conv{number}")
    x = CeilMaxPooling2D(3, 2, name="pool5")(x)
    return top(x, mlp_head, **GAUSSIAN)


@register(
    **ZFNET,
    counts=(62_357_608, 62_357_608, 1_168_032_896),
    published={"top-1 / top-5 error": "38.4 / 16.5"},
)
@network(figure_3, widths=(384, 384, 256))
def zfnet():
    """ZFNet, 2013."""


@register(
    **ZFNET,
    counts=(107_627_624, 107_627_624, 2_476_704_896),
    published={"top-1 / top-5 error": "37.5 / 16.0"},
)
@network(figure_3, widths=(512, 1024, 512))
def zfnet_wide():
    """ZFNet with 512, 1024 and 512 maps, which slides often call ZFNet."""
