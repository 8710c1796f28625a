"""A network made ready to be explained: from resized images to scores of classes."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import keras
import numpy as np
from keras import layers, ops

from kerazoo import reader
from kerazoo.errors import counted, unknown
from kerazoo.layers import (
    GlobalContrastNormalization,
    NonMaxSuppression,
    RegionBoxes,
    YOLOBoxes,
    ZCAWhitening,
)
from kerazoo.reader import axes
from kerazoo.surgery.features import find_layer
from kerazoo.surgery.for_inference import image_entry, in_float32, logits_before
from kerazoo.surgery.graph import Graph, is_graph
from kerazoo.surgery.open_models import opened_with_weights

Image = Annotated[np.ndarray, axes("height", "width", "channels")]
Kind = Literal["classes", "pixels", "boxes"]
# What detects nothing: normalizations of the image, and paddings.
NO_DETECTOR = (
    GlobalContrastNormalization,
    ZCAWhitening,
    layers.Normalization,
    layers.Rescaling,
    layers.ZeroPadding2D,
)
# What no map is taken from; of poolings the layer before says the same, more finely.
NO_MAPS = (
    *NO_DETECTOR,
    keras.Model,
    layers.AveragePooling2D,
    layers.Dropout,
    layers.InputLayer,
    layers.MaxPooling2D,
    layers.SpatialDropout2D,
)
# The layer that averages the logits of pixels.
MEAN = "mean_logits"


class Explainable:
    """A network from resized images to one score for each class.

    What is explained is the logit of a class, not its probability, which the other
    classes change too; of a network for segmentation the mean of the logits over all
    pixels; of a detector the highest score that any box has before the best are chosen,
    which is the logit above the background's where there are logits.

    Args:
        model: A network as a builder makes it, a served one, or any functional or
            sequential model that takes one batch of images. Models inside it are
            opened, and their layers known by their own names.
        names: Class names; by default numbers.

    Attributes:
        names: The same.
        kind: Whether it names ``classes``, ``pixels`` or ``boxes``.
        entry: The symbolic tensor of the resized images.
        scores: That of the scores, ``(batch, classes)``.
        network: The ``keras.Model`` from the one to the other.

    Raises:
        ValueError: Where the model takes other than images, or gives no scores.
    """

    @reader.checked
    def __init__(self, model: keras.Model, names: Sequence[str] = ()) -> None:
        self.name = model.name
        # A model without a graph is refused here.
        graph = Graph(model)
        if len(keras.tree.flatten(model.inputs)) > 1:
            raise ValueError(
                f"{model.name} takes {', '.join(one.name for one in model.inputs)}, "
                "and explanations are of images alone; give a detector that finds its "
                "own regions, such as yolo or faster_rcnn."
            )
        model = Graph(in_float32(graph.model)).model
        if any(map(_hides_layers, model.layers)):
            model = opened_with_weights(model, _hides_layers)
        self._raw = image_entry(model)
        self.entry = _resized(model)
        self.kind, self.scores = _scores(model)
        if self.kind == "boxes":
            # Behind an unnamed resizing there is no image of its own.
            self.check_size()
        if len(self.scores.shape) != 2 or self.scores.shape[-1] is None:
            raise ValueError(
                f"{model.name} gives {tuple(self.scores.shape)} for a batch of images, "
                "which is no score for each class; give a network with its top."
            )
        self.network = keras.Model(self.entry, self.scores, name=model.name)
        self.names = tuple(names) or tuple(map(str, range(self.scores.shape[-1])))
        if len(self.names) != self.scores.shape[-1]:
            raise ValueError(
                f"There are {len(self.names)} names and {self.scores.shape[-1]} "
                "classes; give a name for each."
            )
        self._resizing = None
        if self.entry is not self._raw:
            self._resizing = keras.Model(self._raw, self.entry)
        self.graph = Graph(self.network)

    @property
    def channels(self) -> int:
        """How many channels an image has."""
        return self._raw.shape[-1]

    def resized(self, image: np.ndarray) -> np.ndarray:
        """An image as it comes to the network, float32 (1, height, width, channels).

        Args:
            image: Raw and of any size where the network resizes, else of its size.

        Raises:
            ValueError: Where it has another size or other channels.
        """
        wanted = tuple(self._raw.shape[1:])
        pairs = zip(wanted, image.shape, strict=True)
        if any(side is not None and side != have for side, have in pairs):
            shape = ", ".join("any" if side is None else str(side) for side in wanted)
            raise ValueError(
                f"image is of shape {image.shape}; {self.name} takes ({shape})."
            )
        if self._resizing is None:
            return image[None].astype("float32")
        if image.dtype != np.uint8:
            raise ValueError(
                f"image is {image.dtype}; {self.name} takes raw images, uint8 in "
                "0..255."
            )
        found = self._resizing(ops.convert_to_tensor(image[None]), training=False)
        return ops.convert_to_numpy(found)

    def scores_of(self, batch: Any) -> Any:
        """The scores of resized images, (batch, classes)."""
        return self.network(batch, training=False)

    def target(self, class_name: str | int | None, scores: np.ndarray) -> int:
        """The number of the class that is meant.

        Args:
            class_name: Its name or number; ``None`` for that of the highest score.
            scores: The scores of the image, (classes,).

        Raises:
            ValueError: Where there is no such class.
        """
        return int(scores.argmax()) if class_name is None else self.number(class_name)

    def number(self, class_name: str | int) -> int:
        """The number of a class.

        Args:
            class_name: Its name or number.

        Raises:
            ValueError: Where there is no such class.
        """
        if class_name in self.names:
            return self.names.index(str(class_name))
        text = str(class_name)
        if not text.lstrip("-").isdecimal():
            raise unknown("class_name", class_name, self.names)
        if not 0 <= int(text) < len(self.names):
            raise ValueError(
                f"class_name is {class_name}; {self.name} has "
                f"{counted(len(self.names), 'class', 'classes')}, counted from 0 to "
                f"{len(self.names) - 1:,}."
            )
        return int(text)

    def map_of(self, layer: str) -> tuple[str, Any]:
        """The name and the feature map of a layer on the way to the scores.

        Args:
            layer: The layer's name, or that of a stage or block for its last layer.

        Raises:
            ValueError: Where there is none, or it has no extent in space.
        """
        found = find_layer(self.network, layer)
        calls = len(self.graph.calls[found.name])
        if calls > 1:
            raise ValueError(
                f"{self.name} uses its layer {found.name} {calls} times, so that it "
                "has no one feature map; give a layer that is used once."
            )
        tensor = keras.tree.flatten(found.output)[0]
        if not _has_extent(tensor):
            hint = self.last_map()
            raise ValueError(
                f"layer {found.name} has no extent in space, but the shape "
                f"{tuple(tensor.shape[1:])}; give a layer with feature maps, such as "
                f"{hint}."
            )
        return found.name, tensor

    def check_unit(self, unit: int, name: str, tensor: Any) -> None:
        """Holds a unit against the feature maps of a layer.

        Args:
            unit: The number of a feature map.
            name: The layer's name.
            tensor: Its feature maps.

        Raises:
            ValueError: Where there are fewer.
        """
        if unit >= tensor.shape[-1]:
            raise ValueError(
                f"unit is {unit}; {name} has {tensor.shape[-1]} feature maps, which "
                f"are counted from 0 to {tensor.shape[-1] - 1}."
            )

    def check_size(self) -> None:
        """Holds that it is built for images of one size.

        Raises:
            ValueError: Where it is not.
        """
        if None in self.entry.shape[1:]:
            raise ValueError(
                f"{self.name} takes images of any size; give one that is built for a "
                "size."
            )

    @property
    def value_range(self) -> tuple[float, float]:
        """The values of images as they come to the network.

        Where it does not say what is done to raw images they are about normalised.
        """
        raw = self._resizing is not None or any(
            layer.name.startswith("normalize") for layer in self.network.layers
        )
        return (0.0, 255.0) if raw or self.kind == "boxes" else (-2.0, 2.0)

    def last_map(self) -> str:
        """The layer that is looked at by default.

        It is the last with an extent in space through which every path to the scores
        runs, poolings left out: of most networks the last convolution. Where every
        pixel has a class, it is the last of those with the fewest positions.

        Raises:
            ValueError: Where no layer has an extent in space.
        """
        graph, passed = self.graph, {one.name for one in self.graph.passed}
        # They are the scores of positions already.
        ends = {
            name
            for one in graph.model.layers
            if isinstance(one, YOLOBoxes) or one.name == MEAN
            for name in graph.sources(one.name)
        }
        maps = {
            one.name: tensor
            for one in graph.model.layers
            if not isinstance(one, NO_MAPS)
            and one.name not in ends
            and len(graph.calls[one.name]) == 1
            and (self.kind == "pixels" or one.name in passed)
            and _has_extent(tensor := keras.tree.flatten(one.output)[0])
        }
        if not maps:
            raise ValueError(
                f"{self.name} has no layer with feature maps; use the method gradient, "
                "integrated_gradients or occlusion, which need none."
            )
        names = list(maps)
        if self.kind == "pixels":
            self.check_size()
            fewest = min(map(_area, maps.values()))
            names = [name for name in names if _area(maps[name]) == fewest]
            # What the finer maps behind come from; branches of them are as coarse.
            joints = [name for name in names if graph.readers[name] > 1]
            names = [name for name in names if name in passed] or joints or names
        return names[-1]


def explainable(
    network: keras.Model | Explainable, names: Sequence[str] = ()
) -> Explainable:
    """A network made ready to be explained, where it is not yet."""
    if isinstance(network, Explainable):
        return network
    return Explainable(network, names)


def stretched(grid: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map (rows, columns) at the size of an image, bilinear, float32."""
    wide = ops.image.resize(
        ops.convert_to_tensor(grid[..., None], "float32"), size, "bilinear"
    )
    return ops.convert_to_numpy(wide)[..., 0]


