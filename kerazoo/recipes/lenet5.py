"""LeNet-5 in a minute: on the built-in digits, or on MNIST with ``--data mnist``."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="lenet5",
    networks=("lenet*",),
    kind="laptop",
    source="One cycle of Adam; the paper's own is lenet5_1998.",
    data="digits",
    augment=("translate:0.06", "rotate:8"),
    batch_size=64,
    epochs=20,
    optimizer=Optimizer(name="adam", learning_rate=2e-3),
    schedule=Schedule(name="one_cycle", unit="share", warmup=0.15, start=0.1),
)
