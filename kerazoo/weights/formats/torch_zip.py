"""PyTorch's files since 1.6: a zip of a pickle and one record for each storage."""

import io
import os
import zipfile

import numpy as np

from kerazoo.weights import contents
from kerazoo.weights.formats import torch_pickle
from kerazoo.weights.formats.tensors import damaged


def read(archive: zipfile.ZipFile, place: str | os.PathLike) -> dict[str, np.ndarray]:
    """The tensors of a state dict.

    Raises:
        ValueError: For a file that is damaged, holds a program or would run code.
    """
    infos = {info.filename: info for info in archive.infolist()}
    unpacked = sum(info.file_size for info in infos.values())
    packed = sum(info.compress_size for info in infos.values())
    contents.check_unpacked(unpacked, packed, place)
    (pickle, *others) = [name for name in infos if name.endswith("data.pkl")]
    root = pickle.removesuffix("data.pkl")
    if others or f"{root}constants.pkl" in infos:
        raise ValueError(
            f"{place} is a program of TorchScript; give a file that holds a state dict "
            "alone."
        )
    order = "<"
    if f"{root}byteorder" in infos:
        said = archive.read(f"{root}byteorder")
        order = {b"little": "<", b"big": ">"}.get(said, "")
        if not order:
            raise damaged(place, f"its order of bytes is {said[:20]!r}")
    loaded = torch_pickle.load(io.BytesIO(archive.read(pickle)), place)
    tensors = torch_pickle.state_dict(loaded, place)
    records: dict[str, np.ndarray] = {}

    def record(storage):
        name = f"{root}data/{storage.key}"
        if name not in infos:
            raise damaged(place, f"the record {name[:100]} is not there")
        if name not in records:
            records[name] = np.frombuffer(archive.read(name), "u1")
        return records[name]

    return torch_pickle.arrays(tensors, record, order, place)
