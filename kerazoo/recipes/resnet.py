"""ResNet on ImageNet."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="resnet",
    networks=("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
    kind="paper",
    source="He et al. 2015, arXiv 1512.03385, sec. 3.4",
    data="imagenet",
    resize="crop",
    # The mean of every pixel there, of every channel here.
    normalization="mean",
    # The shorter side in [256, 480], crops of 224, mirror images, AlexNet's colours.
    augment=("scale_jitter:256:480", "flip", "lighting:0.1"),
    # The paper watched the 50,000 validation images, which are the test images here.
    validation=0.02,
    batch_size=256,
    # Up to 60 * 10^4 iterations.
    steps=600_000,
    optimizer=Optimizer(name="sgd", learning_rate=0.1, momentum=0.9),
    # Divided by 10 when the error plateaus; after how many epochs it does not say.
    schedule=Schedule(name="plateau", factor=0.1, patience=5),
    # Five times less than VGG's.
    weight_decay=1e-4,
)
