"""Networks and recipes: ``list``, ``info``, ``recipes``."""

import json
from typing import Annotated

import typer

import kerazoo
from kerazoo.cli.app import app, console
from kerazoo.cli.options import Json, Network
from kerazoo.errors import counted
from kerazoo.weights import list_weights


@app.command("list")
def list_(
    pattern: Annotated[str, typer.Argument(help="As in '*resnet*'.")] = "*",
    as_json: Json = False,
) -> None:
    """List the networks, oldest first."""
    cards = [kerazoo.find(name) for name in kerazoo.list_models(pattern)]
    if not cards:
        raise ValueError(f"No network is called {pattern!r}; kerazoo list shows all.")
    if as_json:
        print(json.dumps([card.name for card in cards], indent=2))
        return
    from kerazoo.analysis.tables import FittingTable

    table = FittingTable(spare=("what it is", "input", "year"), box=None)
    for column in ("year", "network", "input"):
        table.add_column(column, no_wrap=True)
    for column in ("weights", "multiply-adds"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("what it is", overflow="ellipsis", no_wrap=True, min_width=14)
    for card in cards:
        table.add_row(
            str(card.year),
            card.name,
            "x".join(map(str, card.input_shape)),
            f"{card.total / 1e6:.2f} M",
            f"{card.macs / 1e6:,.1f} M",
            card.summary,
        )
    console.print(table)


@app.command()
def info(
    network: Network,
    as_json: Json = False,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", help="A builder's option, as in groups=2."),
    ] = None,
) -> None:
    """Show a network's card and its ledger: what every layer costs and sees."""
    card = kerazoo.find(network)
    options = card.parse_options(texts_of(option))
    ledger = kerazoo.ledger(kerazoo.create(network, **options))
    if as_json:
        record = {"card": card.to_dict(), "ledger": ledger.to_dict()}
        print(json.dumps(record, indent=2))
        return
    console.print(f"[bold]{card.name}[/bold] ({card.year}): {card.summary}")
    console.print(card.reference, markup=False)
    for name, figure in card.published.items():
        console.print(f"The paper's {name}: {figure}", markup=False)
    if card.status != "paper":
        kind = "network of kerazoo's own" if card.status == "own" else card.status
        console.print(f"[bold]This is a {kind}.[/bold]")
    console.print("Differs from the paper:" if card.differences else "As published.")
    for difference in card.differences:
        console.print(f"- {difference}", markup=False)
    for own in card.options.values():
        default = f"by default {own.default}"
        console.print(
            f"Option {own.name}: {own.doc} {own.choices}; {default}.", markup=False
        )
    if names := [one.name for one in list_weights(network)]:
        console.print(f"Trained weights: {', '.join(names)}", markup=False)
    if card.proof:
        console.print(f"Proof: {card.proof}", markup=False)
    console.print(ledger)


def texts_of(settings: list[str] | None) -> dict[str, str]:
    """``groups=2`` as ``{"groups": "2"}``."""
    texts: dict[str, str] = {}
    for setting in settings or ():
        name, sign, texts[name] = setting.partition("=")
        if not sign:
            raise ValueError(
                f"An option is NAME=VALUE, as in groups=2; {setting!r} has no '='."
            )
    return texts


@app.command()
def recipes(
    network: Annotated[
        str, typer.Argument(help="Those that fit this network; all by default.")
    ] = "*",
    show: Annotated[
        str | None,
        typer.Option(
            help="Print this recipe as JSON, as train --recipe FILE takes it."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the recipes, or show one: how the papers, and how we, train a network."""
    from kerazoo import recipes as catalogue

    if show is not None:
        print(catalogue.find(show).to_json())
        return
    if network != "*":
        kerazoo.find(network)
    found = [catalogue.find(name) for name in catalogue.list_recipes(network)]
    if as_json:
        print(json.dumps([recipe.to_dict() for recipe in found], indent=2))
        return
    from kerazoo.analysis.tables import FittingTable

    spare = ("source", "networks", "length", "kind", "data")
    table = FittingTable(spare=spare, box=None)
    for column in ("recipe", "kind", "data", "length"):
        table.add_column(column, no_wrap=True)
    table.add_column("networks", overflow="ellipsis", no_wrap=True, min_width=10)
    table.add_column("source", overflow="ellipsis", no_wrap=True, min_width=14)
    for recipe in found:
        steps = recipe.steps and counted(recipe.steps, "step")
        table.add_row(
            recipe.name,
            recipe.kind,
            recipe.data,
            steps or counted(recipe.epochs, "epoch"),
            " ".join(recipe.networks),
            recipe.source,
        )
    console.print(table)
