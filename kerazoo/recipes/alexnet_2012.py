"""AlexNet as trained for ILSVRC 2012."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="alexnet_2012",
    networks=("alexnet",),
    kind="paper",
    source="Krizhevsky et al. 2012, sec. 4 and 5",
    data="imagenet",
    options={"groups": 2},
    resize="crop",
    # "We did not pre-process the images in any other way, except for subtracting the
    # mean activity": pixels stay in 0..255, for which N(0, 0.01) weights are right.
    normalisation="mean",
    augment=("flip",),
    batch_size=128,
    epochs=90,
    optimizer=Optimizer(name="sgd", learning_rate=0.01, momentum=0.9),
    # "Divide the learning rate by 10 when the validation error rate stopped improving."
    schedule=Schedule(name="plateau", factor=0.1, patience=5),
    weight_decay=5e-4,
)
