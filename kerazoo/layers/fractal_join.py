"""The joins of FractalNet and their drop-path."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.reader import Count, Rate, Share, Whole


@keras.saving.register_keras_serializable(package="kerazoo")
class FractalDraw(keras.layers.Layer):
    """Draws at each training step whether one column is to run alone, and which.

    All joins of a network take its output as a second input, so that they agree
    (global drop-path). The draw is a tensor of the graph: nothing is kept in Python,
    and each step, replica and compiled function draws anew.

    Args:
        columns: Number of columns of the network.
        global_share: Share of the training steps that run a single column.
        seed: Integer, or `None` for one that `keras.utils.set_random_seed` rules.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input: any tensor of the network; only its place in the graph matters.
    Output shape: `(columns,)`: 1 for the column that runs alone, else 0; all zeros
        when each join draws for itself, and outside training.

    Raises:
        ValueError: If `columns` is not positive or `global_share` not within [0, 1].

    Reference:
        Larsson, Maire, Shakhnarovich, "FractalNet", ICLR 2017, arXiv 1605.07648,
        Sec. 3 (drop-path).
    """

    @reader.checked
    def __init__(
        self,
        columns: Count,
        global_share: Share = 0.5,
        seed: Whole | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.columns = columns
        self.global_share = global_share
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: KerasTensor, training: bool | None = False) -> KerasTensor:
        if not training:
            return ops.zeros((self.columns,))
        share, column = ops.unstack(
            keras.random.uniform((2,), seed=self.seed_generator), 2
        )
        column = ops.cast(ops.floor(column * self.columns), "int32")
        alone = ops.one_hot(column, self.columns, dtype="float32")
        return alone * ops.cast(share < self.global_share, "float32")

    def compute_output_spec(
        self, inputs: KerasTensor, training: bool | None = False
    ) -> KerasTensor:
        return keras.KerasTensor((self.columns,), "float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "columns": self.columns,
            "global_share": self.global_share,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable(package="kerazoo")
class FractalJoin(keras.layers.Layer):
    """Averages its inputs, in training only those that drop-path leaves.

    Call it as `FractalJoin(columns=(1, 2))([path1, path2], draw)` with the output
    of the network's one `FractalDraw`. Where the draw names a column, the input of
    that column passes alone (a join that the column does not reach averages all; its
    output goes unused). Otherwise each input is dropped with probability `rate`, and
    at least one survives. Outside training the output is the mean of all inputs.

    Args:
        columns: Column of each input, counted from 0; `None` means 0, 1, 2 ...
        rate: Probability to drop an input, below 1.
        seed: Integer, or `None` for one that `keras.utils.set_random_seed` rules.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: a list of tensors of one shape, and optionally the draw,
        `(columns,)`; without it all drops are local.
    Output shape: that of each input.

    Raises:
        ValueError: If `rate` is out of range, or if the columns do not fit the
            inputs or the draw.

    Reference:
        Larsson, Maire, Shakhnarovich, "FractalNet", ICLR 2017, arXiv 1605.07648,
        Sec. 2 (join) and Sec. 3 (drop-path, local 15 %).
    """

    @reader.checked
    def __init__(
        self,
        columns: Sequence[Whole] | None = None,
        rate: Rate = 0.15,
        seed: Whole | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.columns = columns and tuple(columns)
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(
        self,
        inputs: list[KerasTensor],
        draw: KerasTensor = None,
        training: bool | None = False,
    ) -> KerasTensor:
        columns = self.columns or tuple(range(len(inputs)))
        if len(columns) != len(inputs) or (
            draw is not None and max(columns) >= draw.shape[0]
        ):
            drawn = "no draw" if draw is None else f"a draw of {draw.shape[0]}"
            raise ValueError(
                f"FractalJoin has {len(inputs)} inputs, the columns {columns} and "
                f"{drawn}: give one column for each input, counted from 0."
            )
        if not training:
            return sum(inputs[1:], inputs[0]) / len(inputs)
        chance = keras.random.uniform((len(inputs),), seed=self.seed_generator)
        kept = ops.logical_or(chance >= self.rate, chance == ops.max(chance))
        share = ops.cast(kept, "float32")
        if draw is not None:
            draw = ops.cast(draw, "float32")
            alone = ops.take(draw, ops.convert_to_tensor(columns, "int32"))
            everyone = ops.ones_like(alone) * (1 - ops.max(alone))
            share = ops.where(ops.max(draw) > 0, alone + everyone, share)
        share = ops.cast(share / ops.sum(share), inputs[0].dtype)
        return sum(x * share[i] for i, x in enumerate(inputs))

    def compute_output_shape(
        self, inputs_shape: list[tuple], draw_shape: tuple | None = None
    ) -> tuple:
        return inputs_shape[0]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "columns": self.columns,
            "rate": self.rate,
            "seed": self.seed,
        }
