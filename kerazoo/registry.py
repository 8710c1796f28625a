"""Contract 1: a network's builder and its card.

A card is what is known of a network, written once: the numbers in the ``@register``
decorator, the words in the docstrings, the options in the annotations of the function
that builds it. All are read from the source without running it, so that listing the zoo
imports neither Keras nor TensorFlow.
"""

import ast
import contextlib
import dataclasses
import fnmatch
import functools
import importlib
import inspect
import operator
import pathlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal

from kerazoo import display, reader
from kerazoo.errors import unknown
from kerazoo.reader import Count, Whole

MODELS = pathlib.Path(__file__).with_name("models")
# What an annotation of an option may be made of.
KINDS: dict[str, Any] = {k.__name__: k for k in (bool, int, float, str, tuple)}
KINDS |= {"Any": Any, "Literal": Literal, "Count": reader.Count, "Rate": reader.Rate}
KINDS |= {"Share": reader.Share, "Positive": reader.Positive}
KINDS |= {"NonNegative": reader.NonNegative}
KINDS |= {"HiddenActivation": reader.HiddenActivation}
KINDS |= {"Boxes": reader.Boxes, "Regions": reader.Regions}
# What every body takes before its own arguments.
BODY = ("inputs", "top")


@dataclasses.dataclass(frozen=True)
class Option:
    """An option of a network's builder.

    Attributes:
        name: Its name.
        kind: Its annotation, which says what it may be.
        default: Its value where none is given.
        doc: What it does.
    """

    name: str
    kind: Any
    default: Any
    doc: str = ""

    @property
    def choices(self) -> str:
        """What it may be, in words."""
        return reader.describe(self.kind)

    def to_dict(self) -> dict[str, Any]:
        """The option as plain data, ready for JSON."""
        texts = {"name": self.name, "choices": self.choices, "doc": self.doc}
        return texts | {"default": self.default}


def read_options(
    network: str,
    known: Mapping[str, Option],
    given: Mapping[str, Any],
    read: Callable[[Any, Any, str], Any] = reader.read,
) -> dict[str, Any]:
    """Options as they are declared.

    Args:
        network: Whose options they are.
        known: The declared ones.
        given: Values by name; what is not given stays out.
        read: :func:`kerazoo.reader.read` for values, ``parse`` for texts.

    Raises:
        ValueError: For an option that the network does not have, or a bad value.
    """
    for name in given:
        if name not in known:
            raise unknown(f"option of {network}", name, known)
    return {name: read(known[name].kind, one, name) for name, one in given.items()}


