"""The highway network on CIFAR-10 and CIFAR-100."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="highway",
    networks=("highway19",),
    kind="paper",
    # The papers print no hyper-parameters; all are the authors' Caffe files'.
    source="Srivastava et al. 2015, arXiv 1507.06228; the authors' Caffe files",
    data="cifar10",
    # Their images are normalised before they are padded, here after.
    normalization="gcn",
    augment=("pad_crop:4", "flip"),
    validation=0.0,
    batch_size=100,
    steps=200_000,
    optimizer=Optimizer(name="sgd", learning_rate=0.025, momentum=0.9, nesterov=True),
    schedule=Schedule(
        name="step", unit="steps", boundaries=(100_000, 150_000, 175_000)
    ),
    # Ten times that of a ResNet: there is no batch norm to undo it.
    weight_decay=1e-3,
)
