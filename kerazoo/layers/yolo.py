"""YOLO's grid: what it learns, and the boxes that it says.

A cell of the grid says for each of its boxes x and y within the cell, the roots of
width and height as shares of the image's, and a confidence; then a number for each
class.
"""

from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.layers import boxes as box
from kerazoo.layers.losses import LossLayer
from kerazoo.reader import Count, NonNegative, Pair

# The shortest side of a box that is learnt, as a share of the image's.
SMALLEST = 0.01


def _parts(grid: KerasTensor, boxes: int) -> tuple[Any, Any]:
    """Boxes ``(batch, cells, boxes, 5)`` and classes ``(batch, cells, classes)``."""
    rows, columns, depth = grid.shape[1:]
    flat = ops.reshape(ops.cast(grid, "float32"), (-1, rows * columns, depth))
    shape = (-1, rows * columns, boxes, 5)
    return ops.reshape(flat[..., : 5 * boxes], shape), flat[..., 5 * boxes :]


def _shares(found: Any, grid: tuple) -> Any:
    """``(batch, cells, boxes, 5)`` as x1, y1, x2, y2 in shares of the image."""
    rows, columns = grid
    row, column = (
        one.reshape(-1, 1).astype("float32") for one in np.indices((rows, columns))
    )
    x = (column + found[..., 0]) / columns
    y = (row + found[..., 1]) / rows
    width, height = ops.square(found[..., 2]) / 2, ops.square(found[..., 3]) / 2
    return ops.stack([x - width, y - height, x + width, y + height], axis=-1)


