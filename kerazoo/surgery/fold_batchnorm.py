"""Batch norms folded into the convolutions before them, for inference."""

import keras
import numpy as np
from keras import layers

from kerazoo import reader
from kerazoo.layers import GroupedConv2D, TableConv2D
from kerazoo.surgery.graph import Graph, is_graph

# Linear in the kernel, with a bias for every output channel. A class derived from one
# of these may do something else to its kernel.
LINEAR = (
    layers.Conv1D,
    layers.Conv2D,
    layers.Conv3D,
    layers.Conv1DTranspose,
    layers.Conv2DTranspose,
    layers.Conv3DTranspose,
    layers.Dense,
    layers.DepthwiseConv1D,
    layers.DepthwiseConv2D,
    layers.SeparableConv1D,
    layers.SeparableConv2D,
    GroupedConv2D,
    TableConv2D,
)
TRANSPOSED = LINEAR[3:6]
DEPTHWISE = LINEAR[7:9]
# What may stand between the two: at inference it changes no value that it lets through.
BETWEEN = (
    layers.Cropping1D,
    layers.Cropping2D,
    layers.Cropping3D,
    layers.Dropout,
    layers.Identity,
    layers.SpatialDropout1D,
    layers.SpatialDropout2D,
    layers.SpatialDropout3D,
)


@reader.checked
def fold_batchnorm(model: keras.Model) -> keras.Model:
    """The same network for inference, in which convolutions do their batch norm's work.

    ``gamma * (w * x - mean) / sqrt(variance + epsilon) + beta`` is a convolution with
    the kernel ``gamma / sqrt(variance + epsilon) * w`` and a bias. Plain, grouped,
    dilated, depthwise, separable, transposed and table convolutions and dense layers
    take in the batch norm that alone reads them, across dropout and cropping; every
    other batch norm stays as it is, and :func:`unfolded_batchnorms` says why.

    Args:
        model: A functional or sequential model, with trained moving statistics; models
            inside it are folded too.

    Returns:
        A new functional ``keras.Model`` with copies of the weights, not compiled. Its
        layers keep their names and classes; batch norms that were folded are gone. Its
        outputs at inference are those of the model, up to rounding (1e-5 of the largest
        in float32). It is not for training: its statistics no longer move.

    Raises:
        ValueError: Where the model is neither functional nor sequential.

    Reference:
        Jacob et al., "Quantization and Training of Neural Networks for Efficient
        Integer-Arithmetic-Only Inference", CVPR 2018, arXiv 1712.05877, sec. 3.2.
    """
    graph = Graph(model)
    model, (sources, _) = graph.model, _verdicts(graph)
    targets = {source: norm for norm, source in sources.items()}

    def clone(layer):
        if is_graph(layer):
            return fold_batchnorm(layer)
        config = layer.get_config()
        if layer.name in targets and "use_bias" in config:
            config["use_bias"] = True
        return type(layer).from_config(config)

    def call(layer, *args, **kwargs):
        return args[0] if layer.name in sources else layer(*args, **kwargs)

    # Left to itself, Keras calls the new inputs after tensors, not after layers.
    names = {id(layer.output): layer.name for layer in model.layers}
    inputs = keras.tree.map_structure(
        lambda t: keras.Input(batch_shape=t.shape, dtype=t.dtype, name=names[id(t)]),
        model.input,
    )
    folded = keras.models.clone_model(
        model, input_tensors=inputs, clone_function=clone, call_function=call
    )
    for layer in folded.layers:
        old = model.get_layer(layer.name)
        if layer.name in targets:
            norm = model.get_layer(targets[layer.name])
            layer.set_weights(_merged(old, norm))
        elif not is_graph(layer):
            layer.set_weights(old.get_weights())
    return folded


@reader.checked
def unfolded_batchnorms(model: keras.Model) -> dict[str, str]:
    """The batch norms that :func:`fold_batchnorm` leaves, each with the reason.

    Args:
        model: A functional or sequential model, folded already or not.

    Returns:
        Reasons by the name of the batch norm, in the order of the graph; the name of a
        model inside the model stands before a slash.

    Raises:
        ValueError: Where the model is neither functional nor sequential.
    """
    graph = Graph(model)
    model, (_, reasons) = graph.model, _verdicts(graph)
    for layer in model.layers:
        if is_graph(layer):
            inner = unfolded_batchnorms(layer).items()
            reasons |= {f"{layer.name}/{name}": reason for name, reason in inner}
    return reasons


def _verdicts(graph):
    """``{batch norm: layer to fold it into}`` and ``{batch norm left: reason}``."""
    model, calls = graph.model, graph.calls

    def alone(name):
        return len(calls[name]) == 1 and graph.readers[name] == 1

    sources, reasons = {}, {}
    for norm in model.layers:
        if not isinstance(norm, layers.BatchNormalization):
            continue
        (name, *_) = graph.sources(norm.name)
        while alone(name) and isinstance(model.get_layer(name), BETWEEN):
            (name, *_) = graph.sources(name)
        if len(calls[norm.name]) > 1:
            reasons[norm.name] = "it is called more than once"
        elif reason := _refusal(model.get_layer(name), norm):
            reasons[norm.name] = reason
        elif not alone(name):
            reasons[norm.name] = f"{name} has other readers"
        else:
            sources[norm.name] = name
    return sources, reasons


def _refusal(layer, norm):
    """Why a batch norm does not fold into the layer before it, or ``None``."""
    if type(layer) not in LINEAR:
        return f"it follows {layer.name}, which is no convolution"
    if getattr(layer, "activation", None) is not keras.activations.linear:
        return f"{layer.name} has an activation of its own"
    rank = len(layer.output.shape)
    first = getattr(layer, "data_format", None) == "channels_first"
    if norm.axis % rank != (1 if first else rank - 1):
        return "it is not over the channels"
    return None


def _merged(layer, norm):
    """Weights of a layer that computes what the layer and its batch norm did."""
    values = {
        variable.name: value.astype("float64")
        for variable, value in zip(norm.weights, norm.get_weights(), strict=True)
    }
    scale = values.get("gamma", 1) / np.sqrt(values["moving_variance"] + norm.epsilon)
    *others, kernel = layer.get_weights()
    bias = 0
    if getattr(layer, "use_bias", True):
        bias = kernel
        *others, kernel = others
    bias = values.get("beta", 0) + (bias - values["moving_mean"]) * scale
    if isinstance(layer, TableConv2D):
        kernel = kernel * np.repeat(scale, [len(row) for row in layer.table])
    elif isinstance(layer, TRANSPOSED):
        kernel = kernel * scale[:, None]
    elif isinstance(layer, DEPTHWISE):
        kernel = kernel * scale.reshape(kernel.shape[-2:])
    else:
        kernel = kernel * scale
    return [*others, kernel, bias]
