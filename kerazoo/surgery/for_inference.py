"""A trained network as other programs want it: what inference needs, and no more."""

from typing import Any

import keras
from keras import layers

from kerazoo.layers import GroupedConv2D
from kerazoo.surgery.fold_batchnorm import fold_batchnorm
from kerazoo.surgery.graph import Graph, is_graph
from kerazoo.surgery.plain_keras import plain_kind

# They change nothing at inference, or, as the random ones, must not.
TRAINING_ONLY = (
    layers.ActivityRegularization,
    layers.AlphaDropout,
    layers.Dropout,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.SpatialDropout1D,
    layers.SpatialDropout2D,
    layers.SpatialDropout3D,
    *(
        getattr(layers, name)
        for name in dir(layers)
        if name.startswith(("Random", "AugMix", "CutMix", "MixUp", "RandAugment"))
    ),
)
RESIZING = ("native", "resize")


def for_inference(
    model: keras.Model,
    *,
    scores: str | None = None,
    image_size: tuple[int, int] | None = None,
    elsewhere: bool = False,
) -> keras.Model:
    """A copy for inference alone, with named outputs.

    It computes in float32 whatever the model was trained in, without dropout and
    auxiliary heads, with batch norms folded, of Keras' own layers where it has them.

    Args:
        model: A functional or sequential model.
        scores: What to call scores that no softmax makes; by default as the layer that
            makes them is called.
        image_size: Height and width of all images, where they are to have one. A
            resizing to that size is left out.
        elsewhere: Whether something else than TensorFlow will run it, so that it must
            do without TensorFlow's own kernels.

    Returns:
        A ``keras.Model`` from the same inputs to a dictionary: ``probabilities`` and
        ``logits`` where the model ends in a softmax, a detector's own outputs, or the
        scores.

    Raises:
        ValueError: Where the model is neither functional nor sequential.
    """
    whole = _named_heads(_copied(model, image_size=image_size), scores)
    whole = fold_batchnorm(whole)
    return _portable(whole) if elsewhere else whole


def portable(model: keras.Model) -> keras.Model:
    """A copy with all its outputs that something else than TensorFlow can run.

    It computes in float32, without dropout and with batch norms folded.

    Args:
        model: A functional or sequential model.

    Raises:
        ValueError: Where the model is neither functional nor sequential.
    """
    return _set_portable(fold_batchnorm(_copied(model, kind=_plain_everywhere)))


def with_all_boxes(model: keras.Model) -> keras.Model:
    """A copy of a detector that :func:`for_inference` has made, without a threshold."""
    portable = any(getattr(one, "portable", False) for one in _inner_layers(model))
    copy = _copied(model, kind=type, changes={"score_threshold": -1.0})
    return _portable(copy) if portable else copy


def _portable(model):
    """A copy without TensorFlow's own kernels."""
    return _set_portable(_copied(model, kind=_everywhere))


def _set_portable(model):
    for layer in _inner_layers(model):
        if hasattr(layer, "portable"):
            layer.portable = True
    return model


def in_float32(model: keras.Model) -> keras.Model:
    """The model itself where it computes in float32 already, else a copy that does."""
    return _copied(model, bare=False) if _has_halves(model) else model


def image_entry(model: keras.Model) -> Any:
    """The input that takes the images.

    Raises:
        ValueError: Where there is none, or another beside it that is no proposals.
    """
    inputs = keras.tree.flatten(model.input)
    images = [one for one in inputs if len(one.shape) == 4]
    others = {one.name for one in inputs if len(one.shape) != 4}
    if len(images) != 1 or others - {"proposals"}:
        names = ", ".join(one.name for one in inputs)
        raise ValueError(
            f"{model.name} takes {names}; give a network that takes one batch of "
            "images, (batch, height, width, channels)."
        )
    return images[0]


def own_size(model: keras.Model) -> tuple[int, int]:
    """The size at which a served network resizes nothing, or the only one it takes."""
    height, width = image_entry(model).shape[1:3]
    if height and width:
        return height, width
    for layer in model.layers:
        if is_resizing(layer):
            height, width = layer.output.shape[1:3]
            return height, width
    # Any will do.
    return 32, 32


