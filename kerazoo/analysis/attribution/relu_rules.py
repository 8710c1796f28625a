"""Backward passes with another rule at the ReLUs: guided, and the deconvnet's."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerazoo import reader
from kerazoo.analysis.attribution.network import Explainable, Image, explainable
from kerazoo.analysis.attribution.record import Attribution
from kerazoo.analysis.gradients import value_and_gradient
from kerazoo.layers import GroupedConv2D
from kerazoo.reader import Whole

# Layers that are another activation than a ReLU.
OTHERS = (layers.ELU, layers.LeakyReLU, layers.PReLU, layers.Softmax)
LINEAR = (None, "linear", "relu")
# Functions in place of layers, by the names of their operations.
FUNCTIONS = {name.replace("_", "") for name in dir(keras.activations)}


@ops.custom_gradient
def guided_relu(x: Any) -> Any:
    """A ReLU that sends back what is positive, to where its input was."""

    def back(*args: Any, upstream: Any = None) -> Any:
        (slope,) = args if upstream is None else (upstream,)
        passed = ops.cast(x > 0, slope.dtype)
        return ops.maximum(slope, 0) * passed

    return ops.maximum(x, 0), back


@ops.custom_gradient
def deconvnet_relu(x: Any) -> Any:
    """A ReLU that sends back what is positive, whatever its input was."""

    def back(*args: Any, upstream: Any = None) -> Any:
        (slope,) = args if upstream is None else (upstream,)
        return ops.maximum(slope, 0)

    return ops.maximum(x, 0), back


@reader.checked
def guided_backpropagation(
    network: keras.Model | Explainable,
    image: Image,
    class_name: str | int | None = None,
    *,
    layer: str | None = None,
    unit: Whole | None = None,
) -> Attribution:
    """The gradient with all that is negative on the way back left out.

    A ReLU sends back the positive part of what comes, to where its own input was
    positive.

    Args:
        network: The network, as :class:`Explainable` takes it; its activations are
            ReLUs.
        image: Raw uint8 pixels, or the image of a network without a resizing.
        class_name: The class or its number; by default that of the highest score.
        layer: In place of a class, the strongest activation of this layer.
        unit: Of this feature map of the layer; by default of all.

    Raises:
        ValueError: Where there is no such class, layer or unit, a class and a layer are
            asked for, or the network has other activations.

    Reference:
        Springenberg et al., "Striving for Simplicity: The All Convolutional Net", ICLR
        2015 workshop, arXiv 1412.6806, Sec. 3.4 and Fig. 1.
    """
    return _backward(
        "guided_backpropagation", guided_relu, network, image, class_name, layer, unit
    )


@reader.checked
def deconvnet(
    network: keras.Model | Explainable,
    image: Image,
    class_name: str | int | None = None,
    *,
    layer: str | None = None,
    unit: Whole | None = None,
) -> Attribution:
    """The deconvnet: an activation projected back to the pixels that caused it.

    Max poolings are undone by their switches, the places where the maxima were; what
    comes down is rectified; convolutions are undone by their transposed kernels. With
    a layer it begins with the layer's strongest activation and zeros elsewhere, as
    published; without one, with the score of a class. Batch norms and local response
    normalisations, of which the paper says nothing, are gone back through by their
    gradient.

    Args:
        network: The network, as :class:`Explainable` takes it; its activations are
            ReLUs.
        image: Raw uint8 pixels, or the image of a network without a resizing.
        class_name: The class or its number; by default that of the highest score.
        layer: In place of a class, the strongest activation of this layer.
        unit: Of this feature map of the layer; by default of all.

    Raises:
        ValueError: Where there is no such class, layer or unit, a class and a layer are
            asked for, or the network has other activations.

    Reference:
        Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", ECCV
        2014, arXiv 1311.2901, Sec. 2.1.
    """
    return _backward(
        "deconvnet", deconvnet_relu, network, image, class_name, layer, unit
    )


def _backward(method, rule, network, image, class_name, layer, unit):
    known = explainable(network)
    if layer is not None and class_name is not None:
        raise ValueError(
            f"{method} begins with a class or with an activation of a layer; leave "
            "class_name or layer out."
        )
    if layer is None and unit is not None:
        raise ValueError("unit is one of the feature maps of a layer; give the layer.")
    resized = known.resized(image)
    model = _with_rule(known, rule, method)
    if layer is None:
        scores = ops.convert_to_numpy(known.scores_of(resized))[0]
        place = known.target(class_name, scores)
        where, name = (0, place), None
    else:
        name, tensor = known.map_of(layer)
        known.check_unit(unit or 0, name, tensor)
        found = keras.tree.flatten(model.get_layer(name).output)[0]
        model = keras.Model(model.input, found)
        where = _strongest(ops.convert_to_numpy(model(resized)), unit)
    score, pixels = value_and_gradient(
        lambda images: model(images, training=False)[where], resized
    )
    if name is not None and method == "deconvnet":
        # It is the activation that goes down, and not a one.
        pixels = pixels * max(score, 0)
    return Attribution(
        method=method,
        image=resized[0],
        map=np.abs(pixels[0]).max(-1),
        pixels=pixels[0],
        class_name=known.names[place] if name is None else None,
        score=score,
        layer=name,
        unit=None if name is None else where[-1],
    )


def _strongest(maps, unit):
    """Where the strongest activation is: (0, row, column, unit)."""
    units = np.arange(maps.shape[-1]) if unit is None else np.array([unit])
    chosen = maps[..., units]
    *place, number = np.unravel_index(chosen.argmax(), chosen.shape)
    return (*map(int, place), int(units[number]))


def _with_rule(known: Explainable, rule: Callable, method: str) -> keras.Model:
    """A copy of the network whose ReLUs go back by another rule."""
    others = sorted(
        {other for one in known.network.operations if (other := _other_activation(one))}
    )
    if others:
        raise ValueError(
            f"{known.name} has activations ({', '.join(others)}) for which {method} "
            "has no rule, as it has for ReLUs; use the method gradient, smooth_grad or "
            "integrated_gradients."
        )

    def clone(layer):
        if isinstance(layer, layers.ReLU):
            return layers.Activation(rule, name=layer.name)
        kind = type(layer)
        if kind is layers.Conv2D and layer.groups > 1:
            # TensorFlow takes a hundred times as long for the gradient of Keras' own.
            kind = GroupedConv2D
        copy = kind.from_config(layer.get_config())
        if _activation(layer) == "relu":
            copy.activation = rule
        return copy

    copy = keras.models.clone_model(known.network, clone_function=clone)
    copy.set_weights(known.network.get_weights())
    return copy


def _activation(layer):
    """The name of a layer's activation; None where it has none."""
    activation = getattr(layer, "activation", None)
    return getattr(activation, "__name__", None)


def _other_activation(layer):
    if not isinstance(layer, keras.Layer):
        function = type(layer).__name__
        return f"keras.ops' {function}" if function.lower() in FUNCTIONS else None
    if isinstance(layer, layers.ReLU) and (
        layer.max_value is not None or layer.negative_slope or layer.threshold
    ):
        return "ReLU with a bound, a slope or a threshold"
    if isinstance(layer, OTHERS):
        return type(layer).__name__.removeprefix("Fused")
    name = _activation(layer)
    return None if name in LINEAR else name