@keras.saving.register_keras_serializable(package="kerazoo")
class YOLOLoss(LossLayer):
    """The sum of squares that YOLO learns.

    The cell of a box's centre owns it; of several the first. Of the cell's predictions
    the one that overlaps it most is responsible, or is nearest where none overlaps.
    Five times the squares of the distances of x, y and the roots of the sides; the
    square of its confidence's distance from the overlap as it is; half the square of
    every other confidence; and the squares of the class numbers of cells with a box.
    They are summed over an image and averaged over the batch.

    Args:
        size: Height and width of the image in pixels.
        boxes: Boxes of a cell.
        box_weight: The paper's lambda of coordinates.
        empty_weight: Its lambda of what has no object.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        grid: `(batch, rows, columns, 5 * boxes + classes)`; it is handed on.
        boxes: The true ones, `(batch, n, 4)`.
        classes: `(batch, n)`, -1 for no box. Boxes of less than a hundredth of the
            image's width or height are none.

    Reference:
        Redmon et al., "You Only Look Once", CVPR 2016, arXiv 1506.02640, Eq. 3; its
        code for what overlaps nothing. That code's gradient is half of the formula's.
    """

    parts = ("box", "object", "empty", "class")

    @reader.checked
    def __init__(
        self,
        size: Pair,
        boxes: Count = 2,
        box_weight: NonNegative = 5.0,
        empty_weight: NonNegative = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.size, self.boxes = tuple(size), boxes
        self.box_weight, self.empty_weight = box_weight, empty_weight

    def call(
        self, grid: KerasTensor, boxes: KerasTensor, classes: KerasTensor
    ) -> KerasTensor:
        found, kinds = _parts(grid, self.boxes)
        rows, columns = grid.shape[1:3]
        truth, wanted, owner, kind = self._cells(
            boxes, classes, (rows, columns), kinds.shape[-1]
        )
        guess = ops.stop_gradient(_shares(found, (rows, columns)))
        overlap = box.iou(truth[:, :, None], guess)[:, :, 0]
        sides = [*box.sides_and_centres(truth[:, :, None])]
        said = [*box.sides_and_centres(guess)]
        apart = sum(
            ops.square(one - other) for one, other in zip(sides, said, strict=True)
        )
        best = ops.where(
            ops.max(overlap, axis=-1) > 0,
            ops.argmax(overlap, axis=-1),
            ops.argmin(apart, axis=-1),
        )
        responsible = ops.one_hot(best, self.boxes) * owner[..., None]
        confidence = found[..., 4]
        squares = ops.sum(ops.square(found[..., :4] - wanted[:, :, None]), axis=-1)
        losses = {
            "box": self.box_weight * squares * responsible,
            "object": ops.square(confidence - overlap) * responsible,
            "empty": self.empty_weight * ops.square(confidence) * (1 - responsible),
            "class": ops.square(kinds - kind) * owner[..., None],
        }
        self.add(
            **{
                name: ops.mean(ops.sum(one, axis=(1, 2)))
                for name, one in losses.items()
            }
        )
        return grid

    def _cells(self, boxes, classes, grid, count):
        """By cell: the box in shares of the image, as it is said, whether, and what."""
        rows, columns = grid
        height, width = self.size
        shares = ops.cast(boxes, "float32") / np.array(
            [width, height, width, height], "float32"
        )
        wide, high, x, y = box.sides_and_centres(shares)
        there = (classes >= 0) & (wide >= SMALLEST) & (high >= SMALLEST)
        # The last cell for a centre that lies on the edge.
        column = ops.clip(ops.floor(x * columns), 0, columns - 1)
        row = ops.clip(ops.floor(y * rows), 0, rows - 1)
        cell = ops.cast(row * columns + column, "int32")
        owns = ops.one_hot(cell, rows * columns) * ops.cast(there, "float32")[..., None]
        owns = owns * ops.cast(ops.cumsum(owns, axis=1) == 1, "float32")

        def of_cell(values):
            return ops.einsum("bnc,bnd->bcd", owns, values)

        said = ops.stack(
            [
                x * columns - column,
                y * rows - row,
                ops.sqrt(ops.maximum(wide, 0)),
                ops.sqrt(ops.maximum(high, 0)),
            ],
            axis=-1,
        )
        kind = ops.one_hot(ops.maximum(classes, 0), count)
        owner = ops.sum(owns, axis=1)
        return of_cell(shares), of_cell(said), owner, of_cell(kind)

    def get_config(self) -> dict[str, Any]:
        names = ("size", "boxes", "box_weight", "empty_weight")
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable(package="kerazoo")
class YOLOBoxes(keras.layers.Layer):
    """The boxes of a grid in pixels, and the scores of their classes.

    A score is the confidence of the box times the number of the class.

    Args:
        size: Height and width of the image in pixels.
        boxes: Boxes of a cell.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `(batch, rows, columns, 5 * boxes + classes)`.
    Output shape: a pair, `(batch, rows * columns * boxes, 4)` and
        `(batch, rows * columns * boxes, classes)`, as `NonMaxSuppression` takes them.
    """

    @reader.checked
    def __init__(self, size: Pair, boxes: Count = 2, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32"} | kwargs)
        self.size, self.boxes = tuple(size), boxes

    def call(self, inputs: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
        found, kinds = _parts(inputs, self.boxes)
        height, width = self.size
        sides = np.array([width, height, width, height], "float32")
        shares = _shares(found, inputs.shape[1:3])
        scores = found[..., 4:] * kinds[:, :, None]
        count = self.boxes * inputs.shape[1] * inputs.shape[2]
        boxes = box.clip(ops.reshape(shares * sides, (-1, count, 4)), self.size)
        return boxes, ops.reshape(scores, (-1, count, kinds.shape[-1]))

    def compute_output_spec(
        self, inputs: KerasTensor
    ) -> tuple[KerasTensor, KerasTensor]:
        batch, rows, columns, depth = inputs.shape
        shape = (batch, rows * columns * self.boxes)
        return (
            KerasTensor((*shape, 4), "float32"),
            KerasTensor((*shape, depth - 5 * self.boxes), "float32"),
        )

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"size": self.size, "boxes": self.boxes}
