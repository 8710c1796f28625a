"""Anybody's Keras model beside the network of a paper: what differs, layer by layer."""

import collections
import dataclasses
import itertools
import math
import pathlib
import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras

from kerazoo import display, reader, registry
from kerazoo.analysis.alignment import align
from kerazoo.analysis.steps import Step, numbers, steps_of, weight_layers
from kerazoo.errors import counted
from kerazoo.reader import NetworkName, Path
from kerazoo.recursion import allow_deep_graphs
from kerazoo.surgery.graph import Graph
from kerazoo.symbolic import symbolic

if TYPE_CHECKING:
    from rich.console import Group

# Of more than one.
PLURALS = {"batch norm": "batch norms", "concatenation": "concatenations"}
# How many steps further on the same step is one that stands elsewhere.
NEAR = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """One place where a model is not the network of a card.

    Attributes:
        field: What differs, as in ``epsilon`` or ``stride``; ``missing`` for a step
            that the network has and the model not, ``extra`` for the opposite, and
            ``order`` for one that stands elsewhere.
        kind: The kind of step, as in ``batch norm``.
        layer: The model's layer; ``None`` where it is missing.
        counterpart: The network's layer; ``None`` where it is extra.
        found: What the model has.
        expected: What the network has.
        behind: The kind of step that follows it in the model, or in the network where
            the model does not have it.
        numbers: Channels or units that it is about.
    """

    field: str
    kind: str
    layer: str | None
    counterpart: str | None
    found: Any = None
    expected: Any = None
    behind: str = ""
    numbers: int = 0

    def __str__(self) -> str:
        if self.field == "missing":
            return f"{self.counterpart}: no {self.expected}"
        if self.field == "extra":
            return f"{self.layer}: {self.found}, which the network does not have"
        if self.field == "order":
            return f"{self.layer}: {self.found} {self.expected}"
        return (
            f"{self.layer}: {self.field} {_words(self.found)}; {self.counterpart} has "
            f"{_words(self.expected)}"
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Total:
    """Differences of one kind, together.

    Attributes:
        sentence: What they are, as in ``26,560 biases before batch norms``.
        differences: All of them.
    """

    sentence: str
    differences: tuple[Difference, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Audit:
    """A model beside the network of a card.

    Attributes:
        model: The model's name.
        network: The network's.
        options: Those of the network that it was compared with.
        matched: How many steps both have.
        counts: By name, what the model has and what the network has.
        differences: Every difference, in the order of the network.
        explained: Options of the network with which fewer differences remain.
        remaining: How many remain with these.
        words: What the card says of these options.
    """

    model: str
    network: str
    options: Mapping[str, Any]
    matched: int
    counts: Mapping[str, tuple[int, int]]
    differences: tuple[Difference, ...]
    explained: Mapping[str, Any]
    remaining: int
    words: tuple[str, ...]

    @property
    def totals(self) -> tuple[Total, ...]:
        """The differences by what they are, the most frequent first."""
        groups: dict[tuple, list[Difference]] = {}
        for one in self.differences:
            groups.setdefault(_group(one), []).append(one)
        found = [
            Total(sentence=_sentence(group), differences=tuple(group))
            for group in groups.values()
        ]
        return tuple(sorted(found, key=lambda one: -len(one.differences)))

    @property
    def verdict(self) -> str:
        """The outcome in one sentence."""
        steps = counted(self.matched, "step")
        if not self.differences:
            return f"The model {self.model} equals the card of {self.network}: {steps}."
        places = counted(len(self.differences), "place")
        return (
            f"The model {self.model} differs from the card of {self.network} in "
            f"{places}; both have {steps}."
        )

    def to_dict(self) -> dict[str, Any]:
        """The audit as plain data, ready for JSON."""
        return {
            "model": self.model,
            "network": self.network,
            "options": dict(self.options),
            "matched": self.matched,
            "counts": {name: list(pair) for name, pair in self.counts.items()},
            "totals": [
                {"sentence": one.sentence, "layers": len(one.differences)}
                for one in self.totals
            ],
            "differences": [
                {
                    name: value if isinstance(value, (int, float)) else _or_text(value)
                    for name, value in dataclasses.asdict(one).items()
                }
                for one in map(_flat, self.differences)
            ],
            "explained": dict(self.explained),
            "remaining": self.remaining,
            "words": list(self.words),
        }

    @property
    def _notes(self) -> list[str]:
        if not self.explained:
            return []
        options = ", ".join(f"{n}={v}" for n, v in self.explained.items())
        left = "none remains" if not self.remaining else f"{self.remaining:,} remain"
        return [f"With {options} {left}.", *self.words]

    def __rich__(self) -> "Group":
        from rich import box
        from rich.console import Group
        from rich.text import Text

        from kerazoo.analysis.tables import FittingTable

        table = FittingTable(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("")
        for column in (self.model, self.network):
            table.add_column(column, justify="right", no_wrap=True)
        for name, (given, own) in self.counts.items():
            table.add_row(name, f"{given:,}", f"{own:,}")
        lines = [f"- {one.sentence}" for one in self.totals]
        texts = [self.verdict, *lines, *self._notes]
        return Group(table, *(Text(line) for line in texts))

    def _repr_html_(self) -> str:
        rows = [(n, f"{one:,}", f"{two:,}") for n, (one, two) in self.counts.items()]
        sentences = [(one.sentence,) for one in self.totals]
        head = display.table(
            rows, ("", self.model, self.network), title=f"{self.model} beside the card"
        )
        note = " ".join(self._notes)
        return head + display.table(sentences, title=self.verdict, note=note)


def _flat(one):
    return dataclasses.replace(
        one, found=_or_text(one.found), expected=_or_text(one.expected)
    )


def _or_text(value):
    return value if value is None or isinstance(value, (int, float)) else str(value)


def _group(one: Difference) -> tuple:
    kind = "" if one.field == "bias" else one.kind
    # A network may have the same sizes at many places.
    sized = one.field in ("filters", "units", "missing", "extra", "order")
    before = one.behind if one.field == "bias" else ""
    found, expected = str(one.found), str(one.expected)
    return one.field, kind, before, found, expected, sized


def _sentence(group: Sequence[Difference]) -> str:
    (one, *_), count = group, len(group)
    total = sum(each.numbers for each in group)
    kinds = collections.Counter(each.kind for each in group)
    layers = " and ".join(_plural(n, kind) for kind, n in kinds.items())
    places = _places([each.layer or each.counterpart for each in group])
    if one.field == "bias":
        before = " before batch norms" if one.behind == "batch norm" else ""
        if one.found:
            return f"{total:,} biases{before} in {layers}; the card has none {places}"
        return f"no biases{before} in {layers}; the card has {total:,} {places}"
    if one.field == "scale":
        if one.found:
            return f"{total:,} scales (gamma) in {layers}; the card has none {places}"
        return f"no scales (gamma) in {layers}; the card has {total:,} {places}"
    if one.field == "missing":
        times = "" if count == 1 else f" ({count} times)"
        return f"no {one.expected}{times}, which the card has {places}"
    if one.field == "extra":
        times = "" if count == 1 else f" ({count} times)"
        return f"{one.found}{times}, which the card does not have {places}"
    if one.field == "order":
        return f"{one.found} {one.expected} {places}"
    return (
        f"{one.field} {_words(one.found)} in {layers}; the card has "
        f"{_words(one.expected)} {places}"
    )


def _plural(count, kind):
    several = PLURALS.get(kind, f"{kind}s")
    return counted(count, kind, several)


def _places(names):
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - 2:,} more" if len(names) > 2 else ""
    return f"({', '.join(names[:2])}{more})"


def _words(value):
    """A value as people write it: ``1.001e-5``, not ``1.001e-05``."""
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    return f"{value:g}".replace("e-0", "e-").replace("e+0", "e")


@reader.checked
def audit(
    model: keras.Model | Path,
    network: NetworkName,
    options: Mapping[str, Any] | None = None,
) -> Audit:
    """Compares a model, whoever wrote it, with the network of a card.

    Layers are matched by what they do, in the order in which they do it, and not by
    their names: the network is built for the model's images and classes, and both are
    read as steps (convolution, batch norm, activation, ...). A padding layer belongs to
    the convolution behind it, an activation stands by itself, a separable convolution
    is two steps, models inside the model are opened; what is done to the images before
    the first layer is left out. Initialisers and penalties, which are of no effect once
    a model is trained, are not compared.

    Args:
        model: A functional or sequential model, with weights of any values, or the path
            of its file, ``MODEL.keras`` or ``MODEL.h5``.
        network: The network's name.
        options: Options of its builder, where not the card's own are meant.

    Returns:
        The differences; ``rich.print`` shows their totals.

    Raises:
        ValueError: For an unknown network or option, a file that cannot be read, or
            where the model has no graph, uses a layer twice or has its channels first.
    """
    card = registry.find(network)
    if not isinstance(model, keras.Model):
        model = _loaded(pathlib.Path(model))
    given = card.read_options(options or {})
    # A model without a graph is refused here.
    Graph(model)
    build = _Builder(model, card, given)
    theirs = steps_of(model, build.shape)
    ours = build(given)
    matched, differences = _compare(theirs, ours)
    explained, remaining = _explain(build, theirs, differences, given)
    return Audit(
        model=model.name,
        network=network,
        options=given,
        matched=matched,
        counts={
            "parameters": (_parameters(model), build.parameters),
            "layers with weights": (weight_layers(theirs), weight_layers(ours)),
            "steps": (len(theirs), len(ours)),
        },
        differences=tuple(differences),
        explained=explained,
        remaining=remaining,
        words=tuple(
            words
            for words in card.differences
            if any(f"`{name}`" in words.partition(":")[0] for name in explained)
        ),
    )


def _loaded(file):
    """The model of a file, whoever wrote it."""
    # It may hold kerazoo's layers; importing them registers them.
    import kerazoo.layers  # noqa: F401

    if not file.is_file():
        raise ValueError(
            f"There is no file {file}; give a model that Keras saved, MODEL.keras."
        )
    allow_deep_graphs()
    try:
        return keras.models.load_model(file, compile=False)
    except Exception as error:  # A foreign file may break any part of Keras.
        # Its first sentence; Keras goes on to other formats.
        reason = re.split(r"\n|\. ", str(error).strip())[0] or type(error).__name__
        raise ValueError(
            f"{file} cannot be read as a Keras model: {reason[:300]}; give a model "
            "of Keras' own layers, or load it yourself and give kerazoo.audit that."
        ) from error


def _parameters(model):
    # A random layer keeps its generator's state in a variable of integers.
    return sum(math.prod(w.shape) for w in model.weights if "int" not in str(w.dtype))


class _Builder:
    """Builds a network for the images and the classes of a model, as steps."""

    def __init__(
        self, model: keras.Model, card: registry.Card, given: Mapping[str, Any]
    ) -> None:
        self.card = card
        self.options: dict[str, Any] = {}
        entries = keras.tree.flatten(model.input)
        self.shape = _image_shape(entries, card, given)
        self.parameters = 0
        self.outputs = keras.tree.flatten(model.output)
        if "input_shape" not in given:
            self.options["input_shape"] = self.shape
        if card.task == "classification":
            self.options |= self._head(given)
        elif card.task == "segmentation":
            self.options["classes"] = self.outputs[0].shape[-1]
        if len(self.outputs) > 1 and "aux" in card.options:
            self.options["aux"] = True

    def _head(self, given):
        (scores, *_) = self.outputs
        if len(scores.shape) == 4:
            return {"include_top": False}
        return {"classes": scores.shape[-1]}

    def __call__(self, options: Mapping[str, Any]) -> dict[str, Step]:
        wanted = self.options | dict(options)
        model = symbolic(lambda: registry.create(self.card.name, **wanted))
        self.parameters = self.parameters or _parameters(model)
        return steps_of(model)


def _image_shape(entries, card, given):
    """Of the images that both are to see."""
    shape = next((one.shape[1:] for one in entries if len(one.shape) == 4), None)
    own = given.get("input_shape") or card.input_shape
    if shape is None:
        return own
    sides = [side or other for side, other in zip(shape[:2], own[:2], strict=True)]
    return (*sides, shape[-1] or own[-1])


def _compare(theirs, ours):
    """How many steps match, and all differences."""
    left, right = list(theirs.values()), list(ours.values())
    behind = _followers(theirs) | {f"card {k}": v for k, v in _followers(ours).items()}
    differences: list[Difference] = []
    matched: list[tuple[Step, Step]] = []
    spare: list[tuple[int, Step]] = []
    lacking: list[tuple[int, Step]] = []
    for place, (one, other) in enumerate(align(left, right)):
        if one is not None and other is not None:
            matched.append((one, other))
        elif one is not None:
            spare.append((place, one))
        elif other is not None:
            lacking.append((place, other))
    for place, step in list(lacking):
        elsewhere = (one for one in spare if _is_near(one, place, step))
        found = next(elsewhere, None)
        if found is None:
            continue
        spare.remove(found)
        lacking.remove((place, step))
        matched.append((found[1], step))
        where = "earlier" if found[0] < place else "later"
        differences.append(
            Difference(
                field="order",
                kind=step.kind,
                layer=found[1].layer,
                counterpart=step.layer,
                found=str(step),
                expected=f"stands {where} than in the card",
            )
        )
    for one, other in matched:
        differences += _between(one, other, behind)
    differences += [
        Difference(
            field="missing",
            kind=step.kind,
            layer=None,
            counterpart=step.layer,
            expected=str(step),
            numbers=numbers(step),
        )
        for _, step in lacking
    ]
    differences += [
        Difference(
            field="extra",
            kind=step.kind,
            layer=step.layer,
            counterpart=None,
            found=str(step),
            numbers=numbers(step),
        )
        for _, step in spare
    ]
    return len(matched), differences


def _is_near(spare, place, step):
    """Whether a step without a counterpart is another one, a little further on."""
    far = abs(spare[0] - place)
    return far <= NEAR and spare[1].token == step.token


def _followers(steps):
    """The kind of the step that reads each first."""
    found: dict[str, str] = {}
    for step in steps.values():
        for source in step.sources:
            found.setdefault(source, step.kind)
    return found


def _between(one, other, behind):
    """Every field in which two matched steps differ."""
    for field in dict.fromkeys([*other.details, *one.details]):
        given, expected = one.details.get(field), other.details.get(field)
        if given == expected:
            continue
        has = behind.get(one.key, "") if given else behind.get(f"card {other.key}", "")
        yield Difference(
            field=field,
            kind=other.kind,
            layer=one.layer,
            counterpart=other.layer,
            found=given,
            expected=expected,
            behind=has,
            numbers=numbers(one),
        )


def _explain(build, theirs, differences, given):
    """Options of the card with which fewer differences remain, and how many."""
    best: dict[str, tuple[int, Any]] = {}
    for name, option in build.card.options.items():
        if name == "aux" or name in given:
            continue
        for value in _candidates(option, differences):
            left = _remaining(build, theirs, given | {name: value})
            if left < min(len(differences), best.get(name, (math.inf,))[0]):
                best[name] = left, value
    if not best:
        return {}, len(differences)
    together = {name: value for name, (_, value) in best.items()}
    left = _remaining(build, theirs, given | together)
    alone = min(best, key=lambda name: best[name][0])
    if left <= best[alone][0]:
        return together, int(left)
    return {alone: best[alone][1]}, int(best[alone][0])


def _remaining(build, theirs, options):
    """How many differences there are from a network of other options."""
    try:
        return len(_compare(theirs, build(options))[1])
    except ValueError:
        # Options that do not go together.
        return math.inf


def _candidates(option: registry.Option, differences: Iterable[Difference]) -> list:
    """Values that an option may have in place of its default."""
    values: list[Any] = [True, False, *_literals(option.kind)]
    # A number that the model has where the card has the default.
    values += [
        one.found
        for one in differences
        if one.expected == option.default and isinstance(one.found, (int, float))
    ]
    # What the model does not have at all.
    values += [0.0]
    found = []
    for value in values:
        try:
            read = reader.read(option.kind, value, option.name)
        except ValueError:
            continue
        if read != option.default and read not in found:
            found.append(read)
    return found


def _literals(kind: Any) -> list:
    if typing.get_origin(kind) is typing.Literal:
        return list(typing.get_args(kind))
    inner = (_literals(one) for one in typing.get_args(kind))
    return list(itertools.chain.from_iterable(inner))
