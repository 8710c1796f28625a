"""``make models`` writes what follows from the cards of the networks.

``MODELS.md`` for people; ``kerazoo/networks.pyi`` for editors, the builders with their
signatures, and its names in ``kerazoo/__init__.pyi``; ``docs/api.md``, the interface.
"""

import ast
import pathlib
import re
import textwrap
import types
import typing
from collections.abc import Iterator
from typing import Any

from kerazoo.registry import SHARED, Card, Option, find, list_models
from kerazoo.weights import list_weights

ROOT = pathlib.Path(__file__).parents[1]

HEAD = """# The networks

<!-- Written by `make models` from the cards in kerazoo/models/; do not edit. -->

{count} networks, oldest first. "The paper's" is the figure as the paper prints it, where
it prints one. Parameters are those trained, and in brackets all, with the moving
statistics of batch norms. Multiply-adds are those of one image of the default size in
convolutions and dense layers of the inference graph. A test holds both, and the size of
every feature map, to the unit; the last column says what else proves a network. Below
the table stands, for every paper, where what is built differs from it, and which trained
weights there are.

| Year | Network | Paper | Input | Parameters | the paper's | Multiply-adds | the paper's | Proof |
|---|---|---|---|---:|---:|---:|---:|---|
"""  # noqa: E501 - a row of a table is one line
# What stands before the proof of a network that is not its paper's.
STATUS = {"reconstruction": "reconstruction", "own": "kerazoo's own"}
# What papers call the price of an image.
COSTS = ("multiply-adds", "multiplications", "connections", "GFLOPs", "operations")


DETECTORS = """
Detectors give boxes. Their multiply-adds are those of the image through the body and,
where there are any, of 300 regions through what follows; their figures are the mean
average precision on PASCAL VOC 2007. None of them was measured here: there are no
weights of ImageNet and no VOC to learn from without a network connection.

| Year | Network | Paper | Input | Parameters | Multiply-adds | VOC 2007 mAP of the paper | Proof |
|---|---|---|---|---:|---:|---:|---|
"""  # noqa: E501 - a row of a table is one line


def page() -> str:
    """The page as Markdown."""
    cards = [find(name) for name in list_models()]
    families: dict[str, list[Card]] = {}
    for card in cards:
        families.setdefault(card.family, []).append(card)
    kinds = [
        [card for card in cards if (card.task == "detection") == detects]
        for detects in (False, True)
    ]
    rows, detectors = (
        "".join(f"| {' | '.join(row(card))} |\n" for card in some)
        for row, some in zip((_row, _detector), kinds, strict=True)
    )
    sections = "\n".join(_section(*family) for family in families.items())
    head = HEAD.format(count=len(cards))
    return f"{head}{rows}{DETECTORS}{detectors}\n{sections}"


def _detector(card: Card) -> list[str]:
    year, name, paper, size, parameters, _, macs, _, proof = _row(card)
    measured = card.published.get("VOC 2007 mAP", "")
    return [year, name, paper, size, parameters, macs, measured, proof]


def _row(card: Card) -> list[str]:
    total = f" ({card.total:,})" if card.total != card.trainable else ""
    said = STATUS.get(card.status, "")
    proof = f"{said}; {card.proof}" if said else card.proof
    return [
        str(card.year),
        f"`{card.name}`",
        f"[{_authors(card)}](#{card.family})",
        "x".join(map(str, card.input_shape)),
        f"{card.trainable:,}{total}",
        card.published.get("parameters", ""),
        f"{card.macs:,}",
        _cost(card),
        proof.removesuffix("; ").replace("|", r"\|"),
    ]


def _authors(card):
    """``LeCun et al.``, or the first words where the source is nobody's paper."""
    names = card.reference.partition(": ")[0].split(", ")
    surnames = [name.split()[-1] for name in names]
    if not surnames[0][0].isupper():
        return names[0]
    return " and ".join(surnames) if len(names) < 3 else f"{surnames[0]} et al."


def _cost(card):
    """The paper's figure, with its unit where that is not the multiply-add."""
    for key, figure in card.published.items():
        if key.startswith(COSTS):
            return figure if key == "multiply-adds" else f"{figure} {key}"
    return ""


def _section(family: str, cards: list[Card]) -> str:
    lines = [f"## {family}", "", _link(cards[0].reference), ""]
    for card in cards:
        results = [
            f"{key} {figure}"
            for key, figure in card.published.items()
            if key != "parameters" and not key.startswith(COSTS)
        ]
        published = f" Published: {'; '.join(results)}." if results else ""
        lines.append(f"- `{card.name}`: {card.summary}{published}")
        lines += [_option(option) for option in card.options.values()]
        if names := [f"`{one.name}`" for one in list_weights(card.name)]:
            lines.append(f"  - Trained weights: {', '.join(names)}.")
    shared = [d for d in cards[0].differences if all(d in c.differences for c in cards)]
    items = [f"- {difference}" for difference in shared]
    for card in cards:
        for difference in card.differences:
            if difference not in shared:
                text = difference.removeprefix(f"`{card.name}`: ")
                items.append(f"- `{card.name}`: {text}")
    items = ["", *map(_link, items)] if items else ["nothing."]
    return "\n".join([*lines, "", "Differs from the paper:", *items, ""])