Shape = Annotated[
    tuple[Whole | None, Whole | None, Count],
    "(height, width, channels), as in (224, 224, 3)",
]
# The options that all builders share mean what they mean in keras.applications.
SHARED = {
    name: Option(name, kind, default)
    for name, kind, default in (
        ("input_shape", Shape | None, None),
        ("classes", Count | None, None),
        ("include_top", bool, True),
        ("pooling", Literal["avg", "max"] | None, None),
        ("weights", reader.Weights | None, None),
        ("input_tensor", Any, None),
        ("classifier_activation", Any, "softmax"),
        ("name", reader.ModelName | None, None),
    )
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """What is known of a network.

    Attributes:
        name: The builder's name.
        module: The module that defines it.
        year: The year of first publication.
        summary: What the network introduced, or what this variant is.
        reference: Authors, title, venue, year, identifier, tables used.
        differences: Every difference between the paper, the reference code and what
            is built, with its reason.
        input_shape: The default input, ``(height, width, channels)``.
        classes: The default number of classes.
        minimum: The smallest legal height and width.
        trainable: Trainable parameters of the default network.
        total: Parameters of the default network, moving statistics included.
        macs: Multiply-adds of one image through the default inference graph.
        published: The paper's own figures, as printed.
        proof: What proves the network equal to its source, beside the counts.
        status: ``paper``; ``reconstruction`` where no full definition was published;
            ``own`` where the network is kerazoo's and its parts are the paper's.
        task: ``classification`` or ``segmentation``.
        body: The function that builds it and the other variants of its family.
        depth: Weight layers by the paper's count, where a family has several depths.
        options: The options that this network has beside the shared ones.
    """

    name: str
    module: str
    year: int
    summary: str
    reference: str
    differences: tuple[str, ...]
    input_shape: tuple[int, int, int]
    trainable: int
    total: int
    macs: int
    classes: int = 1000
    minimum: int = 1
    published: Mapping[str, str] = dataclasses.field(default_factory=dict)
    proof: str = ""
    status: str = "paper"
    task: str = "classification"
    body: str = ""
    depth: int | None = None
    options: Mapping[str, Option] = dataclasses.field(default_factory=dict)

    @property
    def family(self) -> str:
        """The file that holds the network."""
        return self.module.rpartition(".")[2]

    def builder(self) -> Callable[..., Any]:
        """The function that builds the network (imports Keras)."""
        return getattr(importlib.import_module(self.module), self.name)

    def read_options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Options as they are declared; those that were not given stay out.

        Args:
            given: By name; the options that all builders share are known too.

        Raises:
            ValueError: For an option that the network does not have, or a bad value.
        """
        return read_options(self.name, SHARED | dict(self.options), given)

    def parse_options(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """As :meth:`read_options`, from texts such as ``{"groups": "2"}``."""
        known = SHARED | dict(self.options)
        return read_options(self.name, known, texts, reader.parse)

    def to_dict(self) -> dict[str, Any]:
        """The card as plain data, ready for JSON."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return fields | {"options": [one.to_dict() for one in self.options.values()]}

    def _repr_html_(self) -> str:
        rows: list[tuple[str, object]] = [
            ("what it is", self.summary),
            ("reference", self.reference),
            ("input", "x".join(map(str, self.input_shape))),
            ("weights", f"{self.total:,}"),
            ("trained weights", f"{self.trainable:,}"),
            ("multiply-adds", f"{self.macs:,}"),
            *((f"the paper's {name}", one) for name, one in self.published.items()),
            ("status", self.status),
            *(("differs from the paper", one) for one in self.differences),
            *(
                (f"option {one.name}", f"{one.doc} {one.choices}; by default {default}")
                for one in self.options.values()
                for default in [one.default]
            ),
            ("proof", self.proof),
        ]
        shown = [row for row in rows if row[1]]
        return display.table(shown, title=f"{self.name} ({self.year})")

    def siblings(self) -> dict[int, "Card"]:
        """The networks of the same body by their depth; itself among them."""
        if self.depth is None:
            return {}
        found = {
            card.depth: card
            for card in _catalogue().values()
            if card.depth and (card.module, card.body) == (self.module, self.body)
        }
        return dict(sorted(found.items()))


# From the source to a card -----------------------------------------------------------


def _paragraphs(doc: str) -> list[str]:
    return [" ".join(p.split()) for p in re.split(r"\n\s*\n", doc.strip())]


def _differences(doc: str) -> tuple[str, ...]:
    """The list under ``Differs from the paper:`` in the docstring of a file."""
    _, _, tail = doc.partition("Differs from the paper:")
    items = re.split(r"^\s*- ", re.split(r"\n\s*\n(?!\s*- )", tail)[0], flags=re.M)[1:]
    return tuple(" ".join(item.split()) for item in items)


def documented_arguments(doc: str) -> dict[str, str]:
    """``{name: text}`` of the ``Args:`` section of a docstring."""
    _, _, tail = inspect.cleandoc(doc).partition("\nArgs:\n")
    section = re.split(r"\n(?=\S)", tail)[0]
    items = re.findall(r"^    (\w+): (.*(?:\n {8,}.*)*)", section, flags=re.M)
    return {name: " ".join(text.split()) for name, text in items}


class _Source:
    """A model file, read without running it."""

    def __init__(self, module: str, text: str) -> None:
        self.module = module
        tree = ast.parse(text)
        self.doc = ast.get_docstring(tree) or ""
        functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
        self.functions = {one.name: one for one in functions}
        self.constants: dict[str, Any] = {}
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                with contextlib.suppress(ValueError):
                    self.constants[node.targets[0].id] = self.value(node.value)

    def value(self, node: ast.expr) -> Any:
        """A literal, or a name of a literal constant of the file."""
        if isinstance(node, ast.Name) and node.id in self.constants:
            return self.constants[node.id]
        return ast.literal_eval(node)

    def kind(self, node: ast.expr) -> Any:
        """An annotation, as an object of ``typing``."""
        match node:
            case ast.Name(id=name):
                return KINDS[name]
            case ast.Constant(value=value):
                return value
            case ast.BinOp(op=ast.BitOr()):
                return operator.or_(self.kind(node.left), self.kind(node.right))
            case ast.Tuple():
                return tuple(map(self.kind, node.elts))
            case ast.Subscript():
                return self.kind(node.value)[self.kind(node.slice)]
        raise KeyError(ast.unparse(node))

    def cards(self) -> Iterator["Card"]:
        """The cards of all functions that are registered."""
        for name in self.functions:
            if fields := self.fields(name):
                yield self.card(name, fields)

    def fields(self, name: str) -> dict[str, Any]:
        """The arguments of a function's ``@register``."""
        fields: dict[str, Any] = {}
        if call := self.decorator(name, "register"):
            for keyword in call.keywords:
                given = self.value(keyword.value)
                fields |= {keyword.arg: given} if keyword.arg else given
        return fields

    def decorator(self, name: str, which: str) -> ast.Call | None:
        """The call of a decorator above a function."""
        for node in self.functions[name].decorator_list:
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == which:
                return node
        return None

    def card(self, name: str, fields: dict[str, Any]) -> "Card":
        """The card of a function."""
        paragraphs = _paragraphs(self.doc)
        if len(paragraphs) < 3 or "Differs from the paper:" not in self.doc:
            raise ValueError(
                f"The docstring of {self.module} must give what the network "
                "introduced, its reference, and 'Differs from the paper:' with a list "
                "or 'nothing'."
            )
        call = self.decorator(name, "network")
        body = call.args[0].id if call else name  # type: ignore[attr-defined]
        bound = {k.arg: k.value for k in call.keywords if k.arg} if call else {}
        doc = ast.get_docstring(self.functions[name]) or ""
        depth = fields.pop("depth", None)
        if depth is None and "depth" in bound:
            depth = self.value(bound["depth"])
        own = fields.pop("differs", ())
        trainable, total, macs = fields.pop("counts")
        return Card(
            name=name,
            module=self.module,
            summary=_paragraphs(doc)[0] if doc else paragraphs[0],
            reference=paragraphs[1],
            trainable=trainable,
            total=total,
            macs=macs,
            differences=_differences(self.doc) + tuple(own),
            body=body,
            depth=depth,
            options=self.options(body, bound),
            **fields,
        )

    def options(self, body: str, bound: Mapping[str, ast.expr]) -> dict[str, Option]:
        """The keyword-only parameters of a body, with the defaults of a variant."""
        function = self.functions[body]
        docs = documented_arguments(ast.get_docstring(function) or "")
        found = {}
        arguments = function.args
        for argument, default in zip(
            arguments.kwonlyargs, arguments.kw_defaults, strict=True
        ):
            name = argument.arg
            try:
                kind = self.kind(argument.annotation)  # type: ignore[arg-type]
            except KeyError as error:
                raise ValueError(
                    f"{body} of {self.module} must annotate its option {name} with "
                    f"{', '.join(KINDS)} or their combinations, not {error}."
                ) from error
            value = self.value(bound.get(name, default))  # type: ignore[arg-type]
            found[name] = Option(name, kind, value, docs.get(name, ""))
        return found


@functools.cache
def _catalogue() -> dict[str, Card]:
    """Every card by name: those of the files, then those registered at run time."""
    cards: dict[str, Card] = {}
    for path in sorted(MODELS.glob("[!_]*.py")):
        text = path.read_text(encoding="utf-8")
        for card in _Source(f"kerazoo.models.{path.stem}", text).cards():
            _add(cards, card)
    return cards


def _add(cards: dict[str, Card], card: Card) -> None:
    if card.name in cards and cards[card.name] != card:
        raise ValueError(
            f"The name {card.name!r} is taken by {cards[card.name].module}; "
            f"{card.module} must register its network under another one."
        )
    cards[card.name] = card


def register(**fields: Any) -> Callable[[Any], Any]:
    """Gives a builder its card and makes it known under its own name.

    Args:
        **fields: The fields of :class:`Card`, as literals or names of literal constants
            of the file; ``counts`` are ``(trainable, total, macs)``, ``differs`` adds
            differences of this variant alone. Name, module, summary, reference and
            options come from the file's source.

    Raises:
        ValueError: Where the name is taken, or the file's docstring lacks a part.
    """

    def decorate(builder):
        module = builder.__module__
        known = _catalogue().get(builder.__name__)
        if known is None or known.module != module or not module.startswith("kerazoo."):
            source = _Source(module, inspect.getsource(sys.modules[module]))
            known = source.card(builder.__name__, source.fields(builder.__name__))
            _add(_catalogue(), known)
        builder.card = known
        return builder

    return decorate


@reader.checked
def list_models(pattern: str = "*") -> list[str]:
    """The names of the networks, oldest first.

    Args:
        pattern: A wildcard pattern such as ``*resnet*``.
    """
    cards = sorted(_catalogue().values(), key=lambda card: card.year)
    return [card.name for card in cards if fnmatch.fnmatchcase(card.name, pattern)]


@reader.checked
def find(name: reader.NetworkName) -> Card:
    """The card of a network.

    Raises:
        ValueError: For an unknown name; the message gives the nearest names.
    """
    if name not in _catalogue():
        raise unknown("network", name, _catalogue())
    return _catalogue()[name]


@reader.checked
def create(network: reader.NetworkName, /, **options: Any) -> Any:
    """Builds a network by its name.

    Args:
        network: A name of :func:`list_models`.
        **options: The builder's options.

    Returns:
        The ``keras.Model``.

    Raises:
        ValueError: For an unknown name or option, or an option's bad value.
    """
    return find(network).builder()(**options)
