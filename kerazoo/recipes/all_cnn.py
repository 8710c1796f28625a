"""All-CNN on CIFAR-10 and CIFAR-100."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="all_cnn",
    networks=("all_cnn_*",),
    kind="paper",
    source="Springenberg et al. 2014, arXiv 1412.6806, sec. 3.1",
    data="cifar10",
    # Whitened and contrast normalized following Goodfellow et al.; whole images
    # there, here what the crop leaves.
    normalization="zca",
    # The 7.25 %: mirror images and translations of up to 5 pixels. Without (9.08 %):
    # --set augment=[]
    augment=("pad_crop:5", "flip"),
    validation=0.0,
    # The paper prints no batch; this is its Caffe port's.
    batch_size=256,
    epochs=350,
    # The paper tries 0.25, 0.1, 0.05 and 0.01 for every network; 0.05 is good for C.
    optimizer=Optimizer(name="sgd", learning_rate=0.05, momentum=0.9),
    # Multiplied by a fixed factor of 0.1 after S = [200, 250, 300] epochs.
    schedule=Schedule(name="step", boundaries=(200, 250, 300), factor=0.1),
    weight_decay=1e-3,
)
