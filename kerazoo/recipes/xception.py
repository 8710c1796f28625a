"""Xception on ImageNet."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="xception",
    networks=("xception",),
    kind="paper",
    source="Chollet 2016, arXiv 1610.02357, sec. 4.3 to 4.5",
    data="imagenet",
    resize="crop",
    # Input and augmentation are those of Inception v3, with which the paper compares;
    # it prints none.
    normalization="minus_one_one",
    augment=("area_crop:0.05:1.0", "flip", "color_jitter:0.4"),
    validation=0.0,
    # Batch and end are not printed: Inception v3's.
    batch_size=32,
    epochs=100,
    # Sec. 4.3: SGD for ImageNet (for JFT RMSProp with 0.001, times 0.9 every three
    # million samples). Sec. 4.4: Polyak averaging, of a momentum that is not printed.
    optimizer=Optimizer(
        name="sgd", learning_rate=0.045, momentum=0.9, ema_momentum=0.9999
    ),
    schedule=Schedule(name="exponential", factor=0.94, every=2),
    # 4e-5 for Inception v3, quite suboptimal for Xception: 1e-5. Dropout of 0.5 is
    # the network's own, and the auxiliary tower is left out.
    weight_decay=1e-5,
)
