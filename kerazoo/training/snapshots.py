"""Weights kept on the way: for an ensemble, or to see how filters come about.

Huang et al., "Snapshot Ensembles: Train 1, Get M for Free", ICLR 2017, arXiv
1704.00109: the recipe names the ends of the cycles of its learning rate
(``snapshots``). Filters change most in the first steps, which it names by number
(``snapshot_steps``).
"""

import contextlib
import dataclasses
import io
import pathlib
import zipfile
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from kerazoo import reader
from kerazoo.errors import unknown
from kerazoo.files import write_atomic
from kerazoo.reader import Count, Path, Whole
from kerazoo.run import Run
from kerazoo.training.callbacks.at_steps import AtSteps, synchronise


class Snapshots(keras.callbacks.Callback):
    """Writes a network's weights at the end of some epochs.

    Args:
        folder: The run's ``snapshots`` folder.
        epochs: Numbers from 1.
    """

    def __init__(self, folder: pathlib.Path, epochs: Iterable[int]) -> None:
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.epochs = epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes them; an epoch that is done again writes the same."""
        if epoch + 1 in self.epochs:
            _write(self.model, self.folder / f"epoch-{epoch + 1:05d}.npz")


class StepSnapshots(AtSteps):
    """Writes a network's weights after some steps.

    Args:
        folder: The run's ``snapshots`` folder.
        steps: Numbers; 0 is before the first.
        *place: As for :class:`AtSteps`.
    """

    def __init__(self, folder: pathlib.Path, steps: Iterable[int], *place: int) -> None:
        super().__init__(*place)
        self.folder = pathlib.Path(folder)
        self.steps = frozenset(steps)

    def at(self, before: int, step: int) -> None:
        """Writes them; a step that is done again writes the same."""
        if step in self.steps:
            synchronise(self.model)
            _write(self.model, self.folder / f"step-{step:09d}.npz")


def _write(model, path):
    """Writes the weights layer by layer."""
    content = io.BytesIO()
    np.savez(
        content,
        **{
            f"{layer.name}/{number}": value
            for layer in model.layers
            for number, value in enumerate(layer.get_weights())
        },
    )
    write_atomic(path, content.getvalue())


@reader.checked
def list_snapshots(run: Run) -> list[int]:
    """The epochs of which a run has kept the weights, in their order."""
    return _kept(run, "epoch")


@reader.checked
def list_step_snapshots(run: Run) -> list[int]:
    """The steps after which a run has kept the weights, in their order."""
    return _kept(run, "step")


def _kept(run, kind):
    files = (run.path / "snapshots").glob(f"{kind}-*.npz")
    names = [path.stem.removeprefix(f"{kind}-") for path in files]
    return sorted(int(name) for name in names if name.isdecimal())


@reader.checked
def model_at(
    run: Run, epoch: Count | None = None, *, step: Whole | None = None
) -> keras.Model:
    """The network of a finished run as it was at the end of an epoch, or after a step.

    Args:
        run: The run.
        epoch: One of :func:`list_snapshots`.
        step: In its place, one of :func:`list_step_snapshots`.

    Returns:
        What :meth:`Run.model` returns, with the weights of then.

    Raises:
        ValueError: Where the run has not ended, or kept nothing then.
    """
    path = _file(run, epoch, step)
    model = run.model()
    with _reading(path) as arrays:
        for layer in model.layers:
            names = [f"{layer.name}/{n}" for n in range(len(layer.weights))]
            layer.set_weights([_sound(arrays, name) for name in names])
    return model


@dataclasses.dataclass(frozen=True, kw_only=True)
class KernelsAlong:
    """A layer's kernel as it came about.

    Attributes:
        layer: The layer's name.
        steps: After how many steps of the training, in rising order.
        kernels: Of each, ``(height, width, channels, filters)``.
    """

    layer: str
    steps: tuple[Whole, ...]
    kernels: tuple[np.ndarray, ...]


@reader.checked
def kernels_along(run: Path | Run, layer: str | None = None) -> KernelsAlong:
    """The kernel of a convolution after each of the steps that a run has kept.

    Args:
        run: The run or its folder, trained with ``snapshot_steps``.
        layer: The convolution's name; by default the first.

    Raises:
        ValueError: Where the run has kept no steps, or there is no such convolution.
    """
    run = run if isinstance(run, Run) else Run(run)
    steps = list_step_snapshots(run)
    if not steps:
        raise ValueError(
            f"{run.path} has kept no weights by step; name the steps when training, as "
            "in --set snapshot_steps=0,100,1000."
        )
    kernels = {}
    with _reading(_file(run, None, steps[0])) as arrays:
        # A convolution's first weight is its kernel.
        kernels = {
            name.removesuffix("/0"): name
            for name in arrays.files
            if name.endswith("/0") and arrays[name].ndim == 4
        }
    if not kernels:
        raise ValueError(
            f"{run.config.network} has no convolution, whose filters could be shown."
        )
    if layer is None:
        layer = next(iter(kernels))
    if layer not in kernels:
        raise unknown(f"convolution of {run.config.network}", layer, kernels)
    found = []
    for step in steps:
        with _reading(_file(run, None, step)) as arrays:
            found.append(_sound(arrays, kernels[layer]))
    return KernelsAlong(layer=layer, steps=tuple(steps), kernels=tuple(found))


def _file(run, epoch, step):
    if (epoch is None) == (step is None):
        raise ValueError("Give an epoch or a step of a run's snapshots, one of them.")
    kind, number, kept = "epoch", epoch, list_snapshots(run)
    if epoch is None:
        kind, number, kept = "step", step, list_step_snapshots(run)
    if number not in kept:
        raise ValueError(
            f"{run.path} has no weights of {kind} {number}; its snapshots are "
            f"{kept or 'none'}."
        )
    digits = 5 if kind == "epoch" else 9
    return run.path / "snapshots" / f"{kind}-{number:0{digits}d}.npz"


@contextlib.contextmanager
def _reading(path):
    """The arrays of a snapshot; a sentence where they cannot be read."""
    try:
        content = io.BytesIO(path.read_bytes())
        with np.load(content, allow_pickle=False) as arrays:
            yield arrays
    except Exception as error:  # A damaged file may break any part of NumPy.
        reason = str(error).strip().rstrip(".") or type(error).__name__
        if path.is_file() and not zipfile.is_zipfile(path):
            # NumPy takes it for a pickle.
            reason = "it is no whole file"
        raise ValueError(f"{path} cannot be read: {reason}.") from error


def _sound(arrays, name):
    weight = arrays[name]
    if not np.isfinite(weight).all():
        layer = name.rpartition("/")[0]
        raise ValueError(f"{layer} is not a number everywhere")
    return weight
