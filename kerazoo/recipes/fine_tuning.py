"""From trained weights to images of one's own: the new head first, then everything."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="fine_tuning",
    networks=("*",),
    kind="tuning",
    source="Howard & Gugger 2020, arXiv 2002.04688: fine_tune, for Adam's rates here.",
    weights="imagenet",
    normalization="weights",
    # In proportion, as published weights have seen their images.
    resize="crop",
    augment=("flip",),
    batch_size=32,
    epochs=8,
    # A random head would spoil what is learnt already, with its first gradients.
    freeze=("body",),
    unfreeze_at=2,
    # Safe for batches of any size; batch_norm=train adapts to another kind of image.
    batch_norm="frozen",
    # Measured for ResNet-20 from photos to digits (benchmarks.fine_tuning): with 0.3
    # and 1e-3 three epochs were too few for images that are so unlike.
    optimizer=Optimizer(
        name="adam", learning_rate=2e-3, stage_rate=0.5, global_clipnorm=1.0
    ),
    schedule=Schedule(name="one_cycle", unit="share", warmup=0.3, start=0.1),
)
