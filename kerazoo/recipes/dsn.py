"""The deeply-supervised net on CIFAR-10, companions and all."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="dsn",
    networks=("dsn",),
    kind="paper",
    source="Lee et al. 2014, arXiv 1409.5185, sec. 2 and 3; the authors' Caffe files",
    data="cifar10",
    options={"companions": True},
    # All four losses count alike in the files, which drop the companions after 50
    # thousand steps; the paper lets their share vanish. Here it does so in that time.
    auxiliary_weight=1.0,
    auxiliary_fade=50_000,
    # The files' images are brought to 0..1 after that, and normalised before they are
    # padded.
    normalization="gcn",
    # The 8.22 %; without (9.69 %): --set augment=[]
    augment=("pad_crop:4", "flip"),
    validation=0.0,
    batch_size=100,
    # 50 thousand steps with companions, then 120, 30 and 120 thousand without.
    steps=320_000,
    loss="squared_hinge",
    # The files: 0.025 and a decay of 5e-4, with a loss that adds up ten hinges. Keras
    # takes their mean: ten times the rate and a tenth of the decay make the same step.
    # For softmax (CIFAR-100, SVHN): --set loss=crossentropy, a rate of 0.025, a decay
    # of 5e-4.
    optimizer=Optimizer(
        name="sgd",
        learning_rate=0.25,
        momentum=0.9,
        multipliers={
            "*/bias": 2,
            # The last convolution learns a tenth as fast as the others.
            "stage3_conv3/kernel": 0.1,
            "stage3_conv3/bias": 0.2,
            # The companions stay nearly what they were drawn as, and shape what is
            # below them. Their rate also falls by (1 + 1e-4 step)^-0.75 in the files,
            # to a quarter, which no field says.
            "companion*/kernel": 0.001,
            "companion*/bias": 0.002,
        },
    ),
    # 0.025 for 50 and 100 thousand steps; a twentieth for 20; then 1e-4 and 1e-5.
    schedule=Schedule(
        name="step",
        unit="steps",
        boundaries=(150_000, 170_000, 200_000),
        values=(1.0, 0.05, 0.004, 0.0004),
    ),
    weight_decay=5e-5,
)
