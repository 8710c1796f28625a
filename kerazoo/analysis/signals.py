"""How signals fare on their way through a network: forward, and as gradients back.

Of weights that are too small the outputs of deep layers shrink to nothing, and so do
the gradients; of too large ones they saturate. Glorot & Bengio, "Understanding the
difficulty of training deep feedforward neural networks", AISTATS 2010, drew histograms
by layer and derived Xavier's rule; He et al., ICCV 2015, arXiv 1502.01852, that for
rectifiers.
"""

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any

import keras
import numpy as np
from keras import layers, ops

from kerazoo import reader
from kerazoo.reader import axes
from kerazoo.surgery.graph import Graph
from kerazoo.surgery.join import logits_of

Images = Annotated[np.ndarray, axes("count", "height", "width", "channels")]
KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")
# What may stand between a layer with a kernel and its activation.
BETWEEN = (layers.BatchNormalization,)
ACTIVATIONS = (
    layers.Activation,
    layers.ReLU,
    layers.LeakyReLU,
    layers.PReLU,
    layers.ELU,
    layers.Softmax,
)
BINS = 30


@dataclasses.dataclass(frozen=True, kw_only=True)
class Histogram:
    """How numbers are distributed.

    Attributes:
        edges: Of bins of equal width, ``(bins + 1,)``.
        counts: How many numbers each has, ``(bins,)``.
        mean: Of the numbers.
        deviation: Their standard deviation.
        size: The root of their mean square: how large they are.
        zeros: The share of them that is exactly 0, as behind a ReLU.
    """

    edges: np.ndarray
    counts: np.ndarray
    mean: float
    deviation: float
    size: float
    zeros: float

    @classmethod
    def of(cls, values: Any) -> "Histogram":
        """That of an array of any shape; what is no number is left out."""
        values = ops.convert_to_numpy(ops.cast(values, "float32")).ravel()
        values = values[np.isfinite(values)]
        counts, edges = np.histogram(values, BINS)
        values = values.astype("float64") if values.size else np.zeros(1)
        return cls(
            edges=edges,
            counts=counts,
            mean=float(values.mean()),
            deviation=float(values.std()),
            size=float(np.sqrt(np.square(values).mean())),
            zeros=float((values == 0).mean()),
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class LayerSignal:
    """What a layer with a kernel gives, and how it is told to change.

    Attributes:
        layer: Its name.
        measured: The layer behind which its outputs are taken: its activation, where
            one follows it alone, else itself.
        outputs: What it gives for the images, behind its activation.
        kernel: Its weights.
        gradient: Those of the loss with regard to its kernel; ``None`` where it is
            frozen.
    """

    layer: str
    measured: str
    outputs: Histogram
    kernel: Histogram
    gradient: Histogram | None


@reader.checked
def layer_signals(
    model: keras.Model, images: Any, targets: Any, *, loss: Callable | None = None
) -> tuple[LayerSignal, ...]:
    """What every layer gives for some images, and the gradient that comes back to it.

    As in a training step: batch norms take the mean and variance of these images, and
    dropout drops; but no weight, average or random number of the model moves.

    Args:
        model: A functional or sequential model.
        images: ``(count, height, width, channels)`` as the model takes them, or the
            structure of its inputs.
        targets: Their class ids, ``(count,)``; or what `loss` takes.
        loss: A function of targets and outputs; by default the cross-entropy of a
            model of one output, whose last activation is a softmax or none.

    Returns:
        A record of every layer with a kernel, from the images on.

    Raises:
        ValueError: Where the model has no graph or no kernel, the default loss does
            not fit it, or the backend has no gradients here (PyTorch's).
    """
    model = Graph(model).model
    if loss is None:
        model, loss = _to_logits(model), _crossentropy
        if len(targets) != len(images):
            raise ValueError(
                f"There are {len(images)} images and {len(targets)} targets; give the "
                "class of every image."
            )
    graph = Graph(model)
    measured = {
        layer.name: _measured(graph, layer)
        for layer in graph.model.layers
        if _kernels(layer)
    }
    if not measured:
        raise ValueError(f"{model.name} has no layer with a kernel; give one that has.")
    ends = {name: _output(model.get_layer(end)) for name, end in measured.items()}
    probe = keras.Model(model.input, [model.output, ends])
    outputs, gradients = _through(probe, images, targets, loss)
    return tuple(
        LayerSignal(
            layer=name,
            measured=end,
            outputs=Histogram.of(outputs[name]),
            kernel=Histogram.of(_flat(_kernels(model.get_layer(name)))),
            gradient=_gradient(model.get_layer(name), gradients),
        )
        for name, end in measured.items()
    )


def _to_logits(model):
    """The model, or a copy without its softmax; for one of one output."""
    if not isinstance(model.output, keras.KerasTensor):
        raise ValueError(
            f"{model.name} does not give the scores of classes alone; give a loss, a "
            "function of targets and outputs, that fits it."
        )
    softmax = model.layers[-1].get_config().get("activation") == "softmax"
    return logits_of(model) if softmax else model


def _crossentropy(targets, outputs):
    each = keras.losses.sparse_categorical_crossentropy(
        ops.convert_to_tensor(targets), outputs, from_logits=True
    )
    return ops.mean(each)


def _kernels(layer):
    return [getattr(layer, name) for name in KERNELS if hasattr(layer, name)]


def _flat(kernels):
    return ops.concatenate([ops.reshape(one, [-1]) for one in kernels])


def _gradient(layer, gradients):
    found = [gradients.get(id(one)) for one in _kernels(layer)]
    if any(one is None for one in found):
        return None
    return Histogram.of(_flat(found))


def _output(layer):
    return keras.tree.flatten(layer.output)[0]


def _measured(graph, layer):
    """The activation that follows a layer, where nothing else reads it on the way."""
    if getattr(layer, "activation", None) not in (None, keras.activations.linear):
        return layer.name
    name = layer.name
    while graph.readers[name] == 1:
        behind = [one for one in graph.calls if name in graph.sources(one)]
        if not behind:
            break
        following = graph.model.get_layer(behind[0])
        if isinstance(following, ACTIVATIONS):
            return following.name
        if not isinstance(following, BETWEEN):
            break
        name = following.name
    # Behind a batch norm, where a shortcut is added before the activation.
    return name


def _through(probe, images, targets, loss):
    """What the layers give, and the gradients by the identity of their variable."""
    variables = list(probe.trainable_variables)

    def run(values):
        # Whatever moves in a step moves in the scope alone.
        known = list(zip(variables, values, strict=True))
        with keras.StatelessScope(state_mapping=known, collect_losses=True):
            outputs, ends = probe(images, training=True)
            return loss(targets, outputs), ends

    values = [one.value for one in variables]
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        values = [tf.convert_to_tensor(one) for one in values]
        with tf.GradientTape() as tape:
            tape.watch(values)
            result, ends = run(values)
        found = tape.gradient(result, values)
    elif backend == "jax":
        import jax

        found, ends = jax.grad(run, has_aux=True)(values)
    else:
        raise ValueError(
            f"Gradients are taken by TensorFlow and JAX, and KERAS_BACKEND is "
            f"{backend}; set one of these."
        )
    gradients = {
        id(variable): one
        for variable, one in zip(variables, found, strict=True)
        if one is not None
    }
    return ends, gradients
