"""VGG: depth made of nothing but 3x3 convolutions.

Karen Simonyan, Andrew Zisserman: Very Deep Convolutional Networks for Large-Scale Image
Recognition. ICLR 2015, arXiv 1409.1556. Section 2, Tables 1 to 3.

Differs from the paper:
- Initialised by Glorot and Bengio's rule, which the paper notes to work by itself. Its
  own way is N(0, 0.1) (it prints the variance, 0.01) for A and for what a deeper
  network does not take from A; see `initialize_from`.
- `vgg*_bn` are not in the paper: PyTorch's copies with a batch norm after every
  convolution, whose bias they keep; `conv_bias=False` drops it.
- The first fully connected layer takes the features by row, column, channel; Caffe's
  order is channel, row, column, which matters to converted weights alone.
"""

from functools import partial

from keras import layers

from kerazoo.blocks import conv, conv_bn, mlp_head
from kerazoo.builder import network
from kerazoo.layers import LocalResponseNormalization
from kerazoo.registry import register

# Table 1: the width of every stage, and its kernels.
WIDTHS = (64, 128, 256, 512, 512)
TABLE_1 = {
    "A": ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    "A-LRN": ((3, "LRN"), (3,), (3, 3), (3, 3), (3, 3)),
    "B": ((3, 3), (3, 3), (3, 3), (3, 3), (3, 3)),
    "C": ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1)),
    "D": ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)),
    "E": ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3)),
}
# Section 3.1: the first four convolutions of A and its fully connected layers.
OF_A = (
    "stage1_conv1", "stage1_bn1", "stage2_conv1", "stage2_bn1",
    "stage3_conv1", "stage3_bn1", "stage3_conv2", "stage3_bn2",
    "fc6", "fc7", "predictions",
)  # fmt: skip
VGG = {"year": 2014, "input_shape": (224, 224, 3), "minimum": 32}


def vgg(inputs, top, config, step=conv, lrn_alpha_mode="sum"):
    """Five stages of convolutions and a pooling, three fully connected layers."""
    x = inputs
    for stage, kernels in enumerate(TABLE_1[config], 1):
        for number, kernel in enumerate(kernels, 1):
            if kernel == "LRN":
                norm = LocalResponseNormalization(
                    n=5, k=2, alpha=1e-4, beta=0.75, alpha_mode=lrn_alpha_mode,
                    name="stage1_norm1",
                )  # fmt: skip
                x = norm(x)
            else:
                name = f"stage{stage}_conv{number}"
                x = step(x, WIDTHS[stage - 1], kernel, name=name)
        x = layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
    return top(x, mlp_head)


def initialize_from(deep, shallow):
    """The staged initialisation of section 3.1: a deeper network starts from A.

    Copies the first four convolutions of A (with their batch norms, if any) and its
    fully connected layers; the other layers keep their random values.

    Args:
        deep: A VGG network; it is changed.
        shallow: A trained ``vgg11``, ``vgg11_lrn`` or ``vgg11_bn``.

    Returns:
        The names of the layers of ``deep`` that were set.

    Raises:
        ValueError: Where the two do not fit; nothing is copied then.
    """

    def parts(model):
        # A name given to the builder stands before the name of every layer.
        own = {la.name.removeprefix(f"{model.name}_"): la for la in model.layers}
        return {name: own[name] for name in OF_A if name in own}

    def shapes(found):
        return {name: [w.shape for w in la.weights] for name, la in found.items()}

    source, target = parts(shallow), parts(deep)
    if OF_A[0] not in source or shapes(source) != shapes(target):
        raise ValueError(
            f"{deep.name} cannot start from {shallow.name}; give a VGG network and a "
            "vgg11 with the same classes, input_shape, top and batch norms."
        )
    for name, layer in target.items():
        layer.set_weights(source[name].get_weights())
    return [layer.name for layer in target.values()]


