"""The image sets that kerazoo knows by name; importing this needs no TensorFlow."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class NamedSet:
    """One row of the table of sets.

    Attributes:
        name: What users type.
        tfds: Name of the TFDS builder behind it.
        shape: Height, width and channels; None where images differ in size.
        classes: Number of classes.
        train: TFDS split to train on (a validation share is carved from it).
        test: TFDS split to test on.
        mean: Published mean of each channel of the training images, 0..255, or None.
        std: Published standard deviation of each channel, 0..255, or None.
        note: What one should know before using it.
    """

    name: str
    tfds: str
    shape: tuple
    classes: int
    train: str = "train"
    test: str = "test"
    mean: tuple | None = None
    std: tuple | None = None
    note: str = ""


SETS = {
    row.name: row
    for row in (
        NamedSet(
            "digits",
            "digits",
            (8, 8, 1),
            10,
            note="scikit-learn's 1,797 handwritten digits; needs no download",
        ),
        NamedSet(
            "mnist",
            "mnist",
            (28, 28, 1),
            10,
            mean=(33.318,),
            std=(78.567,),
            note="60,000 + 10,000 handwritten digits",
        ),
        NamedSet(
            "svhn",
            "svhn_cropped",
            (32, 32, 3),
            10,
            mean=(111.609, 113.161, 120.565),
            std=(50.498, 51.258, 50.244),
            note="73,257 + 26,032 house numbers; 531,131 easier ones in split extra",
        ),
        NamedSet(
            "cifar10",
            "cifar10",
            (32, 32, 3),
            10,
            mean=(125.307, 122.950, 113.865),
            std=(62.993, 62.089, 66.705),
            note="50,000 + 10,000 tiny photographs",
        ),
        NamedSet(
            "cifar100",
            "cifar100",
            (32, 32, 3),
            100,
            mean=(129.304, 124.070, 112.434),
            std=(68.170, 65.392, 70.418),
            note="50,000 + 10,000 tiny photographs, 500 a class",
        ),
        NamedSet(
            "imagenet",
            "imagenet2012",
            (None, None, 3),
            1000,
            # The labels of the test images are secret: everybody reports this split.
            test="validation",
            mean=(123.675, 116.28, 103.53),
            std=(58.395, 57.12, 57.375),
            note="1,281,167 + 50,000 photographs; the archives must be fetched by hand",
        ),
    )
}