def is_resizing(layer: Any) -> bool:
    """Whether a layer brings images to a size, as those in front of served networks."""
    named = layer.name.rpartition("_")[2] in RESIZING
    return named and isinstance(layer, keras.Model) and not layer.weights


def _has_halves(model):
    return any(
        layer.compute_dtype in ("bfloat16", "float16") for layer in _inner_layers(model)
    )


def _inner_layers(model):
    """The layers of a model, and of the models in it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _inner_layers(layer)
        elif isinstance(layer, keras.Layer):
            yield layer


def _everywhere(layer):
    """Keras sends grouped convolutions through XLA, which no other runtime has."""
    grouped = type(layer) is layers.Conv2D and layer.groups > 1
    return GroupedConv2D if grouped else type(layer)


def _plain_everywhere(layer):
    kind = plain_kind(layer)
    return GroupedConv2D if kind is layers.Conv2D and layer.groups > 1 else kind


def _copied(model, *, kind=plain_kind, image_size=None, bare=True, changes=None):
    """A copy in float32.

    Args:
        model: The model.
        kind: A function that says of what class the copy of a layer is.
        image_size: Of the images that it takes, or None.
        bare: Whether to leave out what only training needs.
        changes: Other values of what layers are configured by, where they are.
    """
    model = Graph(model).model
    images = image_entry(model) if image_size else None

    def entry(tensor):
        shape = tensor.shape
        if tensor is images:
            shape = (shape[0], *image_size, shape[-1])
        return keras.Input(
            batch_shape=shape, dtype=tensor.dtype, name=names[id(tensor)]
        )

    def clone(layer):
        if is_graph(layer):
            return _copied(layer, kind=kind, bare=bare)
        config = layer.get_config()
        if isinstance(layer, keras.Layer) and layer.compute_dtype != "float32":
            halves = layer.compute_dtype in ("bfloat16", "float16")
            config |= {"dtype": "float32"} if halves else {}
        others = (changes or {}).items()
        config |= {name: value for name, value in others if name in config}
        return kind(layer).from_config(config)

    def call(layer, *args, **kwargs):
        if bare and isinstance(layer, TRAINING_ONLY):
            return args[0]
        if is_resizing(layer) and _is_idle(layer, args[0]):
            return args[0]
        # Layers such as Keras' Resizing note the mode that they were called in.
        kwargs.pop("training", None)
        return layer(*args, **kwargs)

    names = {id(layer.output): layer.name for layer in model.layers}
    copy = keras.models.clone_model(
        model,
        input_tensors=keras.tree.map_structure(entry, model.input),
        clone_function=clone,
        call_function=call,
    )
    for layer in copy.layers:
        if layer.weights and not is_graph(layer):
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return copy


def _is_idle(layer, images):
    """Whether a resizing has nothing to do."""
    return None not in images.shape[1:] and images.shape[1:] == layer.output.shape[1:]


def _named_heads(model, scores):
    """The model with its scores by name, and without auxiliary heads."""
    outputs, names = model.output, Graph(model).outputs
    if isinstance(outputs, dict):
        if "predictions" not in outputs:
            return model
        outputs, names = outputs["predictions"], names["predictions"]
    outputs, name = keras.tree.flatten(outputs)[0], keras.tree.flatten(names)[0]
    last = model.get_layer(name)
    logits = logits_before(last)
    found = {scores or name: outputs}
    if logits is not None:
        softmax = layers.Softmax(dtype="float32", name="probabilities")
        found = {"probabilities": softmax(logits), "logits": logits}
    return keras.Model(model.input, found, name=model.name)


def logits_before(last: keras.Layer, activation: str = "softmax") -> Any:
    """What a softmax, or a sigmoid, at the end makes probabilities of; None without."""
    config = last.get_config()
    if isinstance(last, layers.Softmax):
        return last.input if activation == "softmax" else None
    if config.get("activation") != activation:
        return None
    if isinstance(last, layers.Activation):
        return last.input
    bare = type(last).from_config(config | {"activation": "linear"})
    logits = bare(last.input)
    bare.set_weights(last.get_weights())
    return logits
