"""The inception grammar: a module is a list of branches, a branch a list of steps.

``[[Conv(64)], [Conv(48), Conv(64, 5)], [Pool("avg"), Conv(32)]]`` is the figure of
the paper: three branches, read from the module's input to its concatenation. A list
inside a branch is a fork, whose ends are concatenated with the other branches':
``[Conv(384), [Conv(384, (1, 3)), Conv(384, (3, 1))]]``.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from keras import KerasTensor, layers

from kerazoo.blocks.conv import Convolution, conv_bn, sibling


class Conv(NamedTuple):
    """A convolution step.

    Attributes:
        filters: Output channels.
        kernel_size: One number or ``(height, width)``.
        strides: The step between windows.
        padding: ``None`` for the rule of :func:`inception`, or as Keras.
    """

    filters: int
    kernel_size: int | tuple[int, int] = 1
    strides: int = 1
    padding: str | None = None


class Pool(NamedTuple):
    """A 3x3 pooling step, ``avg`` or ``max``."""

    kind: str
    strides: int = 1


# Of Conv, Pool, and lists of them: forks.
Steps = Sequence[Any]
Branches = Sequence[Steps]
POOLS = {"avg": layers.AveragePooling2D, "max": layers.MaxPooling2D}


def inception(
    x: KerasTensor,
    branches: Branches,
    *,
    conv: Convolution = conv_bn,
    padded: bool = False,
    avg_count_pad: bool = False,
    name: str,
) -> KerasTensor:
    """``concat(branch(x) for branch in branches)``.

    Steps of stride 1 keep the grid. Steps of stride 2 pad nothing, as in Inception v3,
    v4 and the Inception-ResNets, unless ``padded``.

    Args:
        x: A tensor ``(batch, height, width, channels)``.
        branches: A list of branches; see the head of this file.
        conv: What a :class:`Conv` step means, as in ``partial(conv_bn, epsilon=1e-3)``.
        padded: Whether stride 2 halves the grid, rounding up, as in BN-Inception: a
            convolution pads one pixel on every side, a pooling ``same``.
        avg_count_pad: Whether an average counts the zeros around the map, as those of
            PyTorch do, or the pixels alone, as those of TensorFlow.
        name: The module's name; branch 2 starts with ``{name}_branch2_conv1``.
    """
    take = partial(_take, conv=conv, padded=padded, avg_count_pad=avg_count_pad)
    ends = []
    for number, steps in enumerate(branches, 1):
        ends += _follow(x, steps, take, f"{name}_branch{number}")
    return layers.Concatenate(name=name)(ends)


def chain(
    x: KerasTensor, steps: Steps, *, conv: Convolution = conv_bn, name: str
) -> KerasTensor:
    """A branch alone, as in a stem; its steps are ``{name}_conv1`` and so on."""
    take = partial(_take, conv=conv, padded=False, avg_count_pad=False)
    (end,) = _follow(x, steps, take, name)
    return end


def _follow(
    x: KerasTensor, steps: Steps, take: Callable, name: str, number: int = 1
) -> list[KerasTensor]:
    """The ends of a branch whose first step has this number."""
    for step in steps:
        if isinstance(step, list):
            ends = []
            for fork in step:
                fork = fork if isinstance(fork, list) else [fork]
                ends += _follow(x, fork, take, name, number)
                number += len(fork)
            return ends
        x = take(x, step, name=f"{name}_conv{number}")
        number += 1
    return [x]


def _take(x, step, *, conv, padded, avg_count_pad, name):
    if isinstance(step, Pool):
        padding = "same" if padded or step.strides == 1 else "valid"
        if avg_count_pad and step.kind == "avg":
            x = layers.ZeroPadding2D(1, name=sibling(name, "pad"))(x)
            padding = "valid"
        pool = POOLS[step.kind](3, step.strides, padding, name=sibling(name, "pool"))
        return pool(x)
    rule = "same" if step.strides == 1 else 1 if padded else "valid"
    *shape, padding = step
    return conv(x, *shape, padding=padding or rule, name=name)
