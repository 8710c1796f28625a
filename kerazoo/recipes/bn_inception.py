"""BN-Inception, the run with thirty times Inception's rate (BN-x30)."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="bn_inception",
    networks=("bn_inception", "bn_googlenet"),
    kind="paper",
    source="Ioffe & Szegedy 2015, arXiv 1502.03167, sec. 4.2",
    data="imagenet",
    resize="crop",
    normalization="minus_one_one",
    # Reduce the photometric distortions: there are none here.
    augment=("area_crop:0.08:1.0", "flip"),
    validation=0.0,
    # Mini-batch size of 32; each of the asynchronous replicas has its own.
    batch_size=32,
    # It reaches 74.8% after 6 * 10^6 steps.
    steps=6_000_000,
    # 30 x 0.0015, Inception's rate. BN-x5 (73.0 %) starts with 0.0075. SGD with
    # momentum, of which no number is printed; 0.9 is GoogLeNet's.
    optimizer=Optimizer(name="sgd", learning_rate=0.045, momentum=0.9),
    # We lower the learning rate 6 times faster than 4 % every 8 epochs.
    schedule=Schedule(name="exponential", factor=0.96, every=8 / 6),
    # In Batch-Normalized Inception the L2 weight regularization is reduced by a factor
    # of 5: of GoogLeNet's 2e-4 in BVLC's copy, for the paper prints no number.
    weight_decay=4e-5,
)
