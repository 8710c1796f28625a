"""Weights kept on the way, so that one training gives an ensemble.

Huang et al., "Snapshot Ensembles: Train 1, Get M for Free", ICLR 2017, arXiv
1704.00109: the recipe names the ends of the cycles of its learning rate.
"""

import io
import pathlib
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from kerazoo.files import write_atomic
from kerazoo.run import Run


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
        """Writes them, layer by layer; an epoch that is done again writes the same."""
        if epoch + 1 not in self.epochs:
            return
        content = io.BytesIO()
        np.savez(
            content,
            **{
                f"{layer.name}/{number}": value
                for layer in self.model.layers
                for number, value in enumerate(layer.get_weights())
            },
        )
        write_atomic(self.folder / f"epoch-{epoch + 1:05d}.npz", content.getvalue())


def list_snapshots(run: Run) -> list[int]:
    """The epochs of which a run has kept the weights, in their order."""
    files = (run.path / "snapshots").glob("epoch-*.npz")
    names = [path.stem.removeprefix("epoch-") for path in files]
    return sorted(int(name) for name in names if name.isdecimal())


def model_at(run: Run, epoch: int) -> keras.Model:
    """The network of a finished run as it was at the end of an epoch.

    Args:
        run: The run.
        epoch: One of :func:`list_snapshots`.

    Returns:
        What :meth:`Run.model` returns, with that epoch's weights.

    Raises:
        ValueError: Where the run has not ended, or kept nothing then.
    """
    path = run.path / "snapshots" / f"epoch-{epoch:05d}.npz"
    if not path.is_file():
        raise ValueError(
            f"{run.path} has no weights of epoch {epoch}; its snapshots are "
            f"{list_snapshots(run) or 'none'}."
        )
    model = run.model()
    try:
        content = io.BytesIO(path.read_bytes())
        with np.load(content, allow_pickle=False) as arrays:
            for layer in model.layers:
                names = [f"{layer.name}/{n}" for n in range(len(layer.weights))]
                weights = [arrays[name] for name in names]
                if not all(np.isfinite(weight).all() for weight in weights):
                    raise ValueError(f"{layer.name} is not a number everywhere")
                layer.set_weights(weights)
    except Exception as error:  # A damaged file may break any part of NumPy.
        raise ValueError(
            f"{path} cannot be read: {str(error).strip() or type(error).__name__}."
        ) from error
    return model
