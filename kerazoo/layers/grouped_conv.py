"""Grouped convolution that is fast on a CPU."""

import keras
from keras import KerasTensor


@keras.saving.register_keras_serializable(package="kerazoo")
class GroupedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` that runs on TensorFlow as a convolution for each group.

    Keras sends grouped convolutions through XLA on the TensorFlow backend, which
    makes a training step on a CPU 20 to 260 times slower and cannot be exported to
    ONNX. TensorFlow's own grouped kernel is oneDNN's alone: on a CPU for which
    TensorFlow leaves oneDNN off (without AVX512-VNNI or AMX) it has neither a gradient
    nor a fused activation. Other backends run Keras' own code. Arguments, weights,
    shapes and results are those of `keras.layers.Conv2D`.

    Reference:
        Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep
        Convolutional Neural Networks", NIPS 2012, Sec. 3.5 (two groups).
    """

    def convolution_op(self, inputs: KerasTensor, kernel: KerasTensor) -> KerasTensor:
        if keras.backend.backend() != "tensorflow" or self.groups == 1:
            return super().convolution_op(inputs, kernel)
        channels = -1 if self.data_format == "channels_last" else 1
        parts = zip(
            keras.ops.split(inputs, self.groups, channels),
            keras.ops.split(kernel, self.groups, -1),
            strict=True,
        )
        return keras.ops.concatenate(
            [super(GroupedConv2D, self).convolution_op(*part) for part in parts],
            channels,
        )
