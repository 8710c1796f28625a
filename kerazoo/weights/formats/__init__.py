"""Files of weights as others write them, read without running anything of theirs.

One file per format. What a file is, its content says; its suffix says nothing.
"""

import io
import os
import pathlib
import zipfile
from typing import IO

import numpy as np

from kerazoo import reader
from kerazoo.reader import Path
from kerazoo.weights import contents
from kerazoo.weights.formats.tensors import check_finite

HDF5 = b"\x89HDF\r\n\x1a\n"
PICKLE = b"\x80"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
KERAS = "model.weights.h5"
KNOWN = (
    "safetensors, PyTorch (.pth), Keras (.h5, .weights.h5, .keras), Caffe "
    "(.caffemodel), or a .zip of one of these"
)


@reader.checked
def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """The weights in a file of whatever format, in the order of the file.

    Numbers are as they are stored, but bfloat16, which NumPy lacks, becomes float32.
    Nothing in the file is run, and nothing is read beyond what its sizes bear out.

    Args:
        path: A file of safetensors, PyTorch, Keras or Caffe, or a plain zip of one.

    Returns:
        Tensors by name. Of safetensors and PyTorch the name is the file's
        (``layer1.0.conv1.weight``); of Keras' legacy ``.h5`` it is ``layer/variable``
        (``block1_conv1/kernel``), of its later files the place in the file
        (``layers/conv2d/vars/0``), of Caffe the layer and the number (``conv1/0``).

    Raises:
        ValueError: For what is no such file, is damaged or cut off, would run code,
            lies about its shapes, leads to other files, or holds numbers that are not
            finite.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        reason = "is no file" if path.exists() else "is not there"
        raise ValueError(f"{path} {reason}; give a file of weights.")
    with open(path, "rb") as stream:
        found = _read(stream, path, zipped=False)
    if not found:
        raise ValueError(f"{path} holds no weights; give a file of weights.")
    check_finite(found, path)
    return found


def _read(stream: IO[bytes], path: os.PathLike, zipped: bool) -> dict[str, np.ndarray]:
    head = stream.read(contents.HEAD)
    stream.seek(0)
    contents.check_head(head, path)
    # Each of the libraries takes longer to import than most files to read.
    # A length, which may begin as anything does, then JSON.
    if head[8:9] == b"{" and not any(head[5:8]):
        from kerazoo.weights.formats import safetensors

        return safetensors.read(stream, path)
    if head.startswith(HDF5):
        from kerazoo.weights.formats import hdf5

        return hdf5.read(stream, path)
    if head.startswith(ZIP):
        return _read_zip(stream, path, zipped)
    if head.startswith(PICKLE):
        from kerazoo.weights.formats import torch_legacy

        return torch_legacy.read(stream, path)
    from kerazoo.weights.formats import caffe

    if caffe.is_caffe(head):
        return caffe.read(stream, path)
    raise ValueError(
        f"{path} is none of the formats that can be read, or its beginning is damaged; "
        f"give one of {KNOWN}."
    )


def _read_zip(stream, path, zipped):
    with contents.unzipping(path), zipfile.ZipFile(stream) as archive:
        contents.check_names(archive, path)
        names = archive.namelist()
        if any(name.rpartition("/")[2] == "data.pkl" for name in names):
            from kerazoo.weights.formats import torch_zip

            return torch_zip.read(archive, path)
        if KERAS in names:
            info = archive.getinfo(KERAS)
            contents.check_unpacked(info.file_size, info.compress_size, path)
            content = archive.read(info)
        elif zipped:
            raise ValueError(f"{path} holds a zip in a zip; unpack it, and give that.")
        else:
            content = archive.read(contents.single(archive, path))
    return _read(io.BytesIO(content), path, zipped=True)
