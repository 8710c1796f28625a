"""The list of augmentations: what each is called, takes and does.

An augmentation is a function of a batch and of uniform random numbers, a row for each
example, that depend on (seed, epoch, example) alone: the same bits come out whatever
the parallelism and wherever an epoch is entered. Images stay uint8 unless a summary
says otherwise; what moves in from outside an image is black.
"""

import dataclasses
import inspect
import math
from collections.abc import Callable
from typing import Any

REGISTRY: dict[str, "Augmentation"] = {}


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """What is known of one augmentation.

    Attributes:
        name: What recipes call it.
        summary: One line for people.
        kind: What the function takes and gives. "pixels": images and draws, images in
            which nothing has moved; "pair": images, masks or None, and draws, images
            and masks; "move": size and draws, rows and columns to pick; "warp": draws,
            matrices (n, 3, 3); "crop": sides of one image, size to come, draws (two
            less than are taken, which place the box), sides of a box; "mix": images,
            one-hot labels and draws, images and labels.
        function: Does it.
        draws: How many random numbers an example takes.
        defaults: Values by name, which a recipe may give after colons.
        limits: Smallest and largest value that is allowed.
    """

    name: str
    summary: str
    kind: str
    function: Callable
    draws: int
    defaults: dict
    limits: tuple


@dataclasses.dataclass(frozen=True)
class Step:
    """An augmentation with its values."""

    augmentation: Augmentation
    values: tuple

    @property
    def kind(self) -> str:
        return self.augmentation.kind

    def __call__(self, *arguments: Any) -> Any:
        return self.augmentation.function(*arguments, *self.values)


def augmentation(
    kind: str, *, draws: int, limits: tuple[float, float] = (0, math.inf)
) -> Callable[[Callable], Callable]:
    """Registers a function under its name; its docstring begins with the summary."""

    def register(function):
        defaults = {
            parameter.name: parameter.default
            for parameter in inspect.signature(function).parameters.values()
            if parameter.default is not parameter.empty
        }
        summary = (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " ")
        name = function.__name__
        REGISTRY[name] = Augmentation(
            name, summary, kind, function, draws, defaults, limits
        )
        return function

    return register
