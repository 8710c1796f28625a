"""The catalogue of trained weights, by network and name; read without Keras."""

import functools
import importlib
import pathlib
from collections.abc import Mapping

from kerazoo import reader, registry
from kerazoo.errors import unknown
from kerazoo.reader import Name, NetworkName
from kerazoo.weights.records import WeightSet

SOURCES = pathlib.Path(__file__).with_name("sources")
# The sets that stand for their data, the best-proven first: those that are in the
# package; Keras', which every test of the conversion runs against; then those whose
# real files were run; then the widest sources.
PREFERRED = (
    "kerazoo/",
    "keras",
    "akamaster/",
    "torchvision/",
    "timm/a1h_in1k",
    "timm/tf_in1k",
    "pytorchcv",
    "",
)


@functools.cache
def _catalogue() -> Mapping[str, Mapping[str, WeightSet]]:
    """Every set, by network and by name."""
    found: dict[str, dict[str, WeightSet]] = {}
    for path in sorted(SOURCES.glob("[!_]*.py")):
        module = importlib.import_module(f"kerazoo.weights.sources.{path.stem}")
        for one in getattr(module, "weight_sets", tuple)():
            sets = found.setdefault(one.network, {})
            if one.name in sets:
                raise ValueError(f"{one.network} has two sets called {one.name}.")
            sets[one.name] = one
    return found


@reader.checked
def list_weights(network: NetworkName | None = None) -> list[WeightSet]:
    """The trained weights that are known.

    Args:
        network: Of this network; of all by default.

    Returns:
        The sets, the best-proven of each network first.

    Raises:
        ValueError: For an unknown network.
    """
    if network is not None:
        registry.find(network)
        return sorted(_catalogue().get(network, {}).values(), key=_place)
    return [one for name in registry.list_models() for one in list_weights(name)]


def _place(one):
    return next(n for n, start in enumerate(PREFERRED) if one.name.startswith(start))


@reader.checked
def find_weights(network: NetworkName, name: Name) -> WeightSet:
    """The set of weights of a name.

    Args:
        network: The network.
        name: The set's name, as ``timm/a1_in1k``; or what it was trained on, as
            ``imagenet`` or ``mnist``, for the best-proven set.

    Raises:
        ValueError: For an unknown network, or a set that it has not; the message has
            the nearest names.
    """
    sets = list_weights(network)
    for one in sets:
        if name in (one.name, one.data):
            return one
    if not sets:
        raise ValueError(
            f"weights is {name!r}, but no trained weights of {network} are known; give "
            "the path of a file, or train it (kerazoo train)."
        )
    raise unknown(
        f"weights of {network}",
        name,
        {part for one in sets for part in (one.name, one.data)},
    )
