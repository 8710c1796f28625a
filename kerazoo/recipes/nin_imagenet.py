"""Network in network on ImageNet, with AlexNet's recipe."""

import dataclasses

from kerazoo.recipes.alexnet_2012 import RECIPE as ALEXNET_2012

RECIPE = dataclasses.replace(
    ALEXNET_2012,
    name="nin_imagenet",
    networks=("nin_imagenet",),
    # Neither the network nor its training is in the paper (arXiv 1312.4400); it is a
    # model of Caffe's zoo, whose solver could not be consulted.
    source="a stand-in: Krizhevsky et al. 2012, sec. 5",
    options={},
)
