"""The ELU network of 11 layers on CIFAR-100."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="elu11",
    networks=("elu11",),
    kind="paper",
    source="Clevert et al. 2015, arXiv 1511.07289, sec. 4.2",
    data="cifar100",
    # Global contrast normalization and ZCA whitening; whole images there, here what
    # the crop leaves.
    normalization="zca",
    # Padded with four zeros at all borders; 32x32 random crops with random
    # horizontal flipping.
    augment=("pad_crop:4", "flip"),
    validation=0.0,
    batch_size=100,
    steps=165_000,
    optimizer=Optimizer(name="sgd", learning_rate=0.01, momentum=0.9),
    # 0.01, 0.005, 5e-4 and 5e-5 up to 35, 85, 135 and 165 thousand steps.
    schedule=Schedule(
        name="step",
        unit="steps",
        boundaries=(35_000, 85_000, 135_000),
        values=(1.0, 0.5, 0.05, 0.005),
    ),
    # The L2-weight decay regularization term was set to 5e-4.
    weight_decay=5e-4,
)
