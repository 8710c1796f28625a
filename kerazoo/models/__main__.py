"""``python -m kerazoo.models`` prints ``MODELS.md``: the zoo, from its cards alone."""

import re

from kerazoo.registry import Card, find, list_models

HEAD = """# The networks

<!-- Written by `make models` from the cards in kerazoo/models/; do not edit. -->

{count} networks, oldest first. "The paper's" is the figure as the paper prints it, where
it prints one. Parameters are those trained, and in brackets all, with the moving
statistics of batch norms. Multiply-adds are those of one image of the default size in
convolutions and dense layers of the inference graph. A test holds both, and the size of
every feature map, to the unit; the last column says what else proves a network. Below
the table stands, for every paper, where what is built differs from it.

| Year | Network | Paper | Input | Parameters | the paper's | Multiply-adds | the paper's | Proof |
|---|---|---|---|---:|---:|---:|---:|---|
"""  # noqa: E501 - a row of a table is one line
# What papers call the price of an image.
COSTS = ("multiply-adds", "multiplications", "connections", "GFLOPs", "operations")


def page() -> str:
    """The page as Markdown."""
    cards = [find(name) for name in list_models()]
    families = {}
    for card in cards:
        families.setdefault(card.family, []).append(card)
    rows = "".join(f"| {' | '.join(_row(card))} |\n" for card in cards)
    sections = "\n".join(_section(*family) for family in families.items())
    return f"{HEAD.format(count=len(cards))}{rows}\n{sections}"


def _row(card: Card) -> list[str]:
    total = f" ({card.total:,})" if card.total != card.trainable else ""
    proof = f"reconstruction; {card.proof}" if _reconstructed(card) else card.proof
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


def _reconstructed(card):
    return card.status == "reconstruction"


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
    shared = [d for d in cards[0].differences if all(d in c.differences for c in cards)]
    items = [f"- {difference}" for difference in shared]
    for card in cards:
        for difference in card.differences:
            if difference not in shared:
                text = difference.removeprefix(f"`{card.name}`: ")
                items.append(f"- `{card.name}`: {text}")
    items = ["", *map(_link, items)] if items else ["nothing."]
    return "\n".join([*lines, "", "Differs from the paper:", *items, ""])


def _link(text):
    """The text with every arXiv identifier turned into a link."""
    link = r"[arXiv \1](https://arxiv.org/abs/\1)"
    return re.sub(r"arXiv (\d{4}\.\d{4,5})", link, text)


if __name__ == "__main__":
    print(page(), end="")
