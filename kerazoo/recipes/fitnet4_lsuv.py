"""FitNet 4 from layer-sequential unit variance, in place of a teacher's hints."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="fitnet4_lsuv",
    # FitNets' own training (hints of a teacher's layer, then its softened outputs) is
    # not that of one network and no recipe says it.
    networks=("fitnet4", "fitresnet4"),
    kind="paper",
    source="Mishkin & Matas 2015, arXiv 1511.06422, sec. 4; the authors' Caffe files",
    data="cifar10",
    # LSUV asks for an input of unit variance.
    normalization="standardize",
    # Random mirror and crops; by how much is not certain.
    augment=("pad_crop:4", "flip"),
    validation=0.0,
    batch_size=128,
    # 230 epochs.
    steps=90_000,
    # The file for Xavier's initialisation and maxout has a momentum of 0.5.
    optimizer=Optimizer(name="sgd", learning_rate=0.01, momentum=0.9),
    schedule=Schedule(name="step", unit="steps", boundaries=(40_000, 60_000, 80_000)),
    weight_decay=5e-4,
    # Of one batch, to a variance of 1 within 0.02 in at most 20 tries a layer. Others
    # of its study: orthonormal, xavier, msra. Dropout of 0.2 is the network's own.
    initializer="lsuv",
)
