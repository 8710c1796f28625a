"""CIFAR networks without batch norm in 20 epochs.

Measured for All-CNN-C alone (``python -m benchmarks.cifar10``): 13.38 % test error on a
JPEG copy of CIFAR-10, one seed. The paper's 7.25 % took 350 epochs of the PNG images.
"""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="cifar_one_cycle_plain",
    networks=("all_cnn_*", "highway19", "elu1?", "fit*net4"),
    kind="modern",
    source="Smith & Topin 2017, arXiv 1708.07120; Loshchilov & Hutter 2017, arXiv "
    "1711.05101; Mishkin & Matas 2015, arXiv 1511.06422; a twelfth of the papers' "
    "epochs or less",
    data="cifar10",
    # Without the papers' whitening, whose matrix takes longer than its worth.
    normalization="standardize",
    # Half the papers' shift: a short training has less to fear from its images.
    augment=("pad_crop:2", "flip"),
    validation=0.0,
    batch_size=64,
    epochs=20,
    # Dropout is for long trainings. In a short one the network learns the scale that
    # dropping gives its activations, and errs without: All-CNN-C, after four epochs,
    # names 52 % of its training images with dropout and 45 % at inference.
    dropout_scale=0.0,
    # Without batch norms nothing else brings every layer to one scale: 17 layers of
    # FitNet's maxout hardly begin to learn from Glorot's.
    initializer="lsuv",
    # The scale of the gradients differs from layer to layer too: Adam evens it out, and
    # the clipping survives the first steps. SGD with momentum was behind: 63 % against
    # 72 % of validation images after four epochs of All-CNN-C.
    optimizer=Optimizer(
        name="adamw",
        learning_rate=1e-3,
        weight_decay=0.05,
        global_clipnorm=1.0,
    ),
    schedule=Schedule(name="one_cycle", unit="share", warmup=0.2, start=0.05),
)
