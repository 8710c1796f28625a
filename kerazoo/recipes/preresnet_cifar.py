"""Pre-activation ResNet on CIFAR-10 and CIFAR-100."""

import dataclasses

from kerazoo.recipes.resnet110_cifar import RECIPE as RESNET110_CIFAR

RECIPE = dataclasses.replace(
    RESNET110_CIFAR,
    name="preresnet_cifar",
    networks=("preresnet*_cifar",),
    # The warm-up of 400 iterations is for all networks of this paper. With batches of
    # 64 the 1001 layers come to 4.62 %, with 128 to 4.92 %. The authors' code runs 200
    # epochs in place of 64k iterations.
    source="He et al. 2016, arXiv 1603.05027, appendix",
    # No validation images are set aside in the authors' code.
    validation=0.0,
)
