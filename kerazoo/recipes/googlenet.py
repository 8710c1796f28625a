"""GoogLeNet as trained for ILSVRC 2014; what the paper leaves out is BVLC's."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="googlenet",
    networks=("googlenet",),
    kind="paper",
    source="Szegedy et al. 2014, arXiv 1409.4842, sec. 5 and 6; "
    "BVLC's models/bvlc_googlenet",
    data="imagenet",
    # The two auxiliary classifiers are there in training alone; sec. 5 weighs each 0.3.
    options={"aux": True},
    auxiliary_weight=0.3,
    resize="crop",
    # RGB color space with zero mean.
    normalization="mean",
    # Sec. 6: patches of 8 to 100 % of the area, aspect 3/4 to 4/3, and photometric
    # distortions, whose strength is not printed.
    augment=("area_crop:0.08:1.0", "flip", "color_jitter:0.4"),
    validation=0.0,
    # BVLC's batch and rate: the paper prints neither. Its training was asynchronous.
    batch_size=32,
    # The paper prints no end; this is that of BVLC's fast solver, 2.4 million batches.
    epochs=60,
    # Sec. 6: Polyak averaging was used to create the final model. It prints no
    # momentum; 0.9999 is that of the same authors' Inception v3.
    optimizer=Optimizer(
        name="sgd",
        learning_rate=0.01,
        momentum=0.9,
        ema_momentum=0.9999,
        # BVLC: biases learn twice as fast and do not decay.
        multipliers={"*/bias": 2},
    ),
    # Decreasing the learning rate by 4% every 8 epochs.
    schedule=Schedule(name="exponential", factor=0.96, every=8),
    weight_decay=2e-4,
)
