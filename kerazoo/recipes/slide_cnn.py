"""The seminar's convolutional networks on MNIST: "100 %" on its slides."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="slide_cnn",
    networks=("slide_cnn_*",),
    kind="laptop",
    source="Sung Kim: Deep Learning Zero To All, 2017, lab 11",
    data="mnist",
    normalization="minmax",
    # Moves and turns make up for what 60,000 digits do not show.
    augment=("translate:0.08", "rotate:10"),
    batch_size=128,
    epochs=12,
    optimizer=Optimizer(name="adam", learning_rate=2e-3),
    schedule=Schedule(name="one_cycle", unit="share", warmup=1 / 6, start=0.1),
)
