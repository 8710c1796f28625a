"""Fully connected layers in two: fewer multiply-adds for nearly the same outputs."""

from collections.abc import Mapping

import keras
import numpy as np

from kerazoo import reader
from kerazoo.errors import unknown
from kerazoo.reader import Count, Name


@reader.checked
def truncated_svd(model: keras.Model, ranks: Mapping[Name, Count]) -> keras.Model:
    """Splits fully connected layers by their largest singular values.

    A kernel ``W`` of u inputs and v outputs is near ``U S V``, of its t largest
    singular values; a layer of t units without bias, ``U S``, is put in front of one
    with ``V`` and the bias: t (u + v) multiply-adds in place of u v. Girshick 2015,
    "Fast R-CNN", arXiv 1504.08083, sec. 3.1; the author takes 1024 of fc6 and 256 of
    fc7 in VGG-16.

    Args:
        model: A functional model.
        ranks: How many singular values are kept, by the names of ``Dense`` layers.

    Returns:
        A copy in which ``fc6`` is ``fc6_left`` and ``fc6``; the model stays as it is.

    Raises:
        ValueError: For a layer that is not there or not dense, or where nothing would
            be saved.
    """
    dense = {
        layer.name: layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Dense)
    }
    factors = {}
    for name, rank in ranks.items():
        if name not in dense:
            raise unknown("dense layer", name, dense)
        inputs, units = dense[name].kernel.shape
        if rank * (inputs + units) >= inputs * units:
            raise ValueError(
                f"ranks has {rank} for {name} of {inputs}x{units}, which saves "
                f"nothing; give less than {-(-inputs * units // (inputs + units))}."
            )
        kernel = keras.ops.convert_to_numpy(dense[name].kernel)
        left, values, right = np.linalg.svd(kernel, full_matrices=False)
        factors[name] = left[:, :rank] * values[:rank], right[:rank]

    def call(layer, *args, **kwargs):
        if layer.name not in factors:
            return layer(*args, **kwargs)
        left = keras.layers.Dense(
            factors[layer.name][0].shape[1],
            use_bias=False,
            dtype=layer.dtype_policy,
            name=f"{layer.name}_left",
        )
        return layer(left(*args), **kwargs)

    def copied(layer):
        return type(layer).from_config(layer.get_config())

    copy = keras.models.clone_model(model, call_function=call, clone_function=copied)
    for layer in copy.layers:
        name = layer.name.removesuffix("_left")
        if name in factors:
            left, right = factors[name]
            is_left = layer.name != name
            bias = [] if is_left else dense[name].get_weights()[1:]
            layer.set_weights([left if is_left else right, *bias])
        elif layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return copy
