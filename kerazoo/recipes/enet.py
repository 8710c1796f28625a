"""ENet, as far as the words of a recipe reach."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="enet",
    networks=("enet", "enet_encoder"),
    kind="paper",
    # A class counts 1 / ln(c + share of its pixels), c = 1.02, in the loss; first the
    # encoder learns, then the decoder: no field says either, and training knows
    # classification alone.
    source="Paszke et al. 2016, arXiv 1606.02147, sec. 5.1; e-lab/ENet-training",
    data="cityscapes",
    resize="bilinear",
    normalization="minmax",
    validation=0.0,
    batch_size=10,
    epochs=300,
    optimizer=Optimizer(name="adam", learning_rate=5e-4),
    # Divided by 10 every 100 epochs in the authors' code.
    schedule=Schedule(name="exponential", factor=0.1, every=100),
    # Added to the gradient before Adam scales it, as in Torch.
    weight_decay=2e-4,
)
