"""Files of Hugging Face's safetensors: a length, a header in JSON, the numbers."""

import os
from typing import IO

import numpy as np
from safetensors import SafetensorError, deserialize

from kerazoo.weights.formats.tensors import damaged, from_bfloat16

BF16 = "BF16"
TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", BF16: "<u2", "I64": "<i8", "I32": "<i4",
    "I16": "<i2", "I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1",
    "BOOL": "?",
}  # fmt: skip


def read(stream: IO[bytes], place: str | os.PathLike) -> dict[str, np.ndarray]:
    """The tensors of a file.

    Raises:
        ValueError: For a file that is damaged, or of numbers that NumPy does not know.
    """
    try:
        # It holds every shape against the bytes, and all bytes against the file.
        entries = deserialize(stream.read())
    except SafetensorError as error:
        raise damaged(place, error) from error
    found = {}
    for name, entry in entries:
        kind, shape = entry["dtype"], entry["shape"]
        if kind not in TYPES:
            raise ValueError(
                f"{place} holds {name[:100]} as {kind}; it can be read as one of "
                f"{', '.join(TYPES)}."
            )
        array = np.frombuffer(entry["data"], TYPES[kind]).reshape(shape)
        found[name] = from_bfloat16(array) if kind == BF16 else array
    return found
