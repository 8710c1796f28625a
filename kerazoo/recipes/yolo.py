"""YOLO as in the Darknet of November 2015, behind its pretrained convolutions."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="yolo",
    networks=("yolo",),
    kind="paper",
    source="Redmon et al. 2015, arXiv 1506.02640, sec. 2.2; Darknet's cfg/yolo.cfg",
    # The paper adds the images of VOC 2012.
    data="voc/2007?train=train+validation&test=test",
    # Stretched; the last pixel scaled to 1.
    resize="bilinear",
    normalization="minus_one_one",
    # Edges move by up to 20 %; saturation and exposure change by up to 1.5.
    augment=("area_crop:0.64:1.0", "flip", "color_jitter:0.5"),
    validation=0.0,
    batch_size=64,
    steps=40_000,
    optimizer=Optimizer(name="sgd", learning_rate=0.01, momentum=0.9),
    schedule=Schedule(
        name="step",
        unit="steps",
        boundaries=(200, 400, 600, 20_000, 30_000),
        values=(0.1, 0.25, 0.5, 1, 0.1, 0.01),
    ),
    weight_decay=5e-4,
    # Where ``kerazoo train yolo_pretraining --data imagenet`` leaves its run.
    start_from="runs/yolo_pretraining-imagenet",
    start_layers=("conv[1-9]", "conv1[0-9]", "conv20"),
)
