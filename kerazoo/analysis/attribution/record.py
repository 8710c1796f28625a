"""What an explanation is."""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Attribution:
    """How much every pixel of an image has to do with a score, by one method.

    Attributes:
        method: The method's name.
        image: The image as it comes to the network, resized and not yet normalised,
            float32 ``(height, width, channels)``.
        map: float32 ``(height, width)``; what speaks against the class is negative,
            where the method knows it.
        class_name: The class whose score is explained; ``None`` for a unit of a layer.
        score: The score that is explained: a logit where the network has logits, or
            the activation of a unit.
        pixels: What every channel of every pixel has to do with it, of the shape of the
            image; ``None`` where the method does not say.
        layer: The layer that was looked at; ``None`` for the whole network.
        unit: Which of its feature maps; ``None`` for all.
        baseline: Of integrated gradients the score of the black image, from which the
            map adds up to the score.
    """

    method: str
    image: np.ndarray
    map: np.ndarray
    class_name: str | None
    score: float
    pixels: np.ndarray | None = None
    layer: str | None = None
    unit: int | None = None
    baseline: float | None = None

    @property
    def peak(self) -> tuple[int, int]:
        """The row and column of the largest value of the map."""
        row, column = np.unravel_index(self.map.argmax(), self.map.shape)
        return int(row), int(column)

    @property
    def completeness(self) -> float | None:
        """What the map adds up to, as a share of what it should; of others ``None``."""
        if self.baseline is None:
            return None
        change = self.score - self.baseline
        return float(self.map.sum(dtype="float64") / change) if change else None

    def to_dict(self) -> dict[str, Any]:
        """What it is without the arrays, ready for JSON."""
        fields = ("method", "class_name", "score", "layer", "unit", "baseline")
        known = {name: getattr(self, name) for name in fields}
        return known | {"size": list(self.map.shape), "peak": list(self.peak)}

    @property
    def words(self) -> str:
        """What it is, as in ``grad_cam of 7 at conv3, score 12.34``."""
        what = self.class_name
        if what is None:
            what = f"unit {self.unit}"
        where = "" if self.layer is None else f" at {self.layer}"
        return f"{self.method} of {what}{where}, score {self.score:.2f}"
