"""ENet's encoder as the paper trained it, before the decoder."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="enet_encoder",
    networks=("enet_encoder_per_pixel",),
    kind="paper",
    # The authors' code has 1.2 in place of the paper's 1.02 in the weights of the
    # classes of this first training.
    source="Paszke et al. 2016, arXiv 1606.02147, sec. 5.1; e-lab/ENet-training",
    # TFDS has Cityscapes' 34 labels; the 19 of the paper are those that are evaluated.
    data="cityscapes?masks=segmentation_label",
    resize="bilinear",
    normalization="minmax",
    validation=0.0,
    batch_size=10,
    epochs=300,
    optimizer=Optimizer(name="adam", learning_rate=5e-4),
    # Divided by 10 every 100 epochs in the authors' code.
    schedule=Schedule(name="exponential", factor=0.1, every=100),
    class_weight="inverse_log",
    # Added to the gradient before Adam scales it, as in Torch.
    weight_decay=2e-4,
)
