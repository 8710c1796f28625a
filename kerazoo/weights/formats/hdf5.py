"""Keras' files: the legacy ``.h5`` by layer name, and the later ``.weights.h5``."""

import itertools
import math
import os
from collections.abc import Iterator
from typing import IO

import h5py
import numpy as np

from kerazoo.weights import contents
from kerazoo.weights.formats.tensors import damaged, from_bfloat16

# In a legacy file of a whole model; a file of weights alone has the layers at its top.
MODEL = "model_weights"
# gzip, shuffle and a checksum: other filters are libraries that HDF5 would load.
FILTERS = {1, 2, 3}
# Bytes of an attribute; Keras cuts longer lists into several.
ATTRIBUTE = 2**16
# What a training leaves beside the weights, in Keras' later files.
OPTIMIZER = "optimizer/"


def read(stream: IO[bytes], place: str | os.PathLike) -> dict[str, np.ndarray]:
    """The weights of either kind of file.

    Raises:
        ValueError: For a file that is damaged, leads to others, or is none of Keras'.
    """
    try:
        with h5py.File(stream, "r") as file:
            found = dict(_datasets(file, place, set()))
            group = file.get(MODEL, file)
            if not isinstance(group, h5py.Group):
                raise damaged(place, f"{MODEL} is no group")
            if _names(group, "layer_names"):
                chosen = _legacy(group, place)
            elif found and all("/vars/" in f"/{name}" for name in found):
                chosen = {
                    name: one
                    for name, one in found.items()
                    if not name.startswith(OPTIMIZER)
                }
            else:
                raise ValueError(
                    f"{place} is HDF5, but none of Keras' files of weights; give one "
                    "that Keras has written."
                )
            return {name: _array(one, name, place) for name, one in chosen.items()}
    except ValueError as error:
        if str(error).startswith(str(place)):
            raise
        raise damaged(place, error) from error
    except (OSError, RuntimeError, LookupError, TypeError, AttributeError) as error:
        raise damaged(place, error) from error


def _datasets(
    group: h5py.Group, place: str | os.PathLike, seen: set[int]
) -> Iterator[tuple[str, h5py.Dataset]]:
    """All datasets by their path; a link that leads elsewhere is refused."""
    for name in group:
        path = f"{group.name}/{name}".lstrip("/")
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ValueError(
                f"{place} has a link at {path[:100]} that leads elsewhere, so that "
                "nothing of it is read; give a file that holds its weights itself."
            )
        inner = group[name]
        address = h5py.h5o.get_info(inner.id).addr
        if address in seen:
            raise damaged(place, f"{path[:100]} stands at two places")
        seen.add(address)
        if isinstance(inner, h5py.Group):
            yield from _datasets(inner, place, seen)
        elif isinstance(inner, h5py.Dataset):
            yield path, inner
        else:
            raise damaged(place, f"{path[:100]} is neither a group nor numbers")


def _names(group, key):
    """A list of names, which Keras cuts into several where it is long."""
    numbered = itertools.takewhile(
        group.attrs.__contains__, (f"{key}{number}" for number in itertools.count())
    )
    parts = [key] if key in group.attrs else numbered
    texts = [one for part in parts for one in np.atleast_1d(_attribute(group, part))]
    return [one.decode() if isinstance(one, bytes) else str(one) for one in texts]


def _attribute(item, key):
    """An attribute, whose memory h5py would take by what its shape says."""
    about = item.attrs.get_id(key)
    if about.shape is None or math.prod(about.shape) * about.dtype.itemsize > ATTRIBUTE:
        raise ValueError(f"the attribute {key} is larger than any of Keras'")
    return item.attrs[key]


def _legacy(group, place):
    """Weights as ``layer/variable``, in the order in which the model has them."""
    chosen: dict[str, h5py.Dataset] = {}
    for layer in _names(group, "layer_names"):
        names = _names(group[layer], "weight_names")
        short = [name.removesuffix(":0") for name in names]
        # A model within the model has layers of its own below its name.
        flat = len({name.rpartition("/")[0] for name in short}) == 1
        for name, variable in zip(names, short, strict=True):
            inside = variable.rpartition("/")[2] if flat else variable
            key = f"{layer}/{inside}"
            if key in chosen:
                raise damaged(place, f"{key[:100]} is named twice")
            chosen[key] = group[layer][name]
            if not isinstance(chosen[key], h5py.Dataset):
                raise damaged(place, f"{key[:100]} holds no numbers")
    return chosen


def _array(dataset, name, place):
    name = name[:100]
    if dataset.external or dataset.is_virtual:
        raise ValueError(
            f"{place} keeps {name} in another file, so that nothing of it is read; "
            "give a file that holds its weights itself."
        )
    plan = dataset.id.get_create_plist()
    codes = {plan.get_filter(number)[0] for number in range(plan.get_nfilters())}
    if codes - FILTERS:
        raise damaged(place, f"{name} is packed in a way that Keras does not")
    kind = dataset.dtype
    # Keras writes bfloat16, which HDF5 lacks, as two bytes and a note.
    bits = kind.kind == "V" and kind.itemsize == 2 and kind.names is None
    bits = bits and "dtype" in dataset.attrs
    bits = bits and str(_attribute(dataset, "dtype")) == "bfloat16"
    if kind.kind not in "fiub" and not bits:
        raise damaged(place, f"{name} holds {kind}, which are no numbers")
    if dataset.shape is None:
        raise damaged(place, f"{name} is empty")
    size, stored = dataset.size * kind.itemsize, dataset.id.get_storage_size()
    if stored < size and not (codes and stored):
        raise damaged(
            place, f"{name} has the shape {dataset.shape} and only {stored:,} bytes"
        )
    contents.check_unpacked(size, stored, place)
    array = np.asarray(dataset[()])
    if bits:
        return from_bfloat16(array.view("u2"))
    return array.astype(array.dtype.newbyteorder("="), copy=False)
