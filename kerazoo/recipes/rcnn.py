"""R-CNN's fine-tuning, behind a CaffeNet that ImageNet has trained."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="rcnn",
    networks=("rcnn",),
    kind="paper",
    source="Girshick et al. 2014, arXiv 1311.2524, sec. 2.3 and appendices; rcnn's "
    "finetuning/voc_2007_prototxt",
    data="voc/2007?train=train+validation&test=test",
    # Most photos of VOC have 375x500 pixels, and regions are cut out of them.
    resize="pad",
    normalization="mean",
    augment=("flip",),
    proposals="selective_search",
    validation=0.0,
    # 128 regions, 32 of them with an object.
    batch_size=2,
    # The authors stop there.
    steps=70_000,
    optimizer=Optimizer(
        name="sgd",
        learning_rate=0.001,
        momentum=0.9,
        # The new layer learns ten times as fast.
        multipliers={"*/bias": 2, "scores/kernel": 10, "scores/bias": 20},
    ),
    schedule=Schedule(
        name="step", unit="steps", boundaries=(20_000, 40_000, 60_000), factor=0.1
    ),
    weight_decay=5e-4,
    # Where ``kerazoo train alexnet --recipe paper --set options.groups=2 --set
    # options.norm_order=pool_norm --set options.lrn_alpha_mode=mean`` leaves its run.
    start_from="runs/alexnet-imagenet",
    start_layers=("conv*", "fc*"),
)
