"""VGG A, the shallow network from which the deeper ones start."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="vgg_a",
    networks=("vgg11", "vgg11_lrn"),
    kind="paper",
    source="Simonyan & Zisserman 2014, arXiv 1409.1556, sec. 2.1 and 3.1",
    data="imagenet",
    resize="crop",
    # The only preprocessing we do is subtracting the mean RGB value.
    normalization="mean",
    # Crops of 224 from S = 256, mirror images, random RGB colour shift as AlexNet's.
    augment=("scale_jitter:256:256", "flip", "lighting:0.1"),
    # The paper watched the 50,000 validation images, which are the test images here.
    validation=0.02,
    batch_size=256,
    # Stopped after 370K iterations (74 epochs).
    epochs=74,
    optimizer=Optimizer(name="sgd", learning_rate=0.01, momentum=0.9),
    # Decreased by a factor of 10 when the validation set accuracy stopped improving,
    # three times in all; after how many epochs it does not say.
    schedule=Schedule(name="plateau", factor=0.1, patience=5, end=1e-3),
    # The L2 penalty multiplier set to 5e-4, which Caffe adds to the gradient.
    weight_decay=5e-4,
    # A normal distribution with the zero mean and 10^-2 variance: the number is a
    # variance, the standard deviation is 0.1.
    initializer="normal:0.1",
)
