"""Networks side by side: their costs, their depth, and what their papers reached."""

import dataclasses
import re
import statistics
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerazoo import display, reader, registry
from kerazoo.analysis.ledger import ledger
from kerazoo.analysis.steps import steps_of, weight_layers
from kerazoo.reader import NetworkName
from kerazoo.symbolic import symbolic

if TYPE_CHECKING:
    from rich.table import Table

# Seconds that a network is measured for, and the least number of calls.
MEASURED, CALLS = 2.0, 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contender:
    """One of the networks that are compared.

    Attributes:
        network: Its name.
        year: Of its first publication.
        family: The file that holds it.
        input_shape: ``(height, width, channels)`` of its images.
        parameters: All of its weights.
        macs: Multiply-adds of one image.
        memory: Bytes of all outputs of its layers for one image in float32.
        depth: The most convolutions and dense layers on a way through it.
        receptive_field: Height and width in pixels that a position of its last map
            sees; ``None`` where it has no map.
        latency: Seconds that Keras takes for one image; ``None`` where it was not
            measured.
        published: What the paper reached, in percent, by what it measured:
            ``top-1 error``, ``top-5 error``, ``CIFAR-10 error``, ``VOC 2007 mAP``, ...
    """

    network: str
    year: int
    family: str
    input_shape: tuple[int, int, int]
    parameters: int
    macs: int
    memory: int | None
    depth: int
    receptive_field: tuple[int, ...] | None
    latency: float | None
    published: Mapping[str, float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkComparison:
    """Networks side by side.

    Attributes:
        contenders: The networks in the order in which they were given.
    """

    contenders: tuple[Contender, ...]

    @property
    def measures(self) -> tuple[str, ...]:
        """What the papers measured, the most frequent first."""
        names = [name for one in self.contenders for name in one.published]
        return tuple(sorted(dict.fromkeys(names), key=lambda one: -names.count(one)))

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain data, ready for JSON."""
        return {"networks": [reader.plain(one) for one in self.contenders]}

    def _columns(self):
        head = ["network", "year", "parameters", "multiply-adds", "memory", "depth"]
        head += ["sees"]
        if any(one.latency is not None for one in self.contenders):
            head.append("latency")
        return [*head, *self.measures]

    def _rows(self):
        columns = self._columns()
        for one in self.contenders:
            field = one.receptive_field
            latency = "" if one.latency is None else f"{1000 * one.latency:.3g} ms"
            cells = {
                "network": one.network,
                "year": str(one.year),
                "parameters": _millions(one.parameters),
                "multiply-adds": _millions(one.macs),
                "memory": display.size(one.memory),
                "depth": str(one.depth),
                "sees": "x".join(map(str, field)) if field else "all",
                "latency": latency,
            }
            cells |= {name: f"{value:g}%" for name, value in one.published.items()}
            yield [cells.get(name, "") for name in columns]

    def __rich__(self) -> "Table":
        from rich import box

        from kerazoo.analysis.tables import FittingTable

        spare = ("sees", "year", *reversed(self.measures[1:]), "memory")
        table = FittingTable(spare=spare, box=box.SIMPLE_HEAD, pad_edge=False)
        for number, column in enumerate(self._columns()):
            side: Any = "right" if number else "left"
            table.add_column(column, justify=side, no_wrap=True)
        for row in self._rows():
            table.add_row(*row)
        return table

    def _repr_html_(self) -> str:
        return display.table(self._rows(), self._columns())


def _millions(count):
    """A number of weights or products, as in ``25.6 M``."""
    value, unit = (count / 1e9, "G") if count >= 1e9 else (count / 1e6, "M")
    return f"{value:.3g} {unit}"


@reader.checked
def published(card: registry.Card) -> dict[str, float]:
    """What a paper reached, in percent, by what it measured.

    Accuracies are given as errors. Of several numbers in one place the first counts,
    which is that of one network and one crop where a paper has both.
    """
    found = {}
    for name, text in card.published.items():
        numbers = [float(one) for one in re.findall(r"\d+\.\d+|\d+", text)]
        known = re.fullmatch(r"(top-\d)(?: / (top-\d))? (error|accuracy)", name)
        if known:
            names = [one for one in known.groups()[:2] if one]
            for one, number in zip(names, numbers, strict=False):
                if known[3] == "accuracy":
                    share = number if number <= 1 else number / 100
                    number = round(100 * (1 - share), 3)
                found[f"{one} error"] = number
        elif re.fullmatch(r"(CIFAR-\d+ )?error|VOC \d+ mAP|\w+ class IoU", name):
            found[name] = numbers[0]
    return found


@reader.checked
def compare(
    networks: Iterable[NetworkName], *, latency: bool = False
) -> NetworkComparison:
    """Sets networks side by side.

    Args:
        networks: Their names.
        latency: Whether to measure how long Keras takes for one image, the median of
            some calls of ``predict_on_batch`` on this machine with weights of no
            training. :func:`kerazoo.predictor` is faster.

    Returns:
        The comparison; ``rich.print`` shows it as a table, and
        ``kerazoo.analysis.charts`` draws it.

    Raises:
        ValueError: For an unknown network, or none.
    """
    cards = [registry.find(name) for name in networks]
    if not cards:
        raise ValueError(
            "networks is empty; give names, as in compare(['vgg16', 'resnet50'])."
        )
    return NetworkComparison(
        contenders=tuple(_contender(card, latency) for card in cards)
    )


def _contender(card, latency):
    model = symbolic(lambda: registry.create(card.name))
    known = ledger(model)
    fields = [
        row.receptive_field
        for row in known.rows[1:]
        if len(row.shape) == 3 and row.receptive_field and row.shape[:2] != (1, 1)
    ]
    return Contender(
        network=card.name,
        year=card.year,
        family=card.family,
        input_shape=card.input_shape,
        parameters=card.total,
        macs=card.macs,
        memory=known.memory,
        depth=weight_layers(steps_of(model)),
        receptive_field=fields[-1] if fields else None,
        latency=_latency(card) if latency else None,
        published=published(card),
    )


def _latency(card):
    """The median of some calls with one image; ``None`` where more is asked for."""
    model = registry.create(card.name)
    if len(keras.tree.flatten(model.input)) > 1:
        return None
    image = np.random.default_rng(0).normal(size=(1, *card.input_shape))
    image = image.astype("float32")
    # The first calls compile.
    for _ in range(2):
        model.predict_on_batch(image)
    taken: list[float] = []
    while len(taken) < CALLS or sum(taken) < MEASURED:
        begin = time.perf_counter()
        model.predict_on_batch(image)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)
