"""Keras layers where Keras has none, one file per idea."""

from kerazoo.layers.ceil_max_pooling import CeilMaxPooling2D
from kerazoo.layers.fan_in_uniform import FanInUniform
from kerazoo.layers.grouped_conv import GroupedConv2D
from kerazoo.layers.local_response_normalization import LocalResponseNormalization
from kerazoo.layers.rbf import (
    RBF,
    MAPLoss,
    digit_codewords,
    hadamard_codewords,
)
from kerazoo.layers.scaled_tanh import scaled_tanh
from kerazoo.layers.subsampling import Subsampling2D
from kerazoo.layers.table_conv import LENET5_C3_TABLE, TableConv2D

__all__ = [
    "LENET5_C3_TABLE",
    "RBF",
    "CeilMaxPooling2D",
    "FanInUniform",
    "GroupedConv2D",
    "LocalResponseNormalization",
    "MAPLoss",
    "Subsampling2D",
    "TableConv2D",
    "digit_codewords",
    "hadamard_codewords",
    "scaled_tanh",
]
