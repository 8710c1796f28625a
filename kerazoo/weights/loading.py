"""Weights into a network: a set of the catalogue, or a file."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers

from kerazoo import registry
from kerazoo.errors import counted
from kerazoo.surgery.replace_head import score_layers
from kerazoo.symbolic import symbolic
from kerazoo.weights import contents, own
from kerazoo.weights.catalogue import find_weights, list_weights
from kerazoo.weights.conversion import Report, convert
from kerazoo.weights.download import fetch, weights_folder
from kerazoo.weights.formats import read_tensors
from kerazoo.weights.records import WeightSet
from kerazoo.weights.rules import RULES

# What Keras itself reads: the weights of the same network, in the same order.
KERAS_FILES = (".weights.h5", ".keras")
ENDINGS = (
    *KERAS_FILES,
    *(".safetensors", ".pth", ".pt", ".th", ".h5", ".caffemodel", ".zip"),
)


def is_file(weights: str | os.PathLike) -> bool:
    """Whether the path of a file is meant, and not the name of a set."""
    path = pathlib.Path(weights)
    return path.exists() or str(weights).endswith(ENDINGS) or path.is_absolute()


def resolve(network: str, weights: str | os.PathLike) -> WeightSet | None:
    """The set of weights that is meant; nothing is downloaded.

    Args:
        network: The network.
        weights: A name of the catalogue; or a file of kerazoo's own, which knows what
            it is, or of a publisher whose name it still has.

    Returns:
        The set; ``None`` for a file of Keras', of which nothing more is known.

    Raises:
        ValueError: For an unknown name, a file that is not there, or one of which
            nobody can say how it is read.
    """
    sets = list_weights(network)
    # A folder of data is often called as the data are.
    named = isinstance(weights, str) and any(
        weights in (one.name, one.data) for one in sets
    )
    if named or not is_file(weights):
        return find_weights(network, os.fspath(weights))
    path = pathlib.Path(weights)
    if path.is_dir():
        found = [one for one in sets if _name_in(one, path)]
        if len(found) == 1:
            return dataclasses.replace(found[0], path=str(_name_in(found[0], path)))
        names = [_name_in(one, path).name for one in found]
        known = ", ".join(names or [one.file.name for one in sets if one.file])
        raise ValueError(
            f"weights is the folder {path}, which holds {len(found) or 'no'} published "
            f"files of {network}; give the path of a file"
            f"{f' ({known})' if known else ''}."
        )
    if not path.is_file():
        raise ValueError(f"weights: there is no file {path}.")
    if own.is_own(path):
        found_set = own.read_set(path)
        if found_set.network != network:
            raise ValueError(
                f"{path} holds weights of {found_set.network}, not of {network}; "
                f"build that network, or give other weights."
            )
        return found_set
    for one in sets:
        if _is_called(one, path):
            return dataclasses.replace(one, path=str(path), file=None)
    if path.name.endswith(KERAS_FILES):
        return None
    with open(path, "rb") as file:
        contents.check_head(file.read(contents.HEAD), path)
    others = {one.network: 0 for one in list_weights() if _is_called(one, path)}
    if others:
        raise ValueError(
            f"{path} is called like a published file of {' and '.join(others)}, not of "
            f"{network}; build that network, or give other weights."
        )
    names = [one.file.name for one in sets if one.file]
    written = "files that kerazoo or Keras (.weights.h5, .keras) has written"
    raise ValueError(
        f"{path} is called like no published file of {network}, so that nobody knows "
        f"how it is read, and no whole file of kerazoo's; known are "
        f"{', '.join([*names, written])}."
    )


def _is_called(one, path):
    """Whether a file has the name that its publisher gave one of a set's."""
    files = one.file, one.without_top
    return any(f and path.name in (f.name, _unzipped(f.name)) for f in files)


def _name_in(one, folder):
    """The file of a set in a folder, or ``None``."""
    path = folder / one.file.name if one.file else None
    return path if path and path.is_file() else None


def _unzipped(name):
    return name.removesuffix(".zip")


def load_set(
    model: keras.Model,
    weights: WeightSet,
    *,
    include_top: bool = True,
) -> Report:
    """Fills a network with a set of weights; downloads it where it is not there.

    A network of another number of classes keeps its random head, and one of other
    channels gets a first convolution that does to grey images what the original does to
    grey RGB ones, or to more channels what it does to its own three, repeated and
    scaled down (the rules of timm).

    Args:
        model: The network, built with the set's options; filled in place.
        weights: The set.
        include_top: Whether the network has its classifier.

    Returns:
        What became of the tensors.

    Raises:
        ValueError: Where the file cannot be had, is damaged, or does not fit.
    """
    path = locate(weights, include_top)
    tensors = read_tensors(path)
    try:
        if weights.rules == "kerazoo":
            values, report = _own(model, tensors, include_top)
        else:
            heads = () if include_top else _heads(weights.network, weights.options)
            rules = RULES[weights.rules]
            values, report = convert(model, tensors, rules, heads=heads)
        values, adapted, new = _adapted(model, values)
    except ValueError as error:
        reason = str(error).removesuffix(".")
        raise ValueError(
            f"The weights {weights.name} ({path}) do not fit {model.name} with these "
            f"options: {reason}. They belong to {_call(weights)}."
        ) from error
    for layer in model.layers:
        if layer.weights and layer.name not in new:
            layer.set_weights([values[f"{layer.name}/{w.name}"] for w in layer.weights])
    return dataclasses.replace(report, adapted=adapted, new=new)


