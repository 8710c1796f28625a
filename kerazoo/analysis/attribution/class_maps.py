"""Class activation maps: what the last feature maps say of a class, and where."""

import keras
import numpy as np
from keras import layers, ops

from kerazoo import reader
from kerazoo.analysis.attribution.network import (
    Explainable,
    Image,
    explainable,
    stretched,
)
from kerazoo.analysis.attribution.record import Attribution
from kerazoo.analysis.gradients import value_and_gradient

# What hands on what it takes.
BETWEEN = (layers.Dropout, layers.Flatten)


@reader.checked
def cam(
    network: keras.Model | Explainable,
    image: Image,
    class_name: str | int | None = None,
) -> Attribution:
    """The class activation map of a network that ends in global average pooling.

    ``M(x, y) = sum_k w_k f_k(x, y)`` with the weights of the class behind the pooling,
    so that the mean of the map and the bias of the class are its logit. In Network in
    Network, whose class scores are themselves the means of maps, it is the class' map.

    Args:
        network: The network, as :class:`Explainable` takes it.
        image: Raw uint8 pixels, or the image of a network without a resizing.
        class_name: The class or its number; by default that of the highest score.

    Raises:
        ValueError: Where the network has another head, or there is no such class.

    Reference:
        Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR
        2016, arXiv 1512.04150, Sec. 2, Eq. 2.
    """
    known = explainable(network)
    layer, kernel = _pooled_map(known)
    name, tensor = known.map_of(layer.name)
    resized = known.resized(image)
    look = keras.Model(known.entry, [tensor, known.scores])
    maps, scores = (ops.convert_to_numpy(one)[0] for one in look(resized))
    place = known.target(class_name, scores)
    grid = maps[..., place] if kernel is None else maps @ kernel[:, place]
    return Attribution(
        method="cam",
        image=resized[0],
        map=stretched(grid, resized.shape[1:3]),
        class_name=known.names[place],
        score=float(scores[place]),
        layer=name,
    )


def _pooled_map(known):
    """The layer whose maps are averaged, and the weights of the classes behind.

    These are ``None`` where the averages are the scores themselves.
    """
    if known.kind != "classes":
        raise ValueError(
            f"{known.name} finds {known.kind} of classes, and cam is published for "
            "networks that name a whole image; use the method grad_cam."
        )
    graph, kernel = known.graph, None

    def before(layer):
        while True:
            layer = graph.model.get_layer(graph.sources(layer.name)[0])
            if not isinstance(layer, BETWEEN):
                return layer

    last = graph.model.get_layer(keras.tree.flatten(graph.outputs)[0])
    if isinstance(last, layers.Dense):
        kernel, last = ops.convert_to_numpy(last.kernel), before(last)
    if not isinstance(last, layers.GlobalAveragePooling2D):
        raise ValueError(
            f"{known.name} does not score classes by global average pooling and one "
            "dense layer, which cam is published for; use the method grad_cam, which "
            "takes every network, or convert the head: build it with "
            "include_top=False, pooling='avg', put a dense layer of the classes behind "
            "and train that."
        )
    return before(last), kernel


@reader.checked
def grad_cam(
    network: keras.Model | Explainable,
    image: Image,
    class_name: str | int | None = None,
    *,
    layer: str | None = None,
) -> Attribution:
    """Grad-CAM: feature maps, each weighted by the mean gradient of a class' score.

    ``L = relu(sum_k a_k A_k)``, where ``a_k`` is the mean over all positions of the
    gradient of the score with respect to the map ``A_k``.

    Args:
        network: The network, as :class:`Explainable` takes it.
        image: Raw uint8 pixels, or the image of a network without a resizing.
        class_name: The class or its number; by default that of the highest score.
        layer: The layer whose maps are looked at, or a stage or block for its last one;
            by default the network's last maps, which are the most abstract ones.

    Raises:
        ValueError: Where there is no such class or layer, or it has no extent in space.

    Reference:
        Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
        Gradient-based Localization", ICCV 2017, arXiv 1610.02391, Sec. 3, Eq. 1 and 2.
    """
    known = explainable(network)
    name, tensor = known.map_of(known.last_map() if layer is None else layer)
    resized = known.resized(image)
    look = keras.Model(known.entry, [tensor, known.scores])
    maps, scores = (ops.convert_to_numpy(one) for one in look(resized))
    place = known.target(class_name, scores[0])
    # The other ways to the scores, if any, go on from the image as it is.
    behind = keras.Model([known.entry, tensor], known.scores)
    given = ops.convert_to_tensor(resized)

    def score(one):
        return behind([given, one], training=False)[0, place]

    _, slope = value_and_gradient(score, maps)
    grid = np.maximum(maps[0] @ slope[0].mean((0, 1)), 0)
    return Attribution(
        method="grad_cam",
        image=resized[0],
        map=stretched(grid, resized.shape[1:3]),
        class_name=known.names[place],
        score=float(scores[0, place]),
        layer=name,
    )
