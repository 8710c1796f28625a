"""ENet on generated scenes of digits, or on masks of one's own; not yet tuned.

Two epochs of scenes, two minutes, reach a mean IoU of 10 % (the background's).
"""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="enet_scenes",
    networks=("enet", "enet_encoder_per_pixel"),
    kind="laptop",
    source="One cycle of Adam; the paper's own are enet_encoder and enet.",
    data="digit_scenes/masks",
    image_shape=(112, 112, 3),
    normalization="standardize",
    batch_size=10,
    epochs=20,
    optimizer=Optimizer(name="adam", learning_rate=5e-3),
    schedule=Schedule(name="one_cycle", unit="share", warmup=0.2, start=0.1),
    class_weight="inverse_log",
)
