"""A small YOLO on generated scenes, in minutes."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="yolo_mini_short",
    networks=("yolo_mini",),
    kind="laptop",
    source="One cycle of Adam; found by trying.",
    data="digit_scenes/boxes",
    normalization="standardize",
    batch_size=16,
    epochs=20,
    optimizer=Optimizer(name="adam", learning_rate=8e-3),
    schedule=Schedule(name="one_cycle", unit="share", warmup=0.2, start=0.1),
)
