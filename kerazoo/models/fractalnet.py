"""FractalNet: columns of different depth, joined by means, train without residuals.

Gustav Larsson, Michael Maire, Gregory Shakhnarovich: FractalNet: Ultra-Deep Neural
Networks without Residuals. ICLR 2017, arXiv 1605.07648. Sections 3 and 4, Figure 1.

Differs from the paper:
- The results table gives the network of three columns 38.6 M parameters and 21 layers;
  the widths of the text give the 33.7 M and 20 layers that are built.
- `pool_before_join`: the paper joins, then pools; the authors' generator pools every
  column at the end of a block, then joins.
- No convolution biases, and batch norms with a gamma; the generator has it the other
  way round.
- The last block's single position is averaged, not flattened, so that other image sizes
  fit.
"""

import re
from collections.abc import Callable
from functools import partial

import keras
from keras import KerasTensor, layers

from kerazoo.blocks import XAVIER, batch_norm, conv, gap_head, sibling
from kerazoo.builder import Top, network
from kerazoo.layers import CeilMaxPooling2D, FractalDraw, FractalJoin
from kerazoo.reader import Count, Rate
from kerazoo.registry import register

# Section 4: dropout in the convolutions of each block.
DROPOUT = (0.0, 0.1, 0.2, 0.3, 0.4)
NAME = r"block\d+_column(\d+)"  # The column that a layer belongs to.
CIFAR = {"year": 2016, "input_shape": (32, 32, 3), "classes": 10}


def unit(x: KerasTensor, filters: int, dropout: float, *, name: str) -> KerasTensor:
    """``relu(bn(dropout(conv(x))))``."""
    options = {"use_bias": False, "kernel_initializer": XAVIER}
    x = conv(x, filters, 3, activation=None, name=name, **options)
    if dropout:
        x = layers.Dropout(dropout, name=sibling(name, "drop"))(x)
    return batch_norm(x, name=sibling(name, "bn"))


def fractal(
    x: KerasTensor,
    columns: int,
    unit: Callable[..., KerasTensor],
    join: Callable[..., KerasTensor],
    *,
    name: str,
) -> list[KerasTensor]:
    """``f_1(x) = unit(x)``; ``f_C+1(x) = join(f_C(f_C(x)), unit(x))``.

    Row by row of the deepest column: where several columns end in a row, one mean joins
    them, and all go on from it.

    Returns:
        The ends of all columns before their last join, the shallowest first.
    """
    ends, depth = [x] * columns, 2 ** (columns - 1)
    for row in range(1, depth + 1):
        ending = [c for c in range(columns) if row % 2 ** (columns - 1 - c) == 0]
        for c in ending:
            number = row // 2 ** (columns - 1 - c)
            ends[c] = unit(ends[c], name=f"{name}_column{c + 1}_conv{number}")
        if row < depth:
            joined = join([ends[c] for c in ending], name=f"{name}_join{row}")
            ends[-len(ending) :] = [joined] * len(ending)
    return ends


def fractalnet(
    inputs: KerasTensor,
    top: Top,
    *,
    columns: Count = 3,
    channels: tuple[Count, Count, Count, Count, Count] = (64, 128, 256, 512, 512),
    drop_path: Rate = 0.15,
    global_share: float = 0.5,
    pool_before_join: bool = False,
) -> KerasTensor:
    """Five fractal blocks, a pooling after each, one dense layer.

    Args:
        columns: The number of columns; the deepest has ``5 * 2 ** (columns - 1)``
            convolutions.
        channels: The widths of the five blocks.
        drop_path: The probability to drop an input of a join in training.
        global_share: The share of training steps in which one column runs alone.
        pool_before_join: Whether each column is pooled before a block's last join.
    """
    draw = FractalDraw(columns, global_share, name="draw")(inputs)

    def join(ends, name):
        if len(ends) == 1:
            return ends[0]
        deepest = range(columns - len(ends), columns)
        return FractalJoin(deepest, drop_path, name=name)(ends, draw)

    def pool(x, name):
        return CeilMaxPooling2D(2, 2, name=name)(x)

    x = inputs
    for block, (filters, rate) in enumerate(zip(channels, DROPOUT, strict=True), 1):
        name = f"block{block}"
        step = partial(unit, filters=filters, dropout=rate)
        ends = fractal(x, columns, step, join, name=name)
        if pool_before_join:
            ends = [pool(e, f"{name}_column{c}_pool") for c, e in enumerate(ends, 1)]
        x = join(ends, f"{name}_join")
        if not pool_before_join:
            x = pool(x, f"{name}_pool")
    return top(x, gap_head, kernel_initializer=XAVIER)


def extract_column(model: keras.Model, column: int) -> keras.Model:
    """A plain network: one column of a FractalNet, with copies of its weights.

    Args:
        model: A FractalNet, with its top or without.
        column: The number of the column; 1 is the shallowest, the last the deepest.

    Returns:
        A flat functional ``keras.Model`` from images to what the FractalNet gives.

    Raises:
        ValueError: Where the model has no such column.
    """
    columns = max(
        (int(n) for layer in model.layers for n in re.findall(NAME, layer.name)),
        default=0,
    )
    if column not in range(1, columns + 1):
        raise ValueError(
            f"column is {column!r}; {model.name} has the columns 1 to {columns}."
        )
    x = inputs = keras.Input(model.input_shape[1:], name="images")
    for layer in model.layers[1:]:
        of = re.findall(NAME, layer.name)
        if isinstance(layer, (FractalDraw, FractalJoin)) or of not in (
            [],
            [str(column)],
        ):
            continue
        copy = type(layer).from_config(layer.get_config())
        x = copy(x)
        copy.set_weights(layer.get_weights())
    return keras.Model(inputs, x, name=f"{model.name}_column{column}")


@register(
    **CIFAR,
    depth=20,
    counts=(33_724_618, 33_745_226, 845_222_912),
    published={
        "parameters": "38.6 M",
        "CIFAR-10 error": "10.18, with drop-path and dropout 7.33, augmented 4.60",
        "CIFAR-100 error": "35.34, with drop-path and dropout 28.20, augmented 23.73",
    },
    proof="one block equals a hand-written one; a column alone equals the network that "
    "a global draw leaves",
)
@network(fractalnet, columns=3)
def fractalnet20():
    """FractalNet of three columns, 20 layers deep."""


@register(
    **CIFAR,
    depth=40,
    counts=(4_767_210, 4_778_250, 128_582_912),
    published={"parameters": "4.8 M"},
)
@network(fractalnet, columns=4, channels=(16, 32, 64, 128, 128))
def fractalnet40():
    """FractalNet of four columns, 40 layers deep and narrow."""
