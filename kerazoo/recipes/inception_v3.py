"""Inception v3: RMSProp, smoothed labels, batch norms in the auxiliary head."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="inception_v3",
    networks=("inception_v3",),
    kind="paper",
    source="Szegedy et al. 2015, arXiv 1512.00567, sec. 7 and 8; "
    "tensorflow/models, inception",
    data="imagenet",
    # Table 3, "BN-auxiliary", the last of its cumulative rows: top-1 21.2, top-5 5.6.
    # The rows before are inception_v2, inception_v2_rmsprop,
    # inception_v2_label_smoothing and inception_v3_factorized.
    options={"aux": True},
    # The paper prints no weight of the auxiliary head; the released code has 0.4.
    auxiliary_weight=0.4,
    resize="crop",
    # The released code's input, as the crops and the colours.
    normalization="minus_one_one",
    augment=("area_crop:0.05:1.0", "flip", "color_jitter:0.4"),
    validation=0.0,
    # Sec. 8: 50 replicas, each with batches of 32, for 100 epochs. They did not wait
    # for each other, so that one step is one replica's 32 images.
    batch_size=32,
    epochs=100,
    optimizer=Optimizer(
        name="rmsprop",
        learning_rate=0.045,
        # RMSProp with decay of 0.9 and epsilon = 1.0: ten million times Keras'
        # epsilon. Beside a mean square well below 1 it is the larger part of the
        # denominator, and a step is close to one of plain gradient descent.
        rho=0.9,
        epsilon=1.0,
        # Gradient clipping with threshold 2.0, as Pascanu et al.: by the norm of all.
        global_clipnorm=2.0,
        # A running average of the parameters computed over time; the momentum is the
        # released code's.
        ema_momentum=0.9999,
    ),
    # Decayed every two epoch using an exponential rate of 0.94.
    schedule=Schedule(name="exponential", factor=0.94, every=2),
    # Sec. 7: epsilon 0.1 over 1000 classes.
    label_smoothing=0.1,
    # Not in the paper: the released code's.
    weight_decay=4e-5,
)
