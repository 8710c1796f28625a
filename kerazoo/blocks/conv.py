"""Convolution, batch norm, activation: the sentence that networks are written in."""

from collections.abc import Callable
from typing import Any, Protocol

from keras import KerasTensor, Layer, layers

from kerazoo.layers import FusedBatchNormalization, GroupedConv2D

# One number for both, or (height, width).
Size = int | tuple[int, int]
# See :func:`activate`.
Activation = str | Callable[..., Layer] | None


class Convolution(Protocol):
    """A step from one feature map to the next: :func:`conv` or :func:`conv_bn`."""

    def __call__(
        self,
        x: KerasTensor,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        *,
        name: str,
        **options: Any,
    ) -> KerasTensor:
        """The next feature map."""


class Norm(Protocol):
    """A normalisation layer with its constants bound."""

    def __call__(self, *, name: str) -> Layer:
        """The layer of this name."""


def initializer(class_name: str, **config: Any) -> dict[str, Any]:
    """A Keras initialiser that draws anew for every layer that is given it.

    One initialiser object shared by two layers draws the same numbers for both (Keras
    fixes its seed when it is made), so networks share its configuration instead.

    Args:
        class_name: A class of ``keras.initializers``.
        **config: Its arguments.
    """
    return {"class_name": class_name, "config": config}


# He et al. 2015, arXiv 1502.01852, sec. 2.2: a plain Gaussian of variance 2 / fan_in.
# Keras' "he_normal" cuts its tails off, and takes twice as long to draw.
HE = initializer(
    "VarianceScaling", scale=2.0, mode="fan_in", distribution="untruncated_normal"
)
# Caffe's filler of that name, which looks at fan-in alone.
XAVIER = initializer("VarianceScaling", mode="fan_in", distribution="uniform")


def sibling(name: str, kind: str) -> str:
    """The name of the layer of another kind that belongs to a convolution.

    ``stage3_block2_conv1`` has the siblings ``stage3_block2_bn1`` and
    ``stage3_block2_relu1``; a name without ``conv`` in its last part gets a suffix.
    """
    head, sep, last = name.rpartition("_")
    if last.startswith("conv"):
        return f"{head}{sep}{kind}{last.removeprefix('conv')}"
    return f"{name}_{kind}"


def activate(x: KerasTensor, activation: Activation, name: str) -> KerasTensor:
    """``activation(x)`` as a layer of its own.

    Args:
        x: A tensor.
        activation: ``None`` (``x`` is returned), a name of ``keras.activations``, or a
            function that takes a name and returns a layer, as in
            ``functools.partial(layers.PReLU, shared_axes=(1, 2))``.
        name: The layer's name.
    """
    if activation is None:
        return x
    if callable(activation):
        return activation(name=name)(x)
    return layers.Activation(activation, name=name)(x)


def conv(
    x: KerasTensor,
    filters: int,
    kernel_size: Size,
    strides: Size = 1,
    *,
    padding: str | int = "same",
    activation: Activation = "relu",
    groups: int = 1,
    name: str,
    **options: Any,
) -> KerasTensor:
    """``activation(conv(x) + bias)``.

    Args:
        x: A tensor ``(batch, height, width, channels)``.
        filters: Output channels.
        kernel_size: One number or ``(height, width)``.
        strides: One number or ``(height, width)``.
        padding: ``same``, ``valid``, or the pixels added on every side, as Caffe and
            PyTorch count them (``same`` pads an even grid by (0, 1) where they pad by
            (1, 1): same shape, other values).
        activation: A name or function of ``keras.activations``, or ``None``.
        groups: Groups of channels that are convolved apart.
        name: The layer's name.
        **options: What else ``keras.layers.Conv2D`` takes.
    """
    if not isinstance(padding, str):
        x = layers.ZeroPadding2D(padding, name=sibling(name, "pad"))(x)
        padding = "valid"
    layer = layers.Conv2D if groups == 1 else GroupedConv2D
    if groups > 1:
        options["groups"] = groups
    return layer(
        filters,
        kernel_size,
        strides,
        padding,
        activation=activation,
        name=name,
        **options,
    )(x)


def batch_norm(
    x: KerasTensor,
    activation: Activation = "relu",
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    scale: bool = True,
    name: str,
) -> KerasTensor:
    """``activation(bn(x))``; ``name`` is that of the batch norm, ``..._bn1``."""
    x = FusedBatchNormalization(
        epsilon=epsilon, momentum=momentum, scale=scale, name=name
    )(x)
    head, sep, last = name.rpartition("bn")
    kind = activation if activation == "relu" else "act"
    return activate(x, activation, f"{head}{kind}{last}" if sep else f"{name}_{kind}")


def conv_bn(
    x: KerasTensor,
    filters: int,
    kernel_size: Size,
    strides: Size = 1,
    *,
    activation: Activation = "relu",
    use_bias: bool = False,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    scale: bool = True,
    name: str,
    **options: Any,
) -> KerasTensor:
    """``activation(bn(conv(x)))``, without the bias that the batch norm makes idle.

    Args:
        x: A tensor ``(batch, height, width, channels)``.
        filters: Output channels.
        kernel_size: One number or ``(height, width)``.
        strides: One number or ``(height, width)``.
        activation: See :func:`activate`.
        use_bias: Whether the convolution keeps a bias, as Caffe's networks do.
        epsilon: The batch norm's, ``1e-5`` in Caffe and PyTorch, ``1e-3`` in TF-slim.
        momentum: The share of the old moving average, ``1 - momentum`` of PyTorch.
        scale: Whether the batch norm has a gamma; TF-slim's Inceptions have none.
        name: The convolution's name.
        **options: What else :func:`conv` takes.
    """
    x = conv(
        x,
        filters,
        kernel_size,
        strides,
        activation=None,
        use_bias=use_bias,
        name=name,
        **options,
    )
    return batch_norm(
        x,
        activation,
        epsilon=epsilon,
        momentum=momentum,
        scale=scale,
        name=sibling(name, "bn"),
    )
