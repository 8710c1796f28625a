"""Where a network looks: maps of what has to do with a score, by eight methods."""

from kerazoo.analysis.attribution.class_maps import cam, grad_cam
from kerazoo.analysis.attribution.gradient import (
    gradient,
    integrated_gradients,
    smooth_grad,
)
from kerazoo.analysis.attribution.network import Explainable
from kerazoo.analysis.attribution.occlusion import occlusion
from kerazoo.analysis.attribution.record import Attribution
from kerazoo.analysis.attribution.relu_rules import deconvnet, guided_backpropagation

METHODS = {
    "cam": cam,
    "grad_cam": grad_cam,
    "occlusion": occlusion,
    "gradient": gradient,
    "smooth_grad": smooth_grad,
    "integrated_gradients": integrated_gradients,
    "guided_backpropagation": guided_backpropagation,
    "deconvnet": deconvnet,
}

__all__ = [
    "METHODS",
    "Attribution",
    "Explainable",
    "cam",
    "deconvnet",
    "grad_cam",
    "gradient",
    "guided_backpropagation",
    "integrated_gradients",
    "occlusion",
    "smooth_grad",
]
