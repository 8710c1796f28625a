"""Caffe's ``.caffemodel``: messages of Protocol Buffers, read field by field.

The numbers of the fields are those of
https://github.com/BVLC/caffe/blob/master/src/caffe/proto/caffe.proto, the encoding is
https://protobuf.dev/programming-guides/encoding/.
"""

import math
import os
from collections.abc import Iterator
from typing import IO

import numpy as np

from kerazoo.weights.formats.tensors import damaged

# NetParameter: the name and both kinds of layers.
NET_NAME, NET_V1_LAYER, NET_LAYER = 1, 2, 100
# By the kind of layer, its name and its blobs.
LAYER_FIELDS = {NET_V1_LAYER: (4, 6), NET_LAYER: (1, 7)}
# BlobProto: num, channels, height and width, the numbers, and the shape.
LEGACY_SHAPE = (1, 2, 3, 4)
DATA, SHAPE, DOUBLE_DATA = 5, 7, 8
DIM = 1
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
# A network's name, a layer of either kind: what a file can begin with.
BEGINNINGS = (b"\x0a", b"\x12", b"\xa2\x06")
MAX_RANK = 8


class _Broken(ValueError):
    """What is wrong with a message."""


def is_caffe(head: bytes) -> bool:
    """Whether a file may be one; the format has no mark of its own."""
    return head.startswith(BEGINNINGS)


def read(stream: IO[bytes], place: str | os.PathLike) -> dict[str, np.ndarray]:
    """The blobs of all layers, as ``layer/0``, ``layer/1``, ...

    Raises:
        ValueError: For a file that is no network of Caffe's, or is damaged.
    """
    found: dict[str, np.ndarray] = {}
    try:
        for number, kind, value in _fields(memoryview(stream.read())):
            if number not in LAYER_FIELDS:
                continue
            if kind != BYTES:
                raise _Broken("a layer is a number")
            name, blobs = _layer(value, *LAYER_FIELDS[number])
            for index, blob in enumerate(blobs):
                if f"{name}/{index}" in found:
                    raise _Broken(f"the layer {name[:100]} stands there twice")
                found[f"{name}/{index}"] = blob
    except (_Broken, UnicodeDecodeError) as error:
        raise damaged(place, f"as a .caffemodel, {error}") from error
    if not found:
        raise ValueError(
            f"{place} is no .caffemodel with weights, nor any other format that can be "
            "read; give a file of weights."
        )
    return found


def _varint(view, position):
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(view):
            raise _Broken("it ends within a number")
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise _Broken("a number has no end")


def _fields(view: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """The fields of a message as number, wire type and content."""
    position = 0
    while position < len(view):
        start = position
        tag, position = _varint(view, position)
        number, kind = tag >> 3, tag & 7
        begin = position
        if kind == VARINT:
            _, position = _varint(view, position)
        elif kind == BYTES:
            size, begin = _varint(view, position)
            position = begin + size
        elif kind == FIXED32:
            # There may be millions, one field each: all that follow each other at once.
            position = start + _run(view[start:], begin - start)
            begin = start
        elif kind == FIXED64:
            position += 8
        else:
            raise _Broken(f"a field is of the unknown type {kind}")
        if not number or position > len(view):
            raise _Broken("a field reaches beyond its end")
        yield number, kind, view[begin:position]


def _run(view, width):
    """Bytes of the 32-bit fields of one number that follow each other."""
    size = width + 4
    if len(view) < size:
        raise _Broken("it ends within a number")
    table = np.frombuffer(view[: len(view) // size * size], "u1").reshape(-1, size)
    tag = table[0, :width]
    # By growing blocks, lest the end of a run of one is looked for in the whole file.
    start, block = 0, 64
    while start < len(table):
        other = (table[start : start + block, :width] != tag).any(1)
        if other.any():
            return int(start + other.argmax()) * size
        start, block = start + block, 2 * block
    return len(table) * size


def _layer(view, name_field, blob_field):
    name, blobs = "", []
    for number, kind, value in _fields(view):
        if number == name_field and kind == BYTES:
            name = bytes(value).decode()
        elif number == blob_field and kind == BYTES:
            blobs.append(_blob(value))
    if blobs and not name:
        raise _Broken("a layer with weights has no name")
    return name, blobs


def _blob(view):
    shape, legacy, parts = None, {}, []
    for number, kind, value in _fields(view):
        if number == SHAPE and kind == BYTES:
            shape = _dimensions(value)
        elif number in LEGACY_SHAPE and kind == VARINT:
            legacy[number] = _varint(value, 0)[0]
        elif number == DATA and kind == FIXED32:
            # The tag of one byte, then the number.
            if value[0] != DATA << 3 | FIXED32:
                raise _Broken("a number is written in a longer way than it needs")
            table = np.frombuffer(value, "u1").reshape(-1, 5)
            parts.append(np.ascontiguousarray(table[:, 1:]).view("<f4").ravel())
        elif number in (DATA, DOUBLE_DATA) and kind in (BYTES, FIXED64):
            item = "<f4" if number == DATA else "<f8"
            if len(value) % int(item[-1]):
                raise _Broken("numbers end within a number")
            parts.append(np.frombuffer(value, item))
    if shape is None:
        shape = tuple(legacy.get(number, 0) for number in LEGACY_SHAPE)
    data = np.concatenate(parts) if parts else np.empty(0, "<f4")
    if len(shape) > MAX_RANK or math.prod(shape) != data.size or not data.size:
        raise _Broken(f"a blob of shape {shape[:MAX_RANK]} holds {data.size:,} numbers")
    return data.reshape(shape).astype(data.dtype.newbyteorder("="))


def _dimensions(view):
    found: list[int] = []
    for number, kind, value in _fields(view):
        if number == DIM and kind == BYTES:
            position = 0
            while position < len(value):
                size, position = _varint(value, position)
                found.append(size)
        elif number == DIM and kind == VARINT:
            found.append(_varint(value, 0)[0])
    return tuple(found)
