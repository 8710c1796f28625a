"""Catalogue 2: the recipes, one file each, plain numbers with their reasons."""

import fnmatch
import functools
import importlib
import pathlib

from kerazoo import reader, registry
from kerazoo.errors import unknown
from kerazoo.reader import Name
from kerazoo.recipe import Recipe

KINDS = ("laptop", "modern", "paper")


@functools.cache
def _catalogue() -> dict[str, Recipe]:
    names = sorted(p.stem for p in pathlib.Path(__file__).parent.glob("[!_]*.py"))
    return {n: importlib.import_module(f"{__name__}.{n}").RECIPE for n in names}


@reader.checked
def list_recipes(network: str = "*") -> list[str]:
    """The names of the recipes, or of those for a network.

    Args:
        network: A network's name; ``*`` for all recipes.
    """
    return [
        name
        for name, recipe in _catalogue().items()
        if network == "*" or _fit(recipe, network)
    ]


@reader.checked
def find(name: str) -> Recipe:
    """The recipe of a name.

    Raises:
        ValueError: For an unknown name, with the nearest.
    """
    if name not in _catalogue():
        raise unknown("recipe", name, _catalogue())
    return _catalogue()[name]


@reader.checked
def for_network(network: str, kind: str = "laptop") -> Recipe:
    """The recipe of a kind that fits a network most closely.

    Args:
        network: The network's name.
        kind: ``laptop``, ``modern`` or ``paper``.

    Raises:
        ValueError: Where no recipe of the kind is for the network.
    """
    registry.find(network)
    fitting = {
        name: _fit(recipe, network)
        for name, recipe in _catalogue().items()
        if recipe.kind == kind and _fit(recipe, network)
    }
    if not fitting:
        raise ValueError(
            f"There is no {kind} recipe for {network}; there are "
            f"{', '.join(list_recipes(network))}."
        )
    return find(max(fitting, key=fitting.__getitem__))


@reader.checked
def choose(recipe: Recipe | Name | None, network: str) -> Recipe:
    """The recipe that somebody means.

    Args:
        recipe: A recipe; the name of one, its kind (``laptop``, ``modern`` or
            ``paper``) or a JSON file; ``None`` for ``laptop``.
        network: The network that it is for.

    Raises:
        ValueError: For an unknown network or recipe, or a file that holds none.
    """
    registry.find(network)
    if isinstance(recipe, Recipe):
        return recipe
    if recipe is None or recipe in KINDS:
        return for_network(network, recipe or "laptop")
    if not recipe.endswith(".json"):
        return find(recipe)
    return reader.load(Recipe, pathlib.Path(recipe))


def _fit(recipe, network):
    """How closely a recipe names a network: itself, its family, all; or not at all."""
    fits = [p for p in recipe.networks if fnmatch.fnmatchcase(network, p)]
    return max((1 if p == "*" else 3 if p == network else 2 for p in fits), default=0)
