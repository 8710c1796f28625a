"""For any network on a small data set: minutes, not the paper's result."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="laptop",
    networks=("*",),
    kind="laptop",
    source="Smith & Topin 2017, arXiv 1708.07120: one cycle of the learning rate.",
    batch_size=64,
    epochs=10,
    optimizer=Optimizer(name="adam", learning_rate=1e-3, global_clipnorm=1.0),
    schedule=Schedule(name="one_cycle", unit="share", warmup=0.2, start=0.1),
)
