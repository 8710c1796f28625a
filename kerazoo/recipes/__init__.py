"""Catalogue 2: the recipes, one file each, plain numbers with their reasons."""

import fnmatch
import functools
import importlib
import os
import pathlib

from kerazoo import reader, registry
from kerazoo.errors import unknown
from kerazoo.reader import Name
from kerazoo.recipe import Recipe

KINDS = ("laptop", "modern", "paper", "tuning")


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
def for_network(network: str | None, kind: str = "laptop") -> Recipe:
    """The recipe of a kind that fits a network most closely.

    Args:
        network: The network's name; ``None`` for one that is not of kerazoo.
        kind: ``laptop``, ``modern``, ``paper`` or ``tuning``.

    Raises:
        ValueError: Where no recipe of the kind is for the network.
    """
    if network is not None:
        registry.find(network)
    fitting = {
        name: _fit(recipe, network or "")
        for name, recipe in _catalogue().items()
        if recipe.kind == kind and _fit(recipe, network or "")
    }
    if not fitting:
        raise ValueError(
            f"There is no {kind} recipe for {network or 'a model of your own'}; there "
            f"are {', '.join(list_recipes(network or ''))}."
        )
    return find(max(fitting, key=fitting.__getitem__))


@reader.checked
def choose(
    recipe: Recipe | Name | os.PathLike | None, network: str | None = None
) -> Recipe:
    """The recipe that somebody means.

    Args:
        recipe: A recipe; the name of one, its kind (``laptop``, ``modern``, ``paper``
            or ``tuning``) or a JSON file; ``None`` for ``laptop``.
        network: The network that it is for; ``None`` for one that is not of kerazoo.

    Raises:
        ValueError: For an unknown network or recipe, or a file that holds none.
    """
    if network is not None:
        registry.find(network)
    if isinstance(recipe, Recipe):
        return recipe
    if recipe is None or recipe in KINDS:
        return for_network(network, str(recipe or "laptop"))
    recipe = os.fspath(recipe)
    if not recipe.endswith(".json"):
        return find(recipe)
    return reader.load(Recipe, pathlib.Path(recipe))


def _fit(recipe, network):
    """How closely a recipe names a network: itself, its family, all; or not at all."""
    fits = [p for p in recipe.networks if fnmatch.fnmatchcase(network, p)]
    return max((1 if p == "*" else 3 if p == network else 2 for p in fits), default=0)
