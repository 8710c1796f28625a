"""Deeply-supervised nets: a classifier on every stage's first features, in training.

Chen-Yu Lee, Saining Xie, Patrick Gallagher, Zhengyou Zhang, Zhuowen Tu:
Deeply-Supervised Nets. AISTATS 2015, arXiv 1409.5185. Sections 2 and 3.2, the network
of the CIFAR table.

Differs from the paper:
- The paper prints no table of this network: layers and initialisation are those of the
  authors' Caffe file, a network in network without a ReLU on the class maps
  (`final_relu=True` adds it) whose companion classifiers see the first convolution of
  each stage before its ReLU.
- `companions=True` is the training graph, with the outputs `companion1` to
  `companion3`; `keras.Model(model.input, model.output["predictions"])` is the inference
  graph with its weights.
- The squared hinge loss (for which `classifier_activation=None` gives the scores) and
  the companions' share in it belong to training: the paper lets that share vanish; the
  authors' files train the companions at a thousandth of the learning rate, then drop
  them.
"""

from functools import partial

from keras import KerasTensor, layers

from kerazoo.blocks import XAVIER, conv, conv_head, initializer
from kerazoo.blocks.conv import Activation
from kerazoo.builder import Outputs, Top, network
from kerazoo.layers import CeilMaxPooling2D
from kerazoo.registry import register

# Kernel of the first convolution, widths of the stage; the third width of the last
# stage is the number of classes.
STAGES = ((5, (192, 160, 96)), (5, (192, 192, 192)), (3, (192, 192)))
GAUSSIAN = {"kernel_initializer": initializer("RandomNormal", stddev=0.05)}


def companion(
    x: KerasTensor, classes: int, activation: Activation, *, name: str
) -> KerasTensor:
    """A linear classifier of the whole feature map."""
    if None in x.shape[1:]:
        raise ValueError(
            "The companion classifiers need a fixed input size; give input_shape with "
            "height and width, or companions=False."
        )
    x = layers.Flatten(name=f"{name}_flatten")(x)
    return layers.Dense(
        classes, activation, kernel_initializer=XAVIER, dtype="float32", name=name
    )(x)


@register(
    year=2014,
    input_shape=(32, 32, 3),
    classes=10,
    minimum=4,
    counts=(966_986, 966_986, 222_486_528),
    published={"CIFAR-10 error": "9.69, augmented 8.22", "CIFAR-100 error": "34.57"},
)
@network
def dsn(
    inputs: KerasTensor, top: Top, *, companions: bool = False, final_relu: bool = False
) -> Outputs:
    """The deeply-supervised network in network.

    Args:
        companions: Whether to build the training graph, with the outputs
            ``predictions``, ``companion1``, ``companion2`` and ``companion3``.
        final_relu: Whether a ReLU stands before the average of the class maps.
    """
    step = partial(conv, **GAUSSIAN)
    x, heads = inputs, {}
    for stage, (kernel, (first, *widths)) in enumerate(STAGES, 1):
        if stage > 1:
            x = CeilMaxPooling2D(3, 2, name=f"stage{stage}_pool")(x)
            x = layers.Dropout(0.5, name=f"stage{stage}_drop")(x)
        x = step(x, first, kernel, activation=None, name=f"stage{stage}_conv1")
        if companions and top.include_top:
            heads[f"companion{stage}"] = top(x, companion, name=f"companion{stage}")
        x = layers.Activation("relu", name=f"stage{stage}_relu1")(x)
        for number, filters in enumerate(widths, 2):
            x = step(x, filters, 1, name=f"stage{stage}_conv{number}")
    relu = "relu" if final_relu else None
    x = top(x, conv_head, final_activation=relu, name="stage3_conv3", **GAUSSIAN)
    return {"predictions": x, **heads} if heads else x
