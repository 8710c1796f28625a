"""Faster R-CNN's joint training, behind a ZFNet that ImageNet has trained."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="faster_rcnn_zf",
    networks=("faster_rcnn_zf",),
    kind="paper",
    source="Ren et al. 2015, arXiv 1506.01497, sec. 3.2; py-faster-rcnn's "
    "models/pascal_voc/ZF/faster_rcnn_end2end",
    data="voc/2007?train=train+validation&test=test",
    # A shorter side of 600 for most photos of VOC.
    resize="pad",
    # Per channel; the authors subtract one mean for all networks.
    normalization="mean",
    augment=("flip",),
    validation=0.0,
    # One image a step, and a mean over two for every update.
    batch_size=1,
    steps=70_000,
    optimizer=Optimizer(
        name="sgd",
        learning_rate=0.001,
        momentum=0.9,
        gradient_accumulation_steps=2,
        multipliers={"*/bias": 2},
    ),
    schedule=Schedule(name="step", unit="steps", boundaries=(50_000,), factor=0.1),
    weight_decay=5e-4,
    # The definition names no decay for biases, and so they decay too.
    decay_all=True,
    start_from="runs/zfnet-imagenet",
    start_layers=("conv*", "fc*"),
)
