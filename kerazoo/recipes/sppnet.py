"""SPP-net as trained for ILSVRC 2012, at two sizes in turn."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="sppnet",
    networks=("sppnet",),
    kind="paper",
    source="He et al. 2014, arXiv 1406.4729, sec. 2.3 and 3.1",
    data="imagenet",
    resize="crop",
    normalization="mean",
    # Crops of 224 from images whose shorter side is 256, mirrored; color as AlexNet's.
    augment=("scale_jitter:256:256", "flip", "lighting:0.1"),
    # An epoch at 224 pixels, the next one at 180 with the same crops made smaller.
    image_sizes=(224, 180),
    validation=0.02,
    batch_size=128,
    epochs=70,
    optimizer=Optimizer(name="sgd", learning_rate=0.01, momentum=0.9),
    # Divided by 10 twice, when the error plateaus; by which patience it does not say.
    schedule=Schedule(name="plateau", factor=0.1, patience=5, end=0.01),
    weight_decay=5e-4,
)
