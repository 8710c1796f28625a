"""LeNet-5 of 1998: its input, targets and loss, with Adam for its method."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="lenet5_1998",
    networks=("lenet5_original",),
    kind="paper",
    source="LeCun et al. 1998, sec. II-C and III",
    data="mnist",
    # The digits keep their 28x28 pixels in the middle of a 32x32 field.
    resize="center",
    # Background -0.1 and ink 1.175 make the mean about 0 and the variance about 1.
    normalization="lenet",
    # The paper's stochastic diagonal Levenberg-Marquardt scales every weight's rate by
    # its curvature, one image at a time. Adam on small batches is the nearest in Keras.
    batch_size=32,
    # 5e-4 for two passes, 2e-4 for three, 1e-4 for three, 5e-5 for four, then 1e-5:
    # here as multiples of the first.
    epochs=20,
    optimizer=Optimizer(name="adam", learning_rate=2e-3),
    schedule=Schedule(
        name="step", boundaries=(2, 5, 8, 12), values=(1.0, 0.4, 0.2, 0.1, 0.02)
    ),
    loss="map",
)
