"""Pictures of what analysis, training and data return, with matplotlib.

Figures are made without pyplot: no window opens and no global state is kept.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def pixels(figure: Figure) -> np.ndarray:
    """A figure as RGB pixels ``(height, width, 3)``, uint8."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def image_grid(images: np.ndarray, titles: Sequence[str] | None = None) -> Figure:
    """Images side by side.

    Args:
        images: ``(count, height, width, 1 or 3)`` in 0..255.
        titles: What stands above each.
    """
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    figure = Figure(figsize=(1.1 * columns, 1.25 * rows), layout="constrained")
    for place, image in enumerate(images, 1):
        axes = figure.add_subplot(rows, columns, place)
        shown = np.clip(np.rint(image), 0, 255).astype("uint8")
        shown = shown[..., 0] if shown.shape[-1] == 1 else shown
        axes.imshow(shown, cmap="gray", vmin=0, vmax=255)
        axes.axis("off")
        if titles is not None:
            axes.set_title(str(titles[place - 1])[:14], fontsize=7)
    return figure


def filter_grid(kernels: np.ndarray) -> Figure:
    """Kernels as small pictures, in colour where they see three channels.

    Args:
        kernels: ``(height, width, channels, filters)``. With other than three channels
            the mean over channels is shown.
    """
    kernels = np.moveaxis(kernels, -1, 0)
    if kernels.shape[-1] != 3:
        kernels = kernels.mean(-1)
    low = kernels.min(axis=tuple(range(1, kernels.ndim)), keepdims=True)
    high = kernels.max(axis=tuple(range(1, kernels.ndim)), keepdims=True)
    kernels = (kernels - low) / np.maximum(high - low, 1e-12)
    columns = math.ceil(math.sqrt(len(kernels) * 1.6))
    rows = math.ceil(len(kernels) / columns)
    figure = Figure(figsize=(0.55 * columns, 0.55 * rows), layout="constrained")
    for place, kernel in enumerate(kernels, 1):
        axes = figure.add_subplot(rows, columns, place)
        axes.imshow(kernel, cmap="gray", vmin=0, vmax=1)
        axes.axis("off")
    return figure


def confusion(matrix: np.ndarray, classes: Sequence[str]) -> Figure:
    """A confusion matrix with every class' accuracy at its row.

    Args:
        matrix: Counts ``(truth, guess)``.
        classes: Class names.
    """
    count = len(classes)
    side = max(4.5, min(0.45 * count + 2.0, 14))
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.add_subplot()
    sums = np.maximum(matrix.sum(1, keepdims=True), 1)
    axes.imshow(matrix / sums, cmap="Blues", vmin=0, vmax=1)
    accuracy = matrix.diagonal() / sums[:, 0]
    if count <= 30:
        axes.set_xticks(range(count), classes, rotation=90)
        axes.set_yticks(
            range(count),
            [f"{c}  {a:.0%}" for c, a in zip(classes, accuracy, strict=True)],
        )
        for row, column in zip(*np.nonzero(matrix), strict=True):
            dark = matrix[row, column] > 0.5 * sums[row, 0]
            axes.text(
                column,
                row,
                matrix[row, column],
                ha="center",
                va="center",
                fontsize=7,
                color="white" if dark else "black",
            )
    axes.set_xlabel("predicted")
    axes.set_ylabel("true class and its accuracy")
    right = matrix.trace() / max(1, matrix.sum())
    axes.set_title(f"{right:.2%} of {matrix.sum():,} images right")
    return figure


def curves(history: Sequence[Mapping[str, float]]) -> Figure:
    """Loss and accuracy over the epochs, training beside validation.

    Args:
        history: A row an epoch.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = [row["epoch"] for row in history]
    keys = list(history[0]) if history else []
    for place, name in enumerate(("loss", "accuracy"), 1):
        axes = figure.add_subplot(1, 2, place)
        for key in keys:
            if key in (name, f"val_{name}") or key.endswith(f"predictions_{name}"):
                label = "validation" if key.startswith("val_") else "training"
                axes.plot(epochs, [row[key] for row in history], ".-", label=label)
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend()
    return figure
