"""OverFeat as trained for ILSVRC 2012."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="overfeat",
    networks=("overfeat_*",),
    kind="paper",
    source="Sermanet et al. 2013, arXiv 1312.6229, sec. 3.1",
    data="imagenet",
    resize="crop",
    # The paper names no preprocessing but the scaling of the shorter side to 256.
    normalization="mean",
    # Five random crops of the network's input and their mirror images.
    augment=("scale_jitter:256:256", "flip"),
    validation=0.0,
    batch_size=128,
    # The paper does not print the end; one more interval after the last step.
    epochs=90,
    # 0.6 is the paper's: lower than anybody else's, at five times the usual rate.
    optimizer=Optimizer(name="sgd", learning_rate=0.05, momentum=0.6),
    # Successively decreased by a factor of 0.5 after (30, 50, 60, 70, 80) epochs.
    schedule=Schedule(name="step", boundaries=(30, 50, 60, 70, 80), factor=0.5),
    # N(0, 0.01) and dropout are the network's own.
    weight_decay=1e-5,
)