def locate(weights: WeightSet, include_top: bool = True) -> pathlib.Path:
    """The file of a set on this disk, downloaded where it is not there.

    Args:
        weights: The set.
        include_top: Whether the classifier's weights are needed.

    Raises:
        ValueError: Where it cannot be had.
    """
    if weights.path is not None:
        return pathlib.Path(weights.path)
    whole, body = weights.file, weights.without_top
    assert whole is not None, "a set has a path or a file"
    # Whoever has the larger one needs no other.
    if include_top or body is None or (weights_folder() / whole.name).is_file():
        return fetch(whole)
    return fetch(body)


def _heads(network, options):
    """The layers that a network has with its classifier alone."""
    whole, body = (
        {layer.name for layer in symbolic(build).layers}
        for build in (
            functools.partial(registry.create, network, include_top=top, **options)
            for top in (True, False)
        )
    )
    return sorted(whole - body)


def _own(model, tensors, include_top):
    """The values of a file of kerazoo's own, which are called as they are here."""
    wanted = [f"{la.name}/{w.name}" for la in model.layers for w in la.weights]
    missing = [name for name in wanted if name not in tensors]
    spare = [name for name in tensors if name not in wanted]
    if missing or (spare and include_top):
        raise ValueError(
            f"the file lacks {', '.join(missing[:3]) or 'nothing'} and has "
            f"{', '.join(spare[:3]) or 'nothing'} too many"
        )
    values = {name: tensors[name].astype("float32") for name in wanted}
    return values, Report(filled=len(values), left_out=tuple(spare))


def _adapted(model, values):
    """Values in the network's shapes: for other channels, without the old head."""
    adapted, new = [], []
    heads = _scores(model)
    first = next(layer.name for layer in model.layers if layer.weights)
    for layer in model.layers:
        for weight in layer.weights:
            name = f"{layer.name}/{weight.name}"
            have, want = values[name].shape, tuple(weight.shape)
            if have == want or layer.name in new:
                continue
            if layer.name in heads and have[:-1] == want[:-1]:
                new.append(layer.name)
                adapted.append(
                    f"{layer.name} is new, with random weights for "
                    f"{counted(want[-1], 'class', 'classes')} in place of {have[-1]:,}"
                )
            elif layer.name == first and _is_other_channels(layer, have, want):
                values[name] = _other_channels(values[name], want[-2])
                adapted.append(
                    f"{layer.name} takes {counted(want[-2], 'channel')} in place of "
                    f"{have[-2]}"
                )
            else:
                raise ValueError(f"{name} is {list(have)} there and {list(want)} here")
    return values, tuple(adapted), tuple(new)


def check_fits(
    weights: WeightSet, options: Mapping[str, Any], shape: tuple[int, int, int]
) -> None:
    """Refuses images of a size that a set of weights does not fit.

    Args:
        weights: The set.
        options: The network's options.
        shape: The images' height, width and channels.

    Raises:
        ValueError: Where a layer behind a flattened map would have another shape.
    """
    height, width = weights.preprocessing.size
    here, there = (
        symbolic(functools.partial(registry.create, weights.network, **given))
        for given in (
            dict(options) | {"input_shape": shape},
            dict(options) | {"input_shape": (height, width, shape[-1])},
        )
    )
    for one, other in zip(here.weights, there.weights, strict=True):
        if one.shape != other.shape:
            raise ValueError(
                f"The images are {shape[0]}x{shape[1]}, but the weights {weights.name} "
                f"of {weights.network} hold for {height}x{width} alone: {one.path} "
                f"would be {list(one.shape)}, not {list(other.shape)}. Give "
                f"image_shape={height},{width},{shape[-1]}."
            )


def _scores(model):
    """The names of the layers of class scores; none of a body."""
    try:
        return [layer.name for layer in score_layers(model)]
    except ValueError:
        return []


def _is_other_channels(layer, have, want):
    convolution = isinstance(layer, layers.Conv2D) and len(have) == len(want) == 4
    return convolution and have[:2] + have[3:] == want[:2] + want[3:]


def _other_channels(kernel, channels):
    """A first kernel for so many channels."""
    if channels == 1:
        return kernel.sum(2, keepdims=True)
    have = kernel.shape[2]
    repeated = np.tile(kernel, (1, 1, -(-channels // have), 1))[:, :, :channels]
    return repeated * (have / channels)


def _call(weights):
    """The call that builds the network of a set."""
    shape = weights.preprocessing.image_shape
    given = {"input_shape": shape, "classes": weights.classes} | dict(weights.options)
    return f"{weights.network}({', '.join(f'{n}={v!r}' for n, v in given.items())})"
