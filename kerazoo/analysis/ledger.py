"""The ledger: what every layer of a network costs and sees.

The slides' "Break down the CNN in more detail" and "Receptive field" for any functional
model: output shape, activation memory, weights, multiply-adds, receptive field.
"""

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from kerazoo import display, reader
from kerazoo.surgery.graph import Graph
from kerazoo.surgery.receptive_field import sights

if TYPE_CHECKING:
    from rich.table import Table

# Their output is their input, in inference at least.
HAND_ON = (
    layers.ActivityRegularization,
    layers.AlphaDropout,
    layers.Dropout,
    layers.Flatten,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.Identity,
    layers.Reshape,
    layers.SpatialDropout1D,
    layers.SpatialDropout2D,
    layers.SpatialDropout3D,
)
COLUMNS = ("layer", "kind", "output", "memory", "weights", "multiply-adds", "sees")
NOT_FLAT = (
    "{} is not a flat functional model with each layer used once; the ledger reads the "
    "graph of such a model."
)


@dataclasses.dataclass(frozen=True)
class Row:
    """One layer.

    Attributes:
        name: The layer's name.
        kind: Its class.
        shape: The shape of its (first) output without the batch.
        memory: Bytes that its output takes for one image in float32: none for a reshape
            and for what is there in training alone, which hand on their input; ``None``
            where the shape is open.
        trainable: Trained weights.
        weights: All weights, a batch norm's moving statistics included.
        macs: Multiply-adds for one image (convolutions and dense layers; no bias, batch
            norm, activation, pooling or sum); ``None`` where the shape is open.
        receptive_field: ``(height, width)`` in input pixels that one output position
            depends on, unbounded by the image's borders; ``None`` where it is open.
        stride: ``(height, width)`` in input pixels between neighbouring positions.
    """

    name: str
    kind: str
    shape: tuple[int | None, ...]
    memory: int | None
    trainable: int
    weights: int
    macs: int | None
    receptive_field: tuple[int, ...] | None
    stride: tuple[float, ...] | None


@dataclasses.dataclass(frozen=True)
class Ledger:
    """The rows of a network in the order of computation, and their sums."""

    name: str
    rows: tuple[Row, ...]

    def _sum(self, field):
        values = [getattr(row, field) for row in self.rows]
        return None if None in values else sum(values)

    @property
    def trainable(self) -> int:
        """Trained weights."""
        return self._sum("trainable")

    @property
    def total(self) -> int:
        """All weights."""
        return self._sum("weights")

    @property
    def macs(self) -> int | None:
        """Multiply-adds of one image."""
        return self._sum("macs")

    @property
    def memory(self) -> int | None:
        """Bytes of all outputs of one image in float32."""
        return self._sum("memory")

    @property
    def grids(self) -> tuple[tuple[int | None, int | None], ...]:
        """The feature maps' heights and widths in order, repetitions left out."""
        maps = [
            row.shape[:2]
            for row in self.rows[1:]
            if len(row.shape) == 3 and row.kind != "ZeroPadding2D"
        ]
        return tuple(g for i, g in enumerate(maps) if i == 0 or g != maps[i - 1])

    def to_dict(self) -> dict[str, Any]:
        """The ledger as plain data, ready for JSON."""
        sums = ("trainable", "total", "macs", "memory")
        return {
            "name": self.name,
            **{field: getattr(self, field) for field in sums},
            "layers": [dataclasses.asdict(row) for row in self.rows],
        }

    def __rich__(self) -> "Table":
        from rich import box

        from kerazoo.analysis.tables import FittingTable

        spare = ("kind", "sees", "memory", "output")
        look = {"box": box.SIMPLE_HEAD, "collapse_padding": True, "pad_edge": False}
        table = FittingTable(spare=spare, title=self.name, **look)
        table.add_column(COLUMNS[0], no_wrap=True)
        table.add_column(COLUMNS[1], overflow="ellipsis", no_wrap=True, min_width=12)
        for column in COLUMNS[2:]:
            table.add_column(column, justify="right", no_wrap=True)
        for row in self.rows:
            table.add_row(*_cells(row))
        table.add_section()
        table.add_row(*self._total)
        table.caption = f"{self.trainable:,} of the weights are trained"
        return table

    def _repr_html_(self) -> str:
        return display.table(
            [*map(_cells, self.rows), self._total],
            COLUMNS,
            title=self.name,
            note=f"{self.trainable:,} of the weights are trained",
        )

    @property
    def _total(self):
        macs = "?" if self.macs is None else f"{self.macs:,}"
        return ("total", "", "", display.size(self.memory), f"{self.total:,}", macs, "")


