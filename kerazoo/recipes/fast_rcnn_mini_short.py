"""A small Fast R-CNN on generated scenes, in minutes."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="fast_rcnn_mini_short",
    networks=("fast_rcnn_mini",),
    kind="laptop",
    source="One cycle of Adam; found by trying.",
    # Regions are searched for once in each scene.
    data="digit_scenes/boxes?scenes=400",
    normalization="standardize",
    batch_size=8,
    epochs=12,
    optimizer=Optimizer(name="adam", learning_rate=2e-3),
    schedule=Schedule(name="one_cycle", unit="share", warmup=0.2, start=0.1),
)
