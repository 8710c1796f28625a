"""The seminar's own convolutional networks, the step from perceptrons to LeNet.

Deep-learning seminar slides, 2017: "Break down the CNN in more detail" and "CNN in
process". The first is lab 11 of Sung Kim: Deep Learning Zero To All, 2017.

Differs from the paper:
- `slide_cnn_a`: pooling is padded (`same`, as the lab's TensorFlow code), which gives
  the 4x4x128 = 2,048 features of the slide; Keras' default would give 3x3x128.
- `slide_cnn_b`: kernels start as N(0, 0.02) and the scales of its batch norms, with the
  constants of PyTorch, as N(1, 0.02), as on the slide, whose code leaves the biases of
  the convolutions to PyTorch; before a batch norm they do nothing, and start at 0 here.
"""

from keras import KerasTensor, layers

from kerazoo.blocks import activate, conv, dense_head, initializer, mlp_head, sibling
from kerazoo.builder import Top, network
from kerazoo.layers import FusedBatchNormalization
from kerazoo.reader import HiddenActivation, Rate
from kerazoo.registry import register

MNIST = {"year": 2017, "input_shape": (28, 28, 1), "classes": 10}
# The slide's weight_init.
GAUSSIAN = {"kernel_initializer": initializer("RandomNormal", stddev=0.02)}
NEAR_ONE = initializer("RandomNormal", mean=1.0, stddev=0.02)


@register(**MNIST, counts=(1_379_557, 1_379_557, 8_737_386))
@network
def slide_cnn_a(
    inputs: KerasTensor,
    top: Top,
    *,
    activation: HiddenActivation = "relu",
    dropout: Rate = 0.3,
) -> KerasTensor:
    """Three convolutions of 32, 64 and 128 maps and a hidden layer of 625.

    Args:
        activation: That of every hidden layer.
        dropout: The share dropped after every pooling and the hidden layer.
    """
    x = inputs
    for number, filters in enumerate((32, 64, 128), 1):
        x = conv(x, filters, 3, activation=activation, name=f"conv{number}")
        x = layers.MaxPooling2D(2, padding="same", name=f"pool{number}")(x)
        x = layers.Dropout(dropout, name=f"conv{number}_drop")(x)
    return top(
        x,
        mlp_head,
        units=(625,),
        dropout=dropout,
        hidden_activation=activation,
        first=4,
    )


@register(**MNIST, minimum=16, counts=(22_000, 22_160, 480_500))
@network
def slide_cnn_b(
    inputs: KerasTensor, top: Top, *, activation: HiddenActivation = "relu"
) -> KerasTensor:
    """Two 5x5 convolutions with batch norm before the pooling, a hidden layer of 50.

    Args:
        activation: That of every hidden layer.
    """
    act = activation if activation == "relu" else "act"

    def norm(x, name):
        return FusedBatchNormalization(
            momentum=0.9, epsilon=1e-5, gamma_initializer=NEAR_ONE,
            name=sibling(name, "bn"),
        )(x)  # fmt: skip

    x = inputs
    for number, filters in enumerate((10, 20), 1):
        name, options = f"conv{number}", {"padding": "valid", **GAUSSIAN}
        x = conv(x, filters, 5, activation=None, name=name, **options)
        x = norm(x, name)
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
        x = activate(x, activation, f"{act}{number}")
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(50, name="fc3", **GAUSSIAN)(x)
    x = activate(norm(x, "fc3"), activation, f"{act}3")
    return top(x, dense_head, **GAUSSIAN)
