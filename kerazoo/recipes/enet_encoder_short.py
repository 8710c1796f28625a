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
    # Smaller than the paper's, for more steps in the same time.
    batch_size=4,
    epochs=4,
    optimizer=Optimizer(name="adam", learning_rate=3e-3),
    schedule=Schedule(name="one_cycle", unit="share", warmup=0.2, start=0.1),
    class_weight="inverse_log",
)
