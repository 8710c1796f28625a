"""A small Faster R-CNN on generated scenes, in minutes."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="faster_rcnn_mini_short",
    networks=("faster_rcnn_mini",),
    kind="laptop",
    source="One cycle of Adam; found by trying.",
    data="digit_scenes/boxes",
    normalization="standardize",
    batch_size=8,
    epochs=5,
    optimizer=Optimizer(name="adam", learning_rate=2e-3),
    schedule=Schedule(name="one_cycle", unit="share", warmup=0.2, start=0.1),
)
