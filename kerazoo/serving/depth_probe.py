"""What the layers of a trained network know: a linear probe of each, by depth.

Alain & Bengio, "Understanding intermediate layers using linear classifier probes", ICLR
2017 workshop, arXiv 1610.01644: a linear classifier is fitted to what a layer gives for
the training images, and measured on test images. Hidden layers that detect better and
better features show as an accuracy that rises with depth.
"""

import dataclasses
import os
from collections.abc import Sequence
from typing import Annotated

import keras
import numpy as np

from kerazoo import data as kerazoo_data
from kerazoo import reader
from kerazoo.data.arrays import DataLike
from kerazoo.data.resizing import channels
from kerazoo.reader import Count, Path, Weights, Whole
from kerazoo.run import Run
from kerazoo.serving.classification import classifier, over_images
from kerazoo.serving.probing import probed
from kerazoo.surgery.features import features as layers_of
from kerazoo.surgery.graph import Graph

Probed = Annotated[
    str | os.PathLike | Run | keras.Model,
    "a network's name, a run or its folder, or a model",
]
# They change nothing that a probe could tell.
UNSEEN = (keras.layers.Dropout, keras.layers.Flatten)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProbePoint:
    """What a linear classifier makes of a layer.

    Attributes:
        layer: Its name.
        depth: Layers with kernels on the longest way to it, itself counted.
        features: How many numbers the classifier sees of an image.
        accuracy: The classifier's on the test images.
    """

    layer: str
    depth: Whole
    features: Count
    accuracy: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class DepthProbe:
    """The accuracy of linear classifiers by the depth of the layer that they see.

    Attributes:
        network: The network's name.
        data: The data set's.
        train: How many images they were fitted to.
        test: How many they were measured on.
        points: Of every layer, from the images on.
        accuracy: Of the network itself on the test images; ``None`` where it names
            other classes.
    """

    network: str
    data: str
    train: Count
    test: Count
    points: tuple[ProbePoint, ...]
    accuracy: float | None


@reader.checked
def probe_layers(
    network: Probed,
    data: DataLike | None = None,
    *,
    weights: Weights | None = None,
    best: bool = False,
    layers: Sequence[str] = (),
    count: Count = 8,
    images: Count = 2000,
    features: Count = 1024,
    data_dir: Path | None = None,
) -> DepthProbe:
    """Fits a linear classifier to what each of some layers gives, and measures it.

    A map is averaged over squares, the smallest of which leave at most `features`
    numbers of an image; one with more channels than that, over all its places.

    Args:
        network: A network's name, with `weights`; a run of a classification or its
            folder; or a model from raw uint8 images to the scores of classes.
        data: A data set as for :func:`kerazoo.data.load`; by default a run's own.
        weights: Of a network: trained weights, a name or a file.
        best: Of a run: whether to take the network of the lowest validation loss.
        layers: Layers by name, or the beginnings of names as in ``stage3``; by default
            some that all others behind them depend on, evenly chosen by their depth.
        count: How many, where `layers` does not say.
        images: How many training images, and test images, evenly chosen, at most.
        features: Numbers of an image that a classifier sees.
        data_dir: Where the data set's files are.

    Raises:
        ValueError: Where there is no such network, run, layer, or no data of classes.
    """
    model, names, run = _served(network, weights, best)
    validation, seed = 0.0, 1
    if run is not None:
        config, recipe = run.config, run.recipe
        validation, seed = recipe.validation, recipe.seed
        if data is None:
            data, data_dir = config.data, data_dir or config.data_dir
    if data is None:
        raise ValueError(
            f"{model.name} is no run, which knows its data; give some, as in "
            "data='digits' (--data)."
        )
    known = kerazoo_data.load(data, data_dir=data_dir, validation=validation, seed=seed)
    if known.task != "classification" or known.test is None:
        raise ValueError(f"{known.name} has no training and test images of classes.")
    chosen = _named(model, layers) if layers else _chosen(model, count)
    body, sizes = _body(model, [layer for layer, _ in chosen], features)
    some = [_some(part, images) for part in (known.train, known.test)]
    channel_count = model.inputs[0].shape[-1]

    def compute(batch):
        outputs = body.predict_on_batch(np.asarray(channels(batch, channel_count)))
        return np.concatenate([np.asarray(one, "float32") for one in outputs], -1)

    (train, train_labels), (test, test_labels) = (
        over_images(compute, part) for part in some
    )
    ends = np.cumsum(sizes)
    points, start = [], 0
    for (layer, depth), end in zip(chosen, ends, strict=True):
        seen = slice(start, end)
        points.append(
            ProbePoint(
                layer=layer.name,
                depth=depth,
                features=int(end - start),
                accuracy=probed(
                    train[:, seen], train_labels, test[:, seen], test_labels
                ),
            )
        )
        start = end
    scores = test[:, ends[-1] :]
    same = names == known.classes
    # Of a model that has no names the scores are those of the classes.
    same |= names is None and scores.shape[1] == len(known.classes)
    return DepthProbe(
        network=model.name,
        data=known.name,
        train=len(train),
        test=len(test),
        points=tuple(points),
        accuracy=float((scores.argmax(-1) == test_labels).mean()) if same else None,
    )


