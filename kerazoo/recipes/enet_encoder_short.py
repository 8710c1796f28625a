"""ENet's encoder in a few minutes: on generated scenes, or masks of one's own."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="enet_encoder_short",
    networks=("enet_encoder_per_pixel",),
    kind="laptop",
    source="One cycle of Adam; the paper's own is enet_encoder.",
    data="digit_scenes/masks",
    image_shape=(112, 112, 3),
    normalization="standardize",
    # In a few thousand steps dropout costs more than it gives.
    options={"dropout": [0.0, 0.0]},
    # Smaller than the paper's, for more steps in the same time.
    batch_size=8,
    epochs=4,
    optimizer=Optimizer(name="adam", learning_rate=1e-2),
    schedule=Schedule(name="one_cycle", unit="share", warmup=0.2, start=0.1),
    class_weight="inverse_log",
)
