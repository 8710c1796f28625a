"""Objects on images: those that are there, and those that a detector has found."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from kerazoo import display, reader


class Objects(NamedTuple):
    """The objects of an image, or of a batch of them.

    A tuple, for `tf.data` and Keras know how to go through one.

    Attributes:
        boxes: float32 (..., k, 4): x1, y1, x2, y2 in pixels, half-open; in a batch rows
            of -1 where an image has fewer than k objects.
        classes: int32 (..., k): class ids, -1 for none.
        ignored: bool (..., k): objects that are neither learnt nor missed, as the
            difficult ones of PASCAL VOC and the crowds of COCO.
        proposals: float32 (..., n, 4): where objects may be, rows of -1 behind the
            last; an empty tuple where nobody has asked.
    """

    boxes: Any
    classes: Any
    ignored: Any
    proposals: Any = ()

    def on(self, image: int) -> "Objects":
        """Those of one image of a batch, as arrays without padding."""
        boxes, classes, ignored = (np.asarray(one[image]) for one in self[:3])
        there = classes >= 0
        own = Objects(boxes[there], classes[there], ignored[there])
        if not len(self.proposals):
            return own
        found = np.asarray(self.proposals[image])
        return own._replace(proposals=found[found[:, 2] > found[:, 0]])


class Proposals(Protocol):
    """A method that says where on an image objects may be.

    Attributes:
        name: What it is called; another name for whatever gives other boxes.
    """

    name: str

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Boxes float32 (n, 4): x1, y1, x2, y2 in pixels, half-open, the best first.

        Args:
            image: uint8 (height, width, 1 or 3).
        """


def fitted(boxes: np.ndarray, count: int) -> np.ndarray:
    """The first so many boxes; behind the last rows of -1."""
    found = np.full((count, 4), -1, "float32")
    found[: len(boxes)] = boxes[:count]
    return found


@dataclasses.dataclass(frozen=True, eq=False)
class Detections:
    """What a detector has found on an image, by falling score.

    Attributes:
        boxes: float32 (k, 4): x1, y1, x2, y2 in pixels of the image, half-open.
        scores: float32 (k,).
        classes: int32 (k,): class ids.
        names: The names of the classes; empty where nobody has said them.
    """

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuses what are no arrays."""
        reader.validate(self)

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def of_batch(cls, outputs: Any, names: Sequence[str] = ()) -> "list[Detections]":
        """Those of every image, from what a network gives for a batch."""
        boxes, scores, classes = (
            np.asarray(outputs[key]) for key in ("boxes", "scores", "classes")
        )
        return [
            cls(boxes[n][there], scores[n][there], classes[n][there], tuple(names))
            for n, there in enumerate(classes >= 0)
        ]

    @classmethod
    def of_image(cls, outputs: Any, names: Sequence[str] = ()) -> "Detections":
        """Those of one image, from what a network gives for it."""
        batch = {name: np.asarray(one)[None] for name, one in outputs.items()}
        return cls.of_batch(batch, names)[0]

    def above(self, score: float) -> "Detections":
        """Those whose score is larger."""
        kept = self.scores > score
        return dataclasses.replace(
            self,
            boxes=self.boxes[kept],
            scores=self.scores[kept],
            classes=self.classes[kept],
        )

    def label(self, number: int) -> str:
        """The name of the class of a detection, or its id where it has none."""
        known = int(self.classes[number])
        return self.names[known] if self.names else str(known)

    def _repr_html_(self) -> str:
        rows = [
            (
                self.label(n),
                display.percent(float(self.scores[n])),
                ", ".join(f"{side:.0f}" for side in self.boxes[n]),
            )
            for n in range(len(self))
        ]
        return display.table(rows, ("class", "score", "x1, y1, x2, y2"))
