"""The residual sentence, ``x + f(x)``; the shapes decide the shortcut."""

from keras import layers

from kerazoo.blocks.conv import activate, conv_bn


def projection(x, filters, strides, *, name, **options):
    """A 1x1 convolution and batch norm (He et al. 2015, sec. 3.3, option B)."""
    name = f"{name}_conv0"
    return conv_bn(x, filters, 1, strides, activation=None, name=name, **options)


def residual(x, f, strides=1, *, shortcut=projection, activation="relu", name):
    """``activation(x + f(x))``; where ``f`` changes the shape, ``shortcut(x) + f(x)``.

    Args:
        x: A tensor ``(batch, height, width, channels)``.
        f: ``f(x, strides, name=...)``, with its other arguments bound.
        strides: The block's stride.
        shortcut: ``shortcut(x, filters, strides, name=...)``.
        activation: After the sum; ``None`` for none.
        name: The block's name.
    """
    y = f(x, strides, name=name)
    if strides > 1 or x.shape[-1] != y.shape[-1]:
        x = shortcut(x, y.shape[-1], strides, name=name)
    x = layers.Add(name=f"{name}_add")([x, y])
    return activate(x, activation, f"{name}_out")