def _served(network, weights, best):
    """A model of raw images, its class names where known, the run if it is one's."""
    if not isinstance(network, keras.Model):
        made = classifier(network, weights=weights, best=best)
        run = network if isinstance(network, Run) else None
        if run is None and weights is None:
            run = Run(network)
        return made.model, made.names, run
    if weights is not None or best:
        raise ValueError(
            f"{network.name} is a model, which has weights of its own; leave weights "
            "and best out."
        )
    shape = tuple(getattr(network.output, "shape", ()))
    if len(shape) != 2:
        raise ValueError(
            f"{network.name} does not give the scores of classes alone, but outputs of "
            f"shape {shape}; give a model from images to a row of scores."
        )
    return network, None, None


def _depths(graph):
    """Of every layer, the layers with kernels on the longest way to it."""
    depths: dict[str, int] = {}
    for layer in graph.model.layers:
        before = [depths.get(one, 0) for one in graph.sources(layer.name)]
        depths[layer.name] = max(before, default=0) + bool(_has_kernel(layer))
    return depths


def _has_kernel(layer):
    return hasattr(layer, "kernel") or hasattr(layer, "depthwise_kernel")


def _chosen(model, count):
    """Layers that all paths pass, with depths: of each the last, evenly chosen."""
    graph = Graph(model)
    if not graph.flat:
        raise ValueError(
            f"{model.name} is not a flat functional model, whose layers have a depth; "
            "name the layers."
        )
    depths = _depths(graph)
    last: dict[int, keras.Layer] = {}
    for layer in graph.passed:
        known = layer.output if isinstance(layer.output, keras.KerasTensor) else None
        if known is None or None in known.shape[1:] or isinstance(layer, UNSEEN):
            continue
        if len(known.shape) in (2, 4):
            last[depths[layer.name]] = layer
    # The scores themselves are what the network says, not what it has seen.
    last.pop(max(last))
    every = list(last.items())
    places = np.unique(np.linspace(0, len(every) - 1, count).round().astype(int))
    return [(every[place][1], every[place][0]) for place in places]


def _named(model, names):
    depths = _depths(Graph(model))
    found = []
    for name in names:
        (tensor,) = layers_of(model, name).output.values()
        layer = next(one for one in model.layers if _first(one) is tensor)
        found.append((layer, depths[layer.name]))
    return found


def _first(layer):
    return keras.tree.flatten(layer.output)[0]


def _body(model, layers, most):
    """From raw images to a row of numbers of every layer, and the scores; the sizes."""
    outputs = []
    for layer in layers:
        x = _first(layer)
        if len(x.shape) == 4:
            square = _square(x.shape[1:], most)
            x = keras.layers.AveragePooling2D(
                square, padding="same", dtype="float32", name=f"{layer.name}_squares"
            )(x)
        if len(x.shape) != 2:
            x = keras.layers.Flatten(dtype="float32", name=f"{layer.name}_row")(x)
        outputs.append(x)
    body = keras.Model(model.input, [*outputs, model.output], name=model.name)
    return body, [x.shape[-1] for x in outputs]


def _square(shape, most):
    """The smallest side of squares of a map that leave no more numbers than wanted."""
    height, width, count = shape
    for side in range(1, max(height, width)):
        if -(-height // side) * -(-width // side) * count <= most:
            return side
    return max(height, width)


def _some(split, count):
    if split.size <= count:
        return split
    return split.subset(np.linspace(0, split.size - 1, count).round().astype(int))
