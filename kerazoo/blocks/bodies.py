"""Bodies that several families stand on."""

from keras import KerasTensor

from kerazoo.blocks.conv import conv
from kerazoo.layers import CeilMaxPooling2D


def vgg16_body(x: KerasTensor) -> KerasTensor:
    """VGG D's thirteen convolutions without its last pooling: a map of 1/16.

    Simonyan and Zisserman 2014, Table 1; layers are called as in ``vgg16``, and
    poolings round up as in Caffe.
    """
    stages = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
    for stage, (width, depth) in enumerate(stages, 1):
        if stage > 1:
            x = CeilMaxPooling2D(2, 2, name=f"stage{stage - 1}_pool")(x)
        for number in range(1, depth + 1):
            x = conv(x, width, 3, name=f"stage{stage}_conv{number}")
    return x
