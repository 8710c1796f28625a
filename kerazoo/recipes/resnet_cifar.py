"""ResNet on CIFAR-10: 64 thousand iterations."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="resnet_cifar",
    networks=("resnet*_cifar",),
    kind="paper",
    source="He et al. 2015, arXiv 1512.03385, sec. 4.2",
    data="cifar10",
    # The per-pixel mean subtracted; here that of every channel.
    normalization="mean",
    # 4 pixels are padded on each side, and a 32x32 crop is randomly sampled from the
    # padded image or its horizontal flip.
    augment=("pad_crop:4", "flip"),
    # Determined on a 45k/5k train/val split.
    validation=0.1,
    batch_size=128,
    # 182 epochs of 45,000 images.
    steps=64_000,
    optimizer=Optimizer(name="sgd", learning_rate=0.1, momentum=0.9),
    # Divide it by 10 at 32k and 48k iterations.
    schedule=Schedule(name="step", unit="steps", boundaries=(32_000, 48_000)),
    weight_decay=1e-4,
)