def _option(option: Option) -> str:
    return (
        f"  - `{option.name}`: {option.doc} {option.choices}; by default "
        f"{option.default!r}."
    )


def _link(text):
    """The text with every arXiv identifier turned into a link."""
    link = r"[arXiv \1](https://arxiv.org/abs/\1)"
    return re.sub(r"arXiv (\d{4}\.\d{4,5})", link, text)


def annotation(kind: Any) -> str:
    """A declaration as a type checker reads it: without the range of a number."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return annotation(inner[0])
    if origin in (types.UnionType, typing.Union):
        return " | ".join(map(annotation, inner))
    if origin is typing.Literal:
        return f"typing.Literal[{', '.join(map(repr, inner))}]"
    if origin is tuple:
        return f"tuple[{', '.join(map(annotation, inner))}]"
    if kind in (None, types.NoneType, Ellipsis):
        return "..." if kind is Ellipsis else "None"
    if kind is Any:
        return "typing.Any"
    where = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return where + kind.__name__


def signature(card: Card) -> str:
    """A builder as a stub has it."""

    def parameter(option: Option) -> str:
        return f"    {option.name}: {annotation(option.kind)} = {option.default!r},\n"

    def line(option: Option) -> str:
        text = f"{option.name}: {option.doc} {option.choices}."
        return textwrap.fill(text, 80, subsequent_indent="    ")

    doc = card.summary
    if card.options:
        own = "\n".join(map(line, card.options.values()))
        doc += f"\n\nArgs:\n{textwrap.indent(own, '    ')}\n"
    doc = textwrap.indent(f'"""{doc}"""', "    ").lstrip()
    parameters = "".join(map(parameter, [*SHARED.values(), *card.options.values()]))
    return f"def {card.name}(\n    *,\n{parameters}) -> keras.Model:\n    {doc}\n"


def ordered() -> list[str]:
    """The names of the networks, numbers in them by size."""
    parts = {name: re.split(r"(\d+)", name) for name in list_models()}
    return sorted(
        parts, key=lambda n: [x.zfill(9) if x.isdigit() else x for x in parts[n]]
    )


def stub() -> str:
    """The content of ``kerazoo/networks.pyi``."""
    head = "# Written by `make models`; do not edit.\nimport os\nimport typing\n"
    head += "\nimport keras\n\n"
    return head + "\n".join(signature(find(name)) for name in ordered())


def public(text: str) -> str:
    """``kerazoo/__init__.pyi`` with the names of all networks."""
    lines = [x for x in text.splitlines() if not x.startswith("from .networks ")]
    place = next(n for n, x in enumerate(lines) if x.startswith("from .proposals "))
    names = [f"from .networks import {x} as {x}" for x in ordered()]
    return "\n".join([*lines[:place], *names, *lines[place:], ""])


API_HEAD = """<!-- Written by `make models`; do not edit. -->

# The interface

The networks stand on [a page of their own](networks.md); `input_shape`, `classes`,
`include_top`, `pooling`, `weights`, `input_tensor`, `classifier_activation` and `name`
mean for all of them what they mean in `keras.applications`.
"""
ROOMS = ("", "data", "training", "tuning", "weights")


def api() -> str:
    """The page of every public name, from the stubs; the networks have their own."""
    lines = [API_HEAD]
    for room in ROOMS:
        package = ".".join(filter(None, ("kerazoo", room)))
        stub = ROOT / package.replace(".", "/") / "__init__.pyi"
        lines += [f"## {package}", ""]
        for node in ast.parse(stub.read_text(encoding="utf-8")).body:
            module = getattr(node, "module", None)
            # The networks have a page, and recipes a guide.
            if module and module not in ("networks", "recipe"):
                names = [alias.name for alias in node.names]  # type: ignore[attr-defined]
                lines += [f"::: {package}.{module}.{name}\n" for name in names]
    return "\n".join(lines)


def files() -> Iterator[tuple[pathlib.Path, str]]:
    """Every file that is written, and its content."""
    yield ROOT / "MODELS.md", page()
    yield ROOT / "kerazoo/networks.pyi", stub()
    yield ROOT / "docs/api.md", api()
    names = ROOT / "kerazoo/__init__.pyi"
    yield names, public(names.read_text(encoding="utf-8"))


if __name__ == "__main__":
    for path, content in files():
        path.write_text(content, encoding="utf-8")
