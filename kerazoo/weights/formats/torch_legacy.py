"""PyTorch's files before 1.6: five pickles, then one storage after the other."""

import io
import os
import struct
from typing import IO

import numpy as np

from kerazoo.weights.formats import torch_pickle
from kerazoo.weights.formats.tensors import damaged

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001


def read(stream: IO[bytes], place: str | os.PathLike) -> dict[str, np.ndarray]:
    """The tensors of a state dict.

    Raises:
        ValueError: For another pickle, or a file that is damaged or would run code.
    """
    # A text that says to be longer than the file takes no memory from what is in it.
    stream = io.BytesIO(stream.read())
    first = torch_pickle.load(stream, place)
    if first != MAGIC or type(first) is not int:
        raise ValueError(
            f"{place} is a pickle, but none of PyTorch's; give a file of a state dict."
        )
    protocol, system = (torch_pickle.load(stream, place) for _ in range(2))
    if protocol != PROTOCOL or not isinstance(system, dict):
        raise damaged(place, f"its protocol is not {PROTOCOL}")
    order = "<" if system.get("little_endian", True) else ">"
    types: dict[str, torch_pickle.StorageType] = {}
    loaded = torch_pickle.load(stream, place, types)
    tensors = torch_pickle.state_dict(loaded, place)
    keys = torch_pickle.load(stream, place)
    if not isinstance(keys, list):
        raise damaged(place, "it does not say which storages it holds")
    records = {}
    for key in map(str, keys):
        head = stream.read(8)
        if len(head) < 8:
            raise damaged(place, f"the storage {key[:100]} is not there")
        (count,) = struct.unpack(f"{order}q", head)
        if key not in types:
            # Of unknown type, so that nobody knows where it ends.
            raise damaged(place, f"the storage {key[:100]} belongs to nothing")
        size = count * np.dtype(torch_pickle.STORAGES[types[key].name]).itemsize
        content = stream.read(size) if 0 <= size <= _left(stream) else b""
        if count < 0 or len(content) != size:
            raise damaged(place, f"the storage {key[:100]} lacks its end")
        records[key] = np.frombuffer(content, "u1")

    def record(storage):
        if storage.key not in records:
            raise damaged(place, f"the storage {storage.key[:100]} is not there")
        return records[storage.key]

    return torch_pickle.arrays(tensors, record, order, place)


def _left(stream):
    here = stream.tell()
    end = stream.seek(0, os.SEEK_END)
    stream.seek(here)
    return end - here
