"""Records of published weights: where they are, and the network that they belong to."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from kerazoo import reader
from kerazoo.reader import Count, Pair, Positive
from kerazoo.weights.download import RemoteFile

# Mean and standard deviation of the pixels, 0..255, that a source divides by.
IMAGENET = {"mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)}
# x / 127.5 - 1, as TensorFlow's Inceptions take it.
HALVES = {"mean": (127.5,) * 3, "std": (127.5,) * 3}
# The authors' Caffe models; the channels are blue, green and red.
CAFFE = {"mean": (103.939, 116.779, 123.68), "std": (1.0,) * 3, "order": "bgr"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What has to be done to pixels in 0..255 before a network sees them.

    Attributes:
        size: Height and width of the network's images.
        mean: Of each channel in their order, taken off.
        std: Of each channel, divided by.
        order: The order of the channels; ``grey`` where there is one.
        resize: ``bilinear`` (stretched), ``pad``, ``crop`` (in proportion) or
            ``center`` (not scaled).
        share: Of a ``crop`` the share of the shorter side that is seen: 0.875 for 224
            pixels cut out of 256.
        interpolation: Of a ``crop``; both are antialiased.
        native: Height and width that images of another size are stretched to before;
            ``None`` where they are not.
    """

    size: Pair
    mean: tuple[float, ...]
    std: tuple[Positive, ...]
    order: Literal["rgb", "bgr", "grey"] = "rgb"
    resize: Literal["bilinear", "pad", "crop", "center"] = "crop"
    share: Positive = 1.0
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    native: Pair | None = None

    def __post_init__(self) -> None:
        """Refuses what cannot be done to an image."""
        reader.validate(self)
        if len(self.mean) not in (1, 3) or len(self.mean) != len(self.std):
            raise ValueError(
                f"mean has {len(self.mean)} numbers and std {len(self.std)}; give one "
                "of each for a grey image, or three."
            )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the network's images."""
        return (*self.size, len(self.mean))

    def __str__(self) -> str:
        height, width = self.size
        how = {"bilinear": "stretched to", "center": "cut or filled up to"}
        text = f"{how.get(self.resize, self.resize + ' to')} {height}x{width}"
        if self.resize == "crop" and self.share < 1:
            text = f"the middle {self.share:g} of the shorter side at {height}x{width}"
        if self.interpolation != "bilinear":
            text += f", {self.interpolation}"
        mean, std = (
            ", ".join(f"{one:g}" for one in dict.fromkeys(values))
            for values in (self.mean, self.std)
        )
        return f"{text}; {self.order.upper()}, minus {mean}, by {std}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Accuracy:
    """What a set of weights is worth, as its source says.

    Attributes:
        top1: The share of right guesses; ``None`` where the source gives top-5 alone.
        top5: The share of images whose class is among the five likeliest.
        size: Height and width of the images.
        share: The share of the shorter side that was seen; ``None`` where the source
            does not say.
    """

    top1: float | None = None
    top5: float | None = None
    size: Count | None = None
    share: float | None = None

    def __str__(self) -> str:
        shares = [self.top1] if self.top5 is None else [self.top1, self.top5]
        text = " / ".join("?" if one is None else f"{100 * one:.2f}" for one in shares)
        text += " %"
        if self.size:
            text += f" at {self.size}"
        return text + (f" (crop {self.share:g})" if self.share else "")


@dataclasses.dataclass(frozen=True, kw_only=True)
class WeightSet:
    """Trained weights of a network, with all that belongs to them.

    Attributes:
        network: The network.
        name: Their name, ``SOURCE/TAG`` or that of the only set of a source.
        data: What they were trained on: ``imagenet``, ``cifar10`` ...
        classes: How many scores they give.
        rules: How the names of the file are read; a key of
            :data:`kerazoo.weights.rules.RULES`, or ``kerazoo``.
        preprocessing: What is done to the images.
        options: The network's options that the weights need.
        file: The file that is downloaded; ``None`` of one that is there.
        path: Of a file that is there, where.
        without_top: Another file, of the network without its classifier.
        accuracy: What the source says of it, on the data's test images.
        licence: The file's licence.
        source: Who published it.
        proof: What holds the conversion against its source.
        note: What else one should know.
        labels: Names of the classes, where they are not those of `data`.
    """

    network: str
    name: str
    data: str
    classes: Count
    rules: str
    preprocessing: Preprocessing
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    file: RemoteFile | None = None
    path: str | None = None
    without_top: RemoteFile | None = None
    accuracy: tuple[Accuracy, ...] = ()
    licence: str = ""
    source: str = ""
    proof: str = ""
    note: str = ""
    labels: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The record as plain data, ready for JSON."""
        return dataclasses.asdict(self)
