"""A model's prediction by OpenVINO, which is held against Keras' first."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

from kerazoo.serving import comparison, export, formats
from kerazoo.surgery.for_inference import logits_before, portable
from kerazoo.surgery.graph import Graph

# The largest difference from Keras' outputs, as a share of the largest.
FLOAT32, BFLOAT16 = comparison.AT_OWN_SIZE, 0.1
# Of images of any size, the height and width of those that it is tried on.
ANY_SIZE = 224


def compile_openvino(model: keras.Model, *, bfloat16: bool) -> Callable[[Any], Any]:
    """Compiles a model by OpenVINO.

    Args:
        model: A functional or sequential model of scores; TensorFlow brings it over.
        bfloat16: Whether it computes in bfloat16, else in float32.

    Returns:
        From a batch to what ``model.predict_on_batch`` gives for it.

    Raises:
        RuntimeError: Where its answers are not the model's.
        ValueError: Where a layer has no form there.
    """
    import openvino.frontend

    whole = _named(portable(model), model.name)
    with formats.hushed():
        try:
            network = formats.to_openvino(whole)
        except openvino.frontend.OpConversionFailure as error:
            layer = export.layer_of_operations(whole, str(error))
            raise ValueError(f"{export.of_layer(whole, layer)}{error}") from error
        hint = {"INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32"}
        compiled = openvino.Core().compile_model(network, "CPU", hint)
    entries = keras.tree.flatten(model.input)

    def named(images):
        given = [images] if len(entries) == 1 else keras.tree.flatten(images)
        found = compiled(
            {
                entry.name: np.ascontiguousarray(one, entry.dtype)
                for entry, one in zip(entries, given, strict=True)
            }
        )
        return {output.any_name: value for output, value in found.items()}

    images = _probes(model)
    apart = _apart(whole(images, training=False), named(images))
    limit = BFLOAT16 if bfloat16 else FLOAT32
    if not apart <= limit:
        raise RuntimeError(
            f"OpenVINO does not say what {model.name} says: they differ by "
            f"{apart:.2g} of the largest output, where {limit:g} is allowed."
        )
    outputs = model(images, training=False)
    places = keras.tree.map_structure(lambda _: 0, outputs)
    count = len(keras.tree.flatten(outputs))

    def predict(images):
        found = named(images)
        flat = [found[f"output{n}"] for n in range(count)]
        return keras.tree.pack_sequence_as(places, flat)

    return predict


def _named(model, name):
    """The model with outputs by number, and beside probabilities their logits."""
    named = {}
    ends = keras.tree.flatten(Graph(model).outputs)
    for n, one in enumerate(keras.tree.flatten(model.output)):
        last = model.get_layer(ends[n])
        logits = logits_before(last)
        named[f"output{n}"] = one
        if logits is not None:
            named[f"logits{n}"] = logits
        if logits is not None and logits is not last.input:
            # The copy of the layer that gives logits has its name.
            softmax = layers.Softmax(name=f"probabilities{n}")
            named[f"output{n}"] = softmax(logits)
    return keras.Model(model.input, named, name=name)


def _probes(model):
    """A batch of two, one of noise around 0 and one of pixel values."""
    rng, batch = np.random.default_rng(0), []
    for entry in keras.tree.flatten(model.input):
        shape = [ANY_SIZE if side is None else side for side in entry.shape[1:]]
        drawn = rng.normal(size=(2, *shape))
        drawn[1] = np.clip(64 * drawn[1] + 128, 0, 255)
        batch.append(drawn.astype(entry.dtype))
    return keras.tree.pack_sequence_as(model.input, batch)


def _apart(expected, given):
    """The largest difference of an output, of probabilities that of their logits.

    Where two classes are nearly alike, the last bit of their logits moves probabilities
    by any number.
    """
    return max(
        comparison.largest_difference(np.asarray(one, "float64"), given[name])
        for name, one in expected.items()
        if name.replace("output", "logits") not in expected or "logits" in name
    )
