"""ZFNet as trained for ILSVRC 2012."""

from kerazoo.recipe import Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="zfnet",
    networks=("zfnet", "zfnet_wide"),
    kind="paper",
    source="Zeiler & Fergus 2013, arXiv 1311.2901, sec. 3",
    data="imagenet",
    resize="crop",
    # The mean of every pixel there, of every channel here.
    normalization="mean",
    # Five crops of 224 from 256 (corners and centre), mirrored; here from anywhere.
    augment=("scale_jitter:256:256", "flip"),
    # As for AlexNet: the paper's validation images are the test images here.
    validation=0.02,
    batch_size=128,
    epochs=70,
    optimizer=Optimizer(name="sgd", learning_rate=0.01, momentum=0.9),
    # We anneal the learning rate throughout training manually when the validation
    # error plateaus; by how much it does not say, nor after how many epochs.
    schedule=Schedule(name="plateau", factor=0.1, patience=5),
    # The paper names no weight decay. That filters are held to a root mean square of
    # 0.1, that weights begin as N(0, 0.01), and dropout are the network's own.
)
