"""Residual and fractal networks on CIFAR in 40 epochs.

No figure of it has been measured yet.
"""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="cifar_one_cycle",
    # What has batch norms and so bears a high rate.
    networks=("resnet*_cifar", "preresnet*_cifar", "fractalnet*"),
    kind="modern",
    source="Smith & Topin 2017, arXiv 1708.07120; a fifth of the papers' 182 epochs",
    data="cifar10",
    normalisation="standardise",
    augment=("pad_crop:4", "flip"),
    validation=0.0,
    batch_size=128,
    epochs=40,
    # Twice the papers' rate, for a while: it regularises, and nothing diverges that
    # has been warmed up. Nesterov's momentum as in Facebook's code.
    optimizer=Optimizer(name="sgd", learning_rate=0.2, momentum=0.9, nesterov=True),
    # Up for a fifth of the time, then a cosine to nothing.
    schedule=Schedule(name="one_cycle", unit="share", warmup=0.2, start=0.05),
    # Five times the papers', which short trainings need.
    weight_decay=5e-4,
)
