"""The seminar's first network, as its slides train it: a start meant to be bettered."""

from kerazoo.recipe import Optimizer, Recipe

RECIPE = Recipe(
    name="two_layer_net",
    networks=("mlp_50",),
    kind="paper",
    source="Deep-learning seminar slides, 2017: MNIST classifier",
    data="mnist",
    # Mean and deviation of the training images, the slides' 0.1307 and 0.3081.
    normalization="standardize",
    # Weights from U(0, 1), biases of 0. All are positive, and the hidden units with
    # their 784 inputs begin, nearly all, at 0 or 1, where a sigmoid does not learn.
    initializer="uniform:0:1",
    validation=0,
    batch_size=100,
    epochs=5,
    optimizer=Optimizer(name="sgd", learning_rate=0.01),
    loss="binary_crossentropy",
)
