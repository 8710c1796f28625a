"""Network in network on CIFAR-10."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="nin_cifar10",
    networks=("nin_cifar",),
    kind="paper",
    source="Lin et al. 2013, arXiv 1312.4400, sec. 4.1; the authors' files",
    data="cifar10",
    # Global contrast normalization and ZCA whitening as for Maxout; whole images
    # there, here what the crop leaves.
    normalization="zca",
    # The 8.81 %: translation and horizontal flipping, by how much is not printed.
    # Without (10.41 %): --set augment=[]
    augment=("pad_crop:4", "flip"),
    # The paper looks at the training images' accuracy for its steps, this recipe at the
    # loss of a few images that are set aside.
    validation=0.1,
    batch_size=128,
    # Neither the end nor the first rate is printed. 0.1 is what ports of the authors'
    # Caffe model have; the 300 epochs are a bound, not a figure of the paper.
    epochs=300,
    optimizer=Optimizer(
        name="sgd",
        learning_rate=0.1,
        momentum=0.9,
        # The authors' files: biases learn twice as fast, the last layer a tenth.
        multipliers={"*/bias": 2, "cccp6/kernel": 0.1, "cccp6/bias": 0.2},
    ),
    # The learning rate is lowered by a scale of 10. This procedure is repeated once
    # such that the final learning rate is one percent of the initial value.
    schedule=Schedule(name="plateau", factor=0.1, patience=10, end=0.01),
    # The files have 1e-5 beside a loss that counts a tenth.
    weight_decay=1e-4,
)
