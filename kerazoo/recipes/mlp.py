"""The seminar's perceptrons on MNIST: 92 and 97 % on its slides."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="mlp",
    networks=("mlp_*",),
    kind="laptop",
    # The lab trains with Adam, 1e-3, batches of 100, 15 epochs.
    source="Sung Kim: Deep Learning Zero To All, 2017, lab 10",
    data="mnist",
    normalization="minmax",
    # A perceptron cannot know that a digit moved by a pixel is the same digit.
    augment=("translate:0.05",),
    batch_size=100,
    epochs=15,
    optimizer=Optimizer(name="adam", learning_rate=1e-3),
    # The last epochs at a falling rate are worth half a point.
    schedule=Schedule(name="cosine"),
)
