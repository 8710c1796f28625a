"""CIFAR networks without batch norm in 60 epochs.

No figure of it has been measured yet.
"""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="cifar_one_cycle_plain",
    networks=("nin_cifar", "all_cnn_*", "highway19", "dsn", "elu1?"),
    kind="modern",
    source="Smith & Topin 2017, arXiv 1708.07120; Loshchilov & Hutter 2017, arXiv "
    "1711.05101; a sixth to a quarter of the papers' epochs",
    data="cifar10",
    # Without the papers' whitening, whose matrix takes longer than its worth.
    normalisation="standardise",
    augment=("pad_crop:4", "flip"),
    validation=0.0,
    batch_size=128,
    epochs=60,
    # Without batch norms the scale of the gradients differs from layer to layer: Adam
    # evens it out, and the clipping survives the first steps.
    optimizer=Optimizer(
        name="adamw",
        learning_rate=1e-3,
        weight_decay=0.05,
        global_clipnorm=1.0,
    ),
    schedule=Schedule(name="one_cycle", unit="share", warmup=1 / 6, start=0.05),
)
