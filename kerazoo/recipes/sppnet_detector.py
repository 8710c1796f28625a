"""SPP-net's fine-tuning for detection, on the convolutions of its classifier."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="sppnet_detector",
    networks=("sppnet_detector",),
    kind="paper",
    source="He et al. 2014, arXiv 1406.4729, sec. 4; SPP_net's finetuning",
    data="voc/2007?train=train+validation&test=test",
    # A shorter side of 688 for most photos of VOC.
    resize="pad",
    normalization="mean",
    augment=("flip",),
    proposals="selective_search",
    validation=0.0,
    # 128 regions, 32 of them with an object.
    batch_size=2,
    steps=90_000,
    optimizer=Optimizer(
        name="sgd", learning_rate=0.001, momentum=0.9, multipliers={"*/bias": 2}
    ),
    schedule=Schedule(
        name="step", unit="steps", boundaries=(30_000, 60_000), factor=0.1
    ),
    weight_decay=5e-4,
    # Where ``kerazoo train sppnet --recipe paper`` leaves its run.
    start_from="runs/sppnet-imagenet",
    start_layers=("conv*", "fc*"),
    # The pyramid hands no gradient to the convolutions.
    freeze=("conv*",),
)
