"""A learning rate found by trying all of them on a few batches each."""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import keras
import numpy as np

from kerazoo import display, reader
from kerazoo.data.arrays import DataLike
from kerazoo.data.batches import errors_said
from kerazoo.precision import use
from kerazoo.reader import Name, Path, Positive, Range
from kerazoo.recipe import Recipe
from kerazoo.training.generators import generators_kept
from kerazoo.training.jobs import network_and_recipe, ready

# Of the moving average of the losses. fastai's 0.98 looks back on fifty batches, half
# the sweep, and its curve falls and rises late.
SMOOTHING = 0.9
# A smoothed loss of so many times the best one has diverged.
DIVERGED = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class RateSweep:
    """What the loss did while the learning rate rose.

    Attributes:
        network: The network's name.
        data: The data set's.
        rates: The learning rate of every batch, each a constant multiple of the last.
        losses: The loss of every batch.
        smoothed: Their exponential moving average, corrected for its beginning.
        suggestion: A rate to train with: the middle of the longest run of falling
            smoothed losses; ``None`` where they never fell.
        diverged_at: The rate at which the smoothed loss was four times the best, or no
            number; ``None`` where it stayed below.
    """

    network: str
    data: str
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float | None = None
    diverged_at: float | None = None

    def rows(self) -> list[tuple[str, str]]:
        """What was found as people see it."""
        found = {"suggestion": self.suggestion, "diverged at": self.diverged_at}
        return [
            (name, "none" if rate is None else f"{rate:.2g}")
            for name, rate in found.items()
        ]

    def to_dict(self) -> dict[str, Any]:
        """The sweep as plain data."""
        return reader.plain(self)

    def _repr_html_(self) -> str:
        title = f"learning rates of {self.network} on {self.data}"
        return display.table(self.rows(), title=title)


@errors_said()
@generators_kept()
@reader.checked
def find_learning_rate(
    network: str | keras.Model,
    data: DataLike | None = None,
    recipe: Recipe | Name | None = None,
    *,
    data_dir: Path | None = None,
    precision: str = "auto",
    lowest: Positive = 1e-7,
    highest: Positive = 10.0,
    steps: Annotated[int, Range(2, 100_000)] = 100,
) -> RateSweep:
    """Tries learning rates from the lowest to the highest, a training batch each.

    The network begins as :func:`kerazoo.fit` would begin with the recipe: with its
    weights, optimiser, augmentation and frozen layers, those of the first phase where
    it has two. The rate rises by the same factor after every batch, and the sweep ends
    early where the smoothed loss is four times the best. Nothing is written.

    The suggestion lies half way down the longest run of falling losses, far from both
    its ends, as that of fastai's ``valley``.

    Reference:
        Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, arXiv
        1506.01186, Sec. 3.3; fastai 2, ``fastai/callback/schedule.py``.

    Args:
        network: The network's name, or a model of your own, which stays as it is.
        data: A data set, as for :func:`kerazoo.fit`; by default the recipe's.
        recipe: As for :func:`kerazoo.fit`. Its own rate and schedule do not count.
        data_dir: Where the data set's files are.
        precision: As for :func:`kerazoo.fit`.
        lowest: The rate of the first batch.
        highest: The rate of the last one.
        steps: Batches, from 2.

    Raises:
        ValueError: For bad arguments.
    """
    if lowest >= highest:
        raise ValueError(
            f"lowest is {lowest:g} and highest {highest:g}; the rate must rise."
        )
    _, recipe, _ = network_and_recipe(network, recipe)
    rising = {
        "optimizer.learning_rate": lowest,
        "schedule": {
            "name": "exponential",
            "unit": "steps",
            "factor": highest / lowest,
            "every": steps - 1,
            "staircase": False,
        },
    }
    job, chosen = ready(
        network, data, recipe.replace(rising), data_dir=data_dir, precision=precision
    )
    each = [lowest * (highest / lowest) ** (n / (steps - 1)) for n in range(steps)]
    with use(chosen):
        batches = job.weighed(job.training.epochs()).take(steps)
        losses, smoothed, diverged_at = sweep(job.model, batches, each)
    return RateSweep(
        network=job.config.network,
        data=job.config.data,
        rates=tuple(each[: len(losses)]),
        losses=tuple(losses),
        smoothed=tuple(smoothed),
        suggestion=valley(each, smoothed),
        diverged_at=diverged_at,
    )


def sweep(
    model: keras.Model, batches: Iterable[Any], rates: Sequence[float]
) -> tuple[list[float], list[float], float | None]:
    """Trains on batches until the loss diverges, and puts all variables back.

    Args:
        model: A compiled network, whose schedule goes through the rates.
        batches: What it learns from.
        rates: The rate of every batch.

    Returns:
        Losses, smoothed losses, and the rate at which they diverged or ``None``.
    """
    kept = [keras.ops.convert_to_numpy(one).copy() for one in model.variables]
    # One loss for every batch.
    model.steps_per_execution = 1
    losses: list[float] = []
    smoothed: list[float] = []
    average, diverged_at = 0.0, None
    try:
        for rate, batch in zip(rates, batches, strict=False):
            model.reset_metrics()
            arrays = keras.tree.map_structure(np.asarray, batch)
            logs = model.train_on_batch(*arrays, return_dict=True)
            loss = float(logs["loss"])
            average = SMOOTHING * average + (1 - SMOOTHING) * loss
            mean = average / (1 - SMOOTHING ** (len(losses) + 1))
            if not math.isfinite(mean) or mean > DIVERGED * min([mean, *smoothed]):
                diverged_at = rate
                break
            losses.append(loss)
            smoothed.append(mean)
    finally:
        for variable, value in zip(model.variables, kept, strict=True):
            variable.assign(value)
    return losses, smoothed, diverged_at


def valley(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """The rate in the middle of the longest run of falling losses.

    What does not fall between is passed over: the run is the longest falling
    subsequence.

    Args:
        rates: In rising order.
        losses: Smoothed.

    Returns:
        The rate; ``None`` where the losses never fall.
    """
    runs: list[list[int]] = []
    for end, loss in enumerate(losses):
        higher = [run for run in runs if losses[run[-1]] > loss]
        runs.append([*max(higher, key=len, default=[]), end])
    longest = max(runs, key=len, default=[])
    return float(rates[longest[len(longest) // 2]]) if len(longest) > 1 else None
