"""The weights that come with the package, in ``kerazoo/weights/trained``."""

import dataclasses
import pathlib
from collections.abc import Iterator

from kerazoo.weights.own import read_set
from kerazoo.weights.records import WeightSet

TRAINED = pathlib.Path(__file__).parents[1] / "trained"


def weight_sets() -> Iterator[WeightSet]:
    """What every file says of itself."""
    for path in sorted(TRAINED.glob("*.safetensors")):
        yield dataclasses.replace(
            read_set(path),
            licence="Apache-2.0",
            source="in the package",
            proof="a test loads it and measures its accuracy again",
        )
