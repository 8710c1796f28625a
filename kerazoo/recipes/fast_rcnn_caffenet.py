"""Fast R-CNN's training, behind a CaffeNet that ImageNet has trained."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="fast_rcnn_caffenet",
    networks=("fast_rcnn_caffenet",),
    kind="paper",
    source="Girshick 2015, arXiv 1504.08083, sec. 2.3; fast-rcnn's models/CaffeNet",
    data="voc/2007?train=train+validation&test=test",
    # A shorter side of 600 for most photos of VOC.
    resize="pad",
    # Per channel; the author subtracts one mean for all networks.
    normalization="mean",
    augment=("flip",),
    proposals="selective_search",
    validation=0.0,
    # Of each of two images 64 regions, 16 of them with an object.
    batch_size=2,
    steps=40_000,
    optimizer=Optimizer(
        name="sgd", learning_rate=0.001, momentum=0.9, multipliers={"*/bias": 2}
    ),
    schedule=Schedule(name="step", unit="steps", boundaries=(30_000,), factor=0.1),
    weight_decay=5e-4,
    # Where ``kerazoo train alexnet --recipe paper --set options.groups=2 --set
    # options.norm_order=pool_norm --set options.lrn_alpha_mode=mean`` leaves its run.
    start_from="runs/alexnet-imagenet",
    start_layers=("conv*", "fc*"),
    # All from conv2 up are trained.
    freeze=("conv1",),
)
