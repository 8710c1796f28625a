"""The residual sentence, ``x + f(x)``; the shapes decide the shortcut."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

from keras import KerasTensor, layers

from kerazoo.blocks.conv import (
    Activation,
    Convolution,
    activate,
    batch_norm,
    conv,
    conv_bn,
)


class Branch(Protocol):
    """The ``f`` of ``x + f(x)``: :func:`basic`, :func:`bottleneck` and their like."""

    def __call__(self, x: KerasTensor, strides: int, *, name: str) -> KerasTensor:
        """``f(x)``."""


class Before(Protocol):
    """What a residual block does before it forks: :func:`pre_activation`."""

    def __call__(self, x: KerasTensor, *, name: str) -> KerasTensor:
        """The pre-activated ``x``."""


class Shortcut(Protocol):
    """What stands for ``x`` where ``f`` changes the shape: :func:`projection`."""

    def __call__(
        self, x: KerasTensor, filters: int, strides: int, *, name: str
    ) -> KerasTensor:
        """``x`` in the shape of ``f(x)``."""


class Block(Protocol):
    """A block of a stage; see :func:`stages`."""

    def __call__(
        self, x: KerasTensor, stage: int, strides: int, *, name: str
    ) -> KerasTensor:
        """The block's output; stages count from 1."""


def projection(
    x: KerasTensor, filters: int, strides: int, *, name: str, **options: Any
) -> KerasTensor:
    """``bn(conv1x1(x))`` (He et al. 2015, sec. 3.3, option B)."""
    name = f"{name}_conv0"
    return conv_bn(x, filters, 1, strides, activation=None, name=name, **options)


def residual(
    x: KerasTensor,
    f: Branch,
    strides: int = 1,
    *,
    shortcut: Shortcut = projection,
    before: Before | None = None,
    activation: Activation = "relu",
    name: str,
) -> KerasTensor:
    """``activation(x + f(x))``; where ``f`` changes the shape, ``shortcut(x) + f(x)``.

    With ``before``, ``x + f(before(x))``, or ``shortcut(before(x)) + f(before(x))``: a
    shortcut that is not the identity shares the pre-activation (He et al. 2016).

    Args:
        x: A tensor ``(batch, height, width, channels)``.
        f: ``f(x, strides, name=...)``, with its other arguments bound.
        strides: The block's stride.
        shortcut: ``shortcut(x, filters, strides, name=...)``.
        before: ``before(x, name=...)``, the pre-activation, or ``None``.
        activation: After the sum; ``None`` for none.
        name: The block's name.
    """
    y = before(x, name=name) if before else x
    branch = f(y, strides, name=name)
    if strides > 1 or x.shape[-1] != branch.shape[-1]:
        x = shortcut(y, branch.shape[-1], strides, name=name)
    x = layers.Add(name=f"{name}_add")([x, branch])
    return activate(x, activation, f"{name}_relu")


def _pad(strides):
    """One pixel on every side, as the authors' code; ``same`` is that at stride 1."""
    return "same" if strides == 1 else 1


def basic(
    x: KerasTensor, strides: int = 1, *, filters: int, name: str, **options: Any
) -> KerasTensor:
    """``bn(conv3x3(relu(bn(conv3x3(x)))))`` (He et al. 2015, Figure 5, left).

    Args:
        x: A tensor ``(batch, height, width, channels)``.
        strides: Of the first convolution.
        filters: The width of both.
        name: The block's name.
        **options: What else :func:`kerazoo.blocks.conv_bn` takes.
    """
    step: Convolution = partial(conv_bn, **options)
    x = step(x, filters, 3, strides, padding=_pad(strides), name=f"{name}_conv1")
    return step(x, filters, 3, activation=None, name=f"{name}_conv2")


def _strides(strides, stride_in):
    """The strides of a bottleneck's first 1x1 and of its 3x3."""
    allowed = {"1x1": (strides, 1), "3x3": (1, strides)}
    if stride_in not in allowed:
        raise ValueError(f"stride_in is {stride_in!r}; it must be '1x1' or '3x3'.")
    return allowed[stride_in]


def bottleneck(
    x: KerasTensor,
    strides: int = 1,
    *,
    filters: int,
    stride_in: str = "1x1",
    name: str,
    **options: Any,
) -> KerasTensor:
    """``bn(conv1x1(relu(bn(conv3x3(relu(bn(conv1x1(x))))))))`` (Figure 5, right).

    Args:
        x: A tensor ``(batch, height, width, channels)``.
        strides: Of the convolution that ``stride_in`` names.
        filters: The width of the first two convolutions; the last has four times it.
        stride_in: ``"1x1"`` for the first convolution, ``"3x3"`` for the second.
        name: The block's name.
        **options: What else :func:`kerazoo.blocks.conv_bn` takes.
    """
    step: Convolution = partial(conv_bn, **options)
    first, second = _strides(strides, stride_in)
    x = step(x, filters, 1, first, name=f"{name}_conv1")
    x = step(x, filters, 3, second, padding=_pad(second), name=f"{name}_conv2")
    return step(x, 4 * filters, 1, activation=None, name=f"{name}_conv3")


def pre_activation(x: KerasTensor, *, name: str) -> KerasTensor:
    """``relu(bn(x))``, the first of a pre-activated bottleneck's three."""
    return batch_norm(x, name=f"{name}_bn1")


def pre_bottleneck(
    x: KerasTensor,
    strides: int = 1,
    *,
    filters: int,
    stride_in: str = "1x1",
    name: str,
    **options: Any,
) -> KerasTensor:
    """``conv1x1(relu(bn(conv3x3(relu(bn(conv1x1(x)))))))``, ``x`` being pre-activated.

    He et al. 2016, Figure 1 (b). Arguments as :func:`bottleneck`, ``options`` those of
    :func:`kerazoo.blocks.conv`.
    """
    step: Convolution = partial(conv, activation=None, use_bias=False, **options)
    first, second = _strides(strides, stride_in)
    x = step(x, filters, 1, first, name=f"{name}_conv1")
    x = batch_norm(x, name=f"{name}_bn2")
    x = step(x, filters, 3, second, padding=_pad(second), name=f"{name}_conv2")
    x = batch_norm(x, name=f"{name}_bn3")
    return step(x, 4 * filters, 1, name=f"{name}_conv3")


def stages(
    x: KerasTensor, block: Block, counts: Sequence[int], *, strides: Sequence[int]
) -> KerasTensor:
    """Stages of blocks: ``stage1_block1``, ``stage1_block2``, ..., ``stage2_block1``.

    Args:
        x: A tensor ``(batch, height, width, channels)``.
        block: ``block(x, stage, strides, name=...)``; stages count from 1.
        counts: How many blocks each stage has.
        strides: The stride of each stage's first block.
    """
    for stage, (count, first) in enumerate(zip(counts, strides, strict=True), 1):
        for number in range(1, count + 1):
            name = f"stage{stage}_block{number}"
            x = block(x, stage, first if number == 1 else 1, name=name)
    return x
