"""kerazoo's own files of weights: safetensors by layer name, with all that belongs.

The tensors are called ``layer/variable``. The header's metadata has one entry,
``kerazoo``: the :class:`kerazoo.weights.records.WeightSet` as JSON, and what else is
known of the training (recipe, history, command, package versions).
"""

import dataclasses
import json
import pathlib
import struct
from collections.abc import Mapping
from typing import Any

from kerazoo import reader
from kerazoo.files import check_file, replacing
from kerazoo.reader import Path
from kerazoo.weights.records import WeightSet

# The length of the header stands in the first eight bytes; no header is longer.
LONGEST = 100_000_000


def _metadata(path: pathlib.Path) -> dict[str, Any] | None:
    """What a file says of itself; ``None`` where it is not kerazoo's."""
    with open(path, "rb") as file:
        head = file.read(9)
        if len(head) < 9 or head[8:] != b"{":
            return None
        (length,) = struct.unpack("<Q", head[:8])
        if length > LONGEST:
            return None
        file.seek(8)
        text = file.read(length)
    try:
        found = json.loads(json.loads(text)["__metadata__"]["kerazoo"])
        return found if isinstance(found["set"], dict) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def is_own(path: pathlib.Path) -> bool:
    """Whether a file is one of kerazoo's own."""
    return _metadata(path) is not None


@reader.checked
def read_set(path: Path) -> WeightSet:
    """What a file of kerazoo's own says of itself.

    Args:
        path: The file.

    Raises:
        ValueError: Where it is not there, damaged, or another's.
    """
    fields = reader.record(WeightSet, _said(path)["set"], str(path))
    return dataclasses.replace(fields, path=str(path))


@reader.checked
def read_training(path: Path) -> dict[str, Any]:
    """How the weights of a file were trained: recipe, history, command, versions.

    Args:
        path: The file.

    Raises:
        ValueError: Where it is not there, damaged, or another's.
    """
    return _said(path).get("training", {})


def _said(path):
    """What a file of kerazoo's own says of itself, as plain data."""
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"path: there is no file {path}.")
    data = _metadata(path)
    if data is None:
        raise ValueError(
            f"{path} is no file of weights that kerazoo has written, or its beginning "
            "is damaged; give one that save_run_weights has made."
        )
    return data


@reader.checked
def save_weights(
    model: Any,
    weights: WeightSet,
    path: Path,
    *,
    training: Mapping[str, Any] | None = None,
    half: bool = False,
) -> None:
    """Writes a network's weights and what belongs to them.

    Args:
        model: The ``keras.Model``, or one that has its layers among others.
        weights: What they are.
        path: The file.
        training: What else is known, as plain data.
        half: Whether to keep 16 bits of every number.

    Raises:
        ValueError: Where `training` is no plain data.
    """
    import keras
    import numpy as np
    from safetensors.numpy import save_file

    kind = "float16" if half else "float32"
    tensors = {
        f"{layer.name}/{weight.name}": np.ascontiguousarray(
            keras.ops.convert_to_numpy(weight), dtype=kind
        )
        for layer in model.layers
        for weight in layer.weights
    }
    record = {
        "set": reader.plain(dataclasses.replace(weights, path=None)),
        "training": dict(training or {}),
    }
    try:
        said = json.dumps(record)
    except TypeError as error:
        raise ValueError(
            f"training cannot be written as JSON ({error}); give numbers, texts, lists "
            "and mappings by text."
        ) from error
    with replacing(check_file(path)) as scratch:
        save_file(tensors, scratch, metadata={"kerazoo": said})
