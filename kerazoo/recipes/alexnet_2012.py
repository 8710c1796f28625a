"""AlexNet as trained for ILSVRC 2012."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="alexnet_2012",
    networks=("alexnet",),
    kind="paper",
    source="Krizhevsky et al. 2012, sec. 4 and 5",
    data="imagenet",
    # Sec. 3.5: two towers.
    options={"groups": 2},
    # Sec. 2: the shorter side becomes 256, the middle is cut out. The paper then takes
    # crops of 224, the network here 227 (see its card).
    resize="crop",
    # We did not pre-process the images in any other way, except for subtracting the
    # mean activity: pixels stay in 0..255, for which N(0, 0.01) weights are right. The
    # paper's mean is that of every pixel, here of every channel.
    normalization="mean",
    # Sec. 4.1: crops of 256 and mirror images; colours along the principal components
    # with a standard deviation of 0.1.
    augment=("scale_jitter:256:256", "flip", "lighting:0.1"),
    # The paper watched the 50,000 validation images, which are the test images here.
    validation=0.02,
    # Sec. 5, as all that follows.
    batch_size=128,
    epochs=90,
    optimizer=Optimizer(name="sgd", learning_rate=0.01, momentum=0.9),
    # Divide the learning rate by 10 when the validation error rate stopped improving,
    # three times prior to termination. It does not say after how many epochs.
    schedule=Schedule(name="plateau", factor=0.1, patience=5, end=1e-3),
    weight_decay=5e-4,
)