def _cells(row):
    sees = row.receptive_field
    return (
        row.name,
        row.kind,
        "x".join(str(n or "?") for n in row.shape),
        "" if row.memory == 0 else display.size(row.memory),
        f"{row.weights:,}" if row.weights else "",
        f"{row.macs:,}" if row.macs else "",
        "x".join(map(str, sees)) if sees else "",
    )


@reader.checked
def ledger(model: keras.Model) -> Ledger:
    """The ledger of a network.

    Args:
        model: A flat functional model, as every builder of kerazoo returns.

    Returns:
        The rows and sums; ``rich.print`` shows it as a table.

    Raises:
        ValueError: Where the model is not a flat functional graph.
    """
    try:
        graph = Graph(model)
    except (ValueError, NotImplementedError) as error:
        raise ValueError(NOT_FLAT.format(model.name)) from error
    if not graph.flat:
        raise ValueError(NOT_FLAT.format(model.name))
    rows, seen = [], sights(graph)
    shapes, times = graph.shapes, _times(graph)
    for layer in graph.model.layers:
        inputs = [shapes[name] for name in graph.sources(layer.name)]
        shape, count = shapes[layer.name], times[layer.name]
        field, stride = seen[layer.name]
        rows.append(
            Row(
                name=layer.name,
                kind=type(layer).__name__,
                shape=shape,
                memory=_times_of(count, _memory(layer, shape)),
                trainable=_count(layer.trainable_weights),
                weights=_count(layer.weights),
                macs=_times_of(count, _macs(layer, inputs, shape)),
                receptive_field=field,
                stride=stride,
            )
        )
    return Ledger(model.name, tuple(rows))


def _times(graph):
    """How often every layer does its work for one image.

    Where each region of an image is an image of its own, so many times.
    """
    times: dict[str, int] = {}
    for layer in graph.model.layers:
        before = max((times[one] for one in graph.sources(layer.name)), default=1)
        times[layer.name] = round(before * getattr(layer, "batch_factor", 1))
    return times


def _times_of(count, number):
    return None if number is None else count * number


def _memory(layer, shape):
    if isinstance(layer, HAND_ON):
        return 0
    return None if None in shape else 4 * math.prod(shape)


def _count(weights):
    # A random layer keeps its generator's state in a variable of integers.
    return sum(math.prod(w.shape) for w in weights if "int" not in str(w.dtype))


def _macs(layer, inputs, shape):
    """Multiply-adds by the textbook formulas of each kind of layer."""
    if hasattr(layer, "multiply_adds"):
        if None in shape or None in inputs[0]:
            return None
        return layer.multiply_adds((None, *inputs[0]), (None, *shape))
    if isinstance(layer, layers.Dense):
        return None if None in shape else math.prod(shape) * inputs[0][-1]
    if isinstance(layer, layers.Conv2DTranspose):
        window, grid = math.prod(layer.kernel_size) * layer.filters, inputs[0]
    elif isinstance(layer, layers.DepthwiseConv2D):
        window, grid = math.prod(layer.kernel_size), shape
    elif isinstance(layer, layers.SeparableConv2D):
        deep = inputs[0][-1] * layer.depth_multiplier
        window = deep * (math.prod(layer.kernel_size) + layer.filters)
        grid = (*shape[:2], 1)
    elif isinstance(layer, layers.Conv2D):
        window = math.prod(layer.kernel_size) * inputs[0][-1] // layer.groups
        grid = shape
    else:
        return 0
    return None if None in grid else window * math.prod(grid)