def _resized(model):
    """Where the resizing in front of a served network ends; else its input."""
    found = [
        layer.output
        for layer in model.layers
        if layer.name.rpartition("_")[2] == "resized"
    ]
    if len(found) > 1:
        raise ValueError(
            f"{model.name} resizes images to {len(found)} sizes, so that it has no one "
            "image to explain; give one of its members."
        )
    return found[0] if found else image_entry(model)


def _scores(model):
    """Of what kind the scores are, and their tensor."""
    ends, outputs = Graph(model).outputs, model.output
    if isinstance(outputs, dict):
        if "boxes" in outputs:
            return "boxes", _best_boxes(model)
        main = "predictions" if "predictions" in outputs else next(iter(outputs))
        ends, outputs = ends[main], outputs[main]
    last = model.get_layer(keras.tree.flatten(ends)[0])
    logits = logits_before(last, "sigmoid")
    if logits is None:
        logits = logits_before(last)
    scores = keras.tree.flatten(outputs)[0] if logits is None else logits
    if len(scores.shape) == 4:
        pool = layers.GlobalAveragePooling2D(dtype="float32", name=MEAN)
        return "pixels", pool(scores)
    return "classes", scores


def _best_boxes(model):
    """For every class the highest score of any box."""
    ends = [one for one in model.layers if isinstance(one, NonMaxSuppression)]
    if len(ends) != 1:
        raise ValueError(
            f"{model.name} does not itself choose the best of its boxes; give the "
            "detector as a run or its builder gives it."
        )
    _, scores = ends[0].input
    for layer in model.layers:
        if isinstance(layer, RegionBoxes):
            # How far above the background, which comes first.
            logits = layer.input[1]
            scores = logits[..., 1:] - logits[..., :1]
    return layers.GlobalMaxPooling1D(dtype="float32", name="best_boxes")(scores)


def _area(tensor):
    return tensor.shape[1] * tensor.shape[2]


def _has_extent(tensor):
    """Whether a tensor has positions in space, more than one."""
    return len(tensor.shape) == 4 and tuple(tensor.shape[1:3]) != (1, 1)


def _hides_layers(layer):
    """Whether a layer is a model of layers with weights, unlike a resizing."""
    return is_graph(layer) and bool(layer.weights)
