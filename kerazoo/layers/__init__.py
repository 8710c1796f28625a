"""Keras layers where Keras has none, one file per idea."""

from kerazoo.layers.ceil_max_pooling import CeilMaxPooling2D
from kerazoo.layers.fan_in_uniform import FanInUniform
from kerazoo.layers.fast_paths import FusedBatchNormalization
from kerazoo.layers.fractal_join import FractalDraw, FractalJoin
from kerazoo.layers.grouped_conv import GroupedConv2D
from kerazoo.layers.local_response_normalization import LocalResponseNormalization
from kerazoo.layers.max_unpooling import MaxPoolingWithIndices2D, MaxUnpooling2D
from kerazoo.layers.maxout import Maxout
from kerazoo.layers.non_max_suppression import NonMaxSuppression
from kerazoo.layers.pad_channels import PadChannels
from kerazoo.layers.padded_max_pooling import PaddedMaxPooling2D
from kerazoo.layers.rbf import (
    RBF,
    MAPLoss,
    digit_codewords,
    hadamard_codewords,
)
from kerazoo.layers.region_crops import PerImage, RegionCrops
from kerazoo.layers.region_proposals import RegionProposalLoss, RegionProposals
from kerazoo.layers.region_pyramid import RegionPyramidPooling2D
from kerazoo.layers.region_svm import RegionRegression, RegionSVM
from kerazoo.layers.regions import (
    RegionBoxes,
    RegionClassLoss,
    RegionLoss,
    RegionSampling,
)
from kerazoo.layers.restore_boxes import ResizeBoxes, RestoreBoxes
from kerazoo.layers.roi_pooling import RoIAlign2D, RoIPooling2D
from kerazoo.layers.scaled_tanh import scaled_tanh
from kerazoo.layers.spatial_pyramid import SpatialPyramidPooling2D
from kerazoo.layers.subsampling import Subsampling2D
from kerazoo.layers.table_conv import LENET5_C3_TABLE, TableConv2D
from kerazoo.layers.whitening import GlobalContrastNormalization, ZCAWhitening
from kerazoo.layers.within_channel_lrn import WithinChannelLRN
from kerazoo.layers.yolo import YOLOBoxes, YOLOLoss

__all__ = [
    "LENET5_C3_TABLE",
    "RBF",
    "CeilMaxPooling2D",
    "FanInUniform",
    "FractalDraw",
    "FractalJoin",
    "FusedBatchNormalization",
    "GlobalContrastNormalization",
    "GroupedConv2D",
    "LocalResponseNormalization",
    "MAPLoss",
    "MaxPoolingWithIndices2D",
    "MaxUnpooling2D",
    "Maxout",
    "NonMaxSuppression",
    "PadChannels",
    "PaddedMaxPooling2D",
    "PerImage",
    "RegionBoxes",
    "RegionClassLoss",
    "RegionCrops",
    "RegionLoss",
    "RegionProposalLoss",
    "RegionProposals",
    "RegionPyramidPooling2D",
    "RegionRegression",
    "RegionSVM",
    "RegionSampling",
    "ResizeBoxes",
    "RestoreBoxes",
    "RoIAlign2D",
    "RoIPooling2D",
    "SpatialPyramidPooling2D",
    "Subsampling2D",
    "TableConv2D",
    "WithinChannelLRN",
    "YOLOBoxes",
    "YOLOLoss",
    "ZCAWhitening",
    "digit_codewords",
    "hadamard_codewords",
    "scaled_tanh",
]
