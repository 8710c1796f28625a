"""Residual and fractal networks on CIFAR in 20 epochs.

Measured for ResNet-20 alone (``python -m benchmarks.cifar10``): 13.15 % test error on a
JPEG copy of CIFAR-10, one seed. The paper's 8.75 % took 182 epochs of the PNG images.
"""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="cifar_one_cycle",
    # What has batch norms and so bears a high rate.
    networks=("resnet*_cifar", "preresnet*_cifar", "fractalnet*"),
    kind="modern",
    source="Smith & Topin 2017, arXiv 1708.07120; a ninth of the papers' 182 epochs",
    data="cifar10",
    normalization="standardize",
    # Half the papers' shift: a short training has less to fear from its images.
    augment=("pad_crop:2", "flip"),
    validation=0.0,
    # Half the papers' batch at their rate: more and noisier steps, which nothing that
    # has been warmed up diverges in. Nesterov's momentum as in Facebook's code.
    batch_size=64,
    epochs=20,
    optimizer=Optimizer(name="sgd", learning_rate=0.1, momentum=0.9, nesterov=True),
    # Up for a fifth of the time, then a cosine to nothing.
    schedule=Schedule(name="one_cycle", unit="share", warmup=0.2, start=0.05),
    # Five times the papers', which short trainings need.
    weight_decay=5e-4,
)
