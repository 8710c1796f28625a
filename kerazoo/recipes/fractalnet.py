"""FractalNet on CIFAR-10 and CIFAR-100."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="fractalnet",
    networks=("fractalnet*",),
    kind="paper",
    source="Larsson et al. 2016, arXiv 1605.07648, sec. 4",
    data="cifar10",
    # The paper prints no preprocessing; the mean is what its comparisons take off.
    normalization="mean",
    # The "+" of its tables: mirror images and translations.
    augment=("pad_crop:4", "flip"),
    validation=0.0,
    batch_size=100,
    epochs=400,
    optimizer=Optimizer(name="sgd", learning_rate=0.02, momentum=0.9),
    # We drop the learning rate by a factor of 10 whenever the number of remaining
    # epochs halves: of 400 there remain 200, 100, 50 and 25.
    schedule=Schedule(name="step", boundaries=(200, 300, 350, 375), factor=0.1),
    # The paper names no weight decay. Caffe's Xavier, dropout of 0 to 0.4 and drop-path
    # of 15 % are the network's own.
)
