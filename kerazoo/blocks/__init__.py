"""The block library: functions from tensor to tensor."""

from kerazoo.blocks.conv import (
    HE,
    XAVIER,
    activate,
    batch_norm,
    conv,
    conv_bn,
    initializer,
    sibling,
)
from kerazoo.blocks.heads import conv_head, dense_head, gap_head, mlp_head

__all__ = [
    "HE",
    "XAVIER",
    "activate",
    "batch_norm",
    "conv",
    "conv_bn",
    "conv_head",
    "dense_head",
    "gap_head",
    "initializer",
    "mlp_head",
    "sibling",
]
