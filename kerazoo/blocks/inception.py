"""The inception grammar: a module is a list of branches, a branch a list of steps.

``[[Conv(64)], [Conv(48), Conv(64, 5)], [Pool("avg"), Conv(32)]]`` is the figure of
the paper: three branches, read from the module's input to its concatenation. A list
inside a branch is a fork, whose ends are concatenated with the other branches':
``[Conv(384), [Conv(384, (1, 3)), Conv(384, (3, 1))]]``.
"""

from typing import NamedTuple

from keras import layers

from kerazoo.blocks.conv import conv_bn, sibling
from kerazoo.layers import CeilMaxPooling2D


class Conv(NamedTuple):
    """A convolution step."""

    filters: int
    kernel_size: int | tuple[int, int] = 1
    strides: int = 1


class Pool(NamedTuple):
    """A 3x3 pooling step, ``avg`` or ``max``."""

    kind: str
    strides: int = 1


def inception(x, branches, *, conv=conv_bn, reduction="valid", name):
    """``concat(branch(x) for branch in branches)``.

    Args:
        x: A tensor ``(batch, height, width, channels)``.
        branches: A list of branches; see the head of this file.
        conv: What a :class:`Conv` step means, as in ``partial(conv_bn, epsilon=1e-3)``.
        reduction: What steps of stride 2 pad: ``valid`` in Inception v3, v4 and the
            Inception-ResNets; ``ceil`` in BN-Inception, that is one pixel around a
            convolution and Caffe's rounding up for a pooling.
        name: The module's name; branch 2 starts with ``{name}_branch2_conv1``.
    """

    def take(x, step, name):
        if isinstance(step, Conv):
            padding = "same"
            if step.strides > 1:
                padding = 1 if reduction == "ceil" else reduction
            return conv(x, *step, padding=padding, name=name)
        pool = {"avg": layers.AveragePooling2D, "max": layers.MaxPooling2D}[step.kind]
        name = sibling(name, "pool")
        if step.strides == 1:
            return pool(3, 1, padding="same", name=name)(x)
        if reduction == "ceil":
            return CeilMaxPooling2D(3, step.strides, name=name)(x)
        return pool(3, step.strides, padding=reduction, name=name)(x)

    def follow(x, steps, name, number=1):
        for step in steps:
            if isinstance(step, list):
                ends = []
                for fork in step:
                    fork = fork if isinstance(fork, list) else [fork]
                    ends += follow(x, fork, name, number)
                    number += len(fork)
                return ends
            x = take(x, step, f"{name}_conv{number}")
            number += 1
        return [x]

    ends = []
    for number, branch in enumerate(branches, 1):
        ends += follow(x, branch, f"{name}_branch{number}")
    return layers.Concatenate(name=name)(ends) if len(ends) > 1 else ends[0]