@register(
    **VGG,
    trainable=132_863_336,
    total=132_863_336,
    macs=7_609_090_048,
    published={"parameters": "133 M", "top-1 / top-5 error": "29.6 / 10.4"},
)
@network
def vgg11(inputs, top):
    """VGG A: 11 weight layers."""
    return vgg(inputs, top, "A")


@register(
    **VGG,
    trainable=132_863_336,
    total=132_863_336,
    macs=7_609_090_048,
    published={"parameters": "133 M", "top-1 / top-5 error": "29.7 / 10.5"},
    differs=(
        '`lrn_alpha_mode`: `"sum"` is the formula of the AlexNet paper, to which this '
        'one refers; `"mean"` divides alpha by the window of 5, as Caffe does.',
    ),
)
@network
def vgg11_lrn(inputs, top, *, lrn_alpha_mode="sum"):
    """VGG A-LRN: A with local response normalisation after its first convolution.

    Args:
        lrn_alpha_mode: ``"sum"`` or ``"mean"``.
    """
    return vgg(inputs, top, "A-LRN", lrn_alpha_mode=lrn_alpha_mode)


@register(
    **VGG,
    trainable=133_047_848,
    total=133_047_848,
    macs=11_308_466_176,
    published={"parameters": "133 M", "top-1 / top-5 error": "28.7 / 9.9"},
)
@network
def vgg13(inputs, top):
    """VGG B: 13 weight layers."""
    return vgg(inputs, top, "B")


@register(
    **VGG,
    trainable=133_638_952,
    total=133_638_952,
    macs=11_770_888_192,
    published={"parameters": "134 M", "top-1 / top-5 error": "27.3 / 8.8"},
)
@network
def vgg16c(inputs, top):
    """VGG C: 16 weight layers, three of them 1x1 convolutions."""
    return vgg(inputs, top, "C")


@register(
    **VGG,
    trainable=138_357_544,
    total=138_357_544,
    macs=15_470_264_320,
    published={"parameters": "138 M", "top-1 / top-5 error": "25.6 / 8.1"},
    proof="outputs equal keras.applications with the same weights",
)
@network
def vgg16(inputs, top):
    """VGG D: 16 weight layers, the network that is called VGG-16."""
    return vgg(inputs, top, "D")


@register(
    **VGG,
    trainable=143_667_240,
    total=143_667_240,
    macs=19_632_062_464,
    published={"parameters": "144 M", "top-1 / top-5 error": "25.5 / 8.0"},
    proof="outputs equal keras.applications with the same weights",
)
@network
def vgg19(inputs, top):
    """VGG E: 19 weight layers."""
    return vgg(inputs, top, "E")


@register(**VGG, trainable=132_868_840, total=132_874_344, macs=7_609_090_048)
@network
def vgg11_bn(inputs, top, *, conv_bias=True):
    """VGG A with batch norm.

    Args:
        conv_bias: Whether the convolutions keep their biases.
    """
    return vgg(inputs, top, "A", partial(conv_bn, use_bias=conv_bias))


@register(**VGG, trainable=133_053_736, total=133_059_624, macs=11_308_466_176)
@network
def vgg13_bn(inputs, top, *, conv_bias=True):
    """VGG B with batch norm.

    Args:
        conv_bias: Whether the convolutions keep their biases.
    """
    return vgg(inputs, top, "B", partial(conv_bn, use_bias=conv_bias))


@register(**VGG, trainable=138_365_992, total=138_374_440, macs=15_470_264_320)
@network
def vgg16_bn(inputs, top, *, conv_bias=True):
    """VGG D with batch norm.

    Args:
        conv_bias: Whether the convolutions keep their biases.
    """
    return vgg(inputs, top, "D", partial(conv_bn, use_bias=conv_bias))


@register(**VGG, trainable=143_678_248, total=143_689_256, macs=19_632_062_464)
@network
def vgg19_bn(inputs, top, *, conv_bias=True):
    """VGG E with batch norm.

    Args:
        conv_bias: Whether the convolutions keep their biases.
    """
    return vgg(inputs, top, "E", partial(conv_bn, use_bias=conv_bias))
