"""Contract 1: a network's builder and its card.

A card is what is known of a network, written once: the numbers in the ``@register``
decorator, the words in the docstring of the file. Both are read from the source
without running it, so that listing the zoo imports neither Keras nor TensorFlow.
"""

import ast
import contextlib
import dataclasses
import fnmatch
import functools
import importlib
import inspect
import pathlib
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from kerazoo.errors import unknown

MODELS = pathlib.Path(__file__).with_name("models")


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
        status: ``paper``, or ``reconstruction`` where no full definition was published.
        task: ``classification`` or ``segmentation``.
        weights: Published weights by name, each with the preprocessing it needs.
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
    weights: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def family(self) -> str:
        """The file that holds the network."""
        return self.module.rpartition(".")[2]

    def builder(self) -> Callable[..., Any]:
        """The function that builds the network (imports Keras)."""
        return getattr(importlib.import_module(self.module), self.name)


def _paragraphs(doc: str) -> list[str]:
    return [" ".join(p.split()) for p in re.split(r"\n\s*\n", doc.strip())]


def _differences(doc: str) -> tuple[str, ...]:
    """The list under ``Differs from the paper:`` in the docstring of a file."""
    _, _, tail = doc.partition("Differs from the paper:")
    items = re.split(r"^\s*- ", re.split(r"\n\s*\n(?!\s*- )", tail)[0], flags=re.M)[1:]
    return tuple(" ".join(item.split()) for item in items)


def _card(name: str, module: str, file_doc: str, doc: str, fields: dict) -> Card:
    paragraphs = _paragraphs(file_doc)
    if len(paragraphs) < 3 or "Differs from the paper:" not in file_doc:
        raise ValueError(
            f"The docstring of {module} must give what the network introduced, its "
            "reference, and 'Differs from the paper:' with a list or 'nothing'."
        )
    own = fields.pop("differs", ())
    return Card(
        name=name,
        module=module,
        summary=_paragraphs(doc)[0] if doc else paragraphs[0],
        reference=paragraphs[1],
        differences=_differences(file_doc) + tuple(own),
        **fields,
    )


def _read(path: pathlib.Path) -> dict[str, Card]:
    """The cards of a model file, read without running it.

    The arguments of ``@register`` are literals or names of literal constants.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    doc = ast.get_docstring(tree) or ""
    module = f"kerazoo.models.{path.stem}"
    constants, cards = {}, {}

    def value(node):
        if isinstance(node, ast.Name):
            return constants[node.id]
        return ast.literal_eval(node)

    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            with contextlib.suppress(ValueError):
                constants[node.targets[0].id] = ast.literal_eval(node.value)
        elif isinstance(node, ast.FunctionDef):
            for call in node.decorator_list:
                # A decorator such as ``keras.saving.register...()`` has no plain name.
                if getattr(getattr(call, "func", None), "id", None) == "register":
                    fields = {}
                    for keyword in call.keywords:
                        given = value(keyword.value)
                        fields |= {keyword.arg: given} if keyword.arg else given
                    cards[node.name] = _card(
                        node.name, module, doc, ast.get_docstring(node) or "", fields
                    )
    return cards


@functools.cache
def _catalogue() -> dict[str, Card]:
    """Every card by name: those of the files, then those registered at run time."""
    cards = {}
    for path in sorted(MODELS.glob("[!_]*.py")):
        for name, card in _read(path).items():
            _add(cards, name, card)
    return cards


def _add(cards: dict[str, Card], name: str, card: Card) -> None:
    if name in cards and cards[name] != card:
        raise ValueError(
            f"The name {name!r} is taken by {cards[name].module}; "
            f"{card.module} must register its network under another one."
        )
    cards[name] = card


def register(**fields) -> Callable[[Callable], Callable]:
    """Gives a builder its card and makes it known under its own name.

    Args:
        **fields: The fields of :class:`Card`, as literals or names of literal constants
            of the file; ``differs`` adds differences of this variant alone. Name,
            module, summary and reference come from the function and the docstrings.

    Raises:
        ValueError: Where the name is taken, or the file's docstring lacks a part.
    """

    def decorate(builder):
        file_doc = inspect.cleandoc(sys.modules[builder.__module__].__doc__ or "")
        doc = inspect.getdoc(getattr(builder, "__wrapped__", builder)) or ""
        builder.card = _card(
            builder.__name__, builder.__module__, file_doc, doc, dict(fields)
        )
        _add(_catalogue(), builder.__name__, builder.card)
        return builder

    return decorate


def list_models(pattern: str = "*") -> list[str]:
    """The names of the networks, oldest first.

    Args:
        pattern: A wildcard pattern such as ``*resnet*``.
    """
    cards = sorted(_catalogue().values(), key=lambda card: card.year)
    return [card.name for card in cards if fnmatch.fnmatchcase(card.name, pattern)]


def find(name: str) -> Card:
    """The card of a network.

    Raises:
        ValueError: For an unknown name; the message gives the nearest names.
    """
    if name not in _catalogue():
        raise unknown("network", name, _catalogue())
    return _catalogue()[name]


def create(network: str, /, **options):
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
