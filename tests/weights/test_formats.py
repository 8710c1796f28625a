"""Files of others: what is in them, and what is refused of them.

PyTorch's files are put together by hand, opcode by opcode, so that they can also be
what PyTorch never writes.
"""

import io
import json
import math
import os
import pathlib
import pickle
import re
import struct
import zipfile

import h5py
import numpy as np
import pytest
import safetensors.numpy

from kerazoo.weights.formats import read_tensors

RNG = np.random.default_rng(0)
KERNEL = RNG.normal(size=(4, 3, 2, 2)).astype("float32")
BIAS = np.arange(4, dtype="float32")
STEPS = np.array(7, "int64")
WEIGHTS = {"conv.weight": KERNEL, "conv.bias": BIAS, "bn.steps": STEPS}
TYPES = {
    "f4": "FloatStorage", "f8": "DoubleStorage", "f2": "HalfStorage",
    "i8": "LongStorage", "u1": "ByteStorage", "b1": "BoolStorage",
}  # fmt: skip


def called(name):
    return b"c" + name.replace(" ", "\n").encode() + b"\n"


def text(value):
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value):
    return b"J" + struct.pack("<i", value)


def several(*items):
    return b"(" + b"".join(items) + b"t"


def mapping(items):
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def strides(shape):
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def tensor(key, array, *, shape=None, stride=None, offset=0, legacy=False, kind=None):
    """The opcodes of a tensor in the storage ``key``."""
    kind = kind or TYPES[array.dtype.str[1:]]
    where = (text("storage"), called(f"torch {kind}"), text(key), text("cpu"))
    view = [b"N"] if legacy else []
    storage = several(*where, number(array.size), *view) + b"Q"
    shape = array.shape if shape is None else shape
    stride = strides(shape) if stride is None else stride
    hooks = called("collections OrderedDict") + b")R"
    return (
        called("torch._utils _rebuild_tensor_v2")
        + several(
            storage,
            number(offset),
            several(*map(number, shape)),
            several(*map(number, stride)),
            b"\x89",
            hooks,
        )
        + b"R"
    )


def pickled(body):
    return b"\x80\x02" + body + b"."


def zipped(path, body, records, names=(), **extra):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled(body))
        for key, content in records.items():
            archive.writestr(f"archive/data/{key}", content)
        for name, content in extra.items():
            archive.writestr(f"archive/{name}", content)
    return path


def torch_zip(path, weights=WEIGHTS, wrap=lambda body: body):
    body = mapping({name: tensor(name, array) for name, array in weights.items()})
    records = {name: array.tobytes() for name, array in weights.items()}
    return zipped(path, wrap(body), records)


def legacy(path, body, storages, order="<"):
    system = mapping({"little_endian": b"\x88" if order == "<" else b"\x89"})
    magic = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
    keys = b"](" + b"".join(map(text, storages)) + b"e"
    parts = [magic, b"M\xe9\x03", system, body, keys]
    content = b"".join(map(pickled, parts))
    for array in storages.values():
        swapped = array.astype(array.dtype.newbyteorder(order))
        content += struct.pack(f"{order}q", array.size) + swapped.tobytes()
    path.write_bytes(content)
    return path


def torch_legacy(path, weights=WEIGHTS, wrap=lambda body: body, order="<"):
    entries = {name: tensor(name, one, legacy=True) for name, one in weights.items()}
    return legacy(path, wrap(mapping(entries)), weights, order)


def same(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)


def refused(path, words):
    """The one sentence by which a file is refused, which names it."""
    with pytest.raises(ValueError, match=words) as error:
        read_tensors(path)
    assert str(error.value).startswith(str(path)) and str(error.value)[-1] == "."
    assert "\n" not in str(error.value) and len(str(error.value)) < 600


def nested(key):
    rest = {"epoch": number(3), "best_acc": b"G@V\x99\x99\x99\x99\x99\x9a"}
    return lambda body: (
        b"}("
        + b"".join(
            [
                *(text(name) + value for name, value in rest.items()),
                text(key),
                body,
                b"u",
            ]
        )
    )


@pytest.mark.parametrize("write", [torch_zip, torch_legacy])
@pytest.mark.parametrize("wrap", [lambda x: x, nested("state_dict"), nested("model")])
def test_both_formats_of_pytorch(tmp_path, write, wrap):
    # The suffix of another format says nothing.
    same(read_tensors(write(tmp_path / "w.h5", wrap=wrap)), WEIGHTS)


@pytest.mark.parametrize("write", [torch_zip, torch_legacy])
def test_a_prefix_of_pytorch_is_kept(tmp_path, write):
    weights = {"module.layer1.0.conv1.weight": KERNEL}
    same(read_tensors(write(tmp_path / "w", weights)), weights)


def test_numbers_of_the_other_order_of_bytes(tmp_path):
    same(read_tensors(torch_legacy(tmp_path / "w.th", order=">")), WEIGHTS)
    body = mapping({"w": tensor("0", KERNEL)})
    records = {"0": KERNEL.astype(">f4").tobytes()}
    path = zipped(tmp_path / "w.pth", body, records, byteorder=b"big")
    same(read_tensors(path), {"w": KERNEL})


def test_views_of_one_storage(tmp_path):
    base = np.arange(24, dtype="float32").reshape(4, 6)
    body = mapping(
        {
            "turned": tensor("0", base, shape=(6, 4), stride=(1, 6)),
            "part": tensor("0", base, shape=(2, 3), stride=(6, 1), offset=8),
            "none": tensor("0", base, shape=(0, 3)),
        }
    )
    found = read_tensors(zipped(tmp_path / "w", body, {"0": base.tobytes()}))
    same(found, {"turned": base.T, "part": base[1:3, 2:5], "none": base[:0, :3]})


@pytest.mark.parametrize("kind", ["f2", "f8", "u1", "b1"])
@pytest.mark.parametrize("write", [torch_zip, torch_legacy])
def test_other_numbers_of_pytorch(tmp_path, write, kind):
    weights = {"w": np.array([1, 0, 1]).astype(kind)}
    same(read_tensors(write(tmp_path / "w", weights)), weights)


def bfloat16(array):
    return (array.view("uint32") >> 16).astype("uint16")


def test_bfloat16_becomes_float32(tmp_path):
    cut = (KERNEL.view("uint32") & 0xFFFF0000).view("float32")
    bits = bfloat16(KERNEL)
    body = mapping({"w": tensor("0", KERNEL, kind="BFloat16Storage")})
    same(read_tensors(zipped(tmp_path / "a", body, {"0": bits.tobytes()})), {"w": cut})
    header = {"w": {"dtype": "BF16", "shape": KERNEL.shape}}
    header["w"]["data_offsets"] = (0, bits.nbytes)
    head = json.dumps(header).encode()
    content = struct.pack("<Q", len(head)) + head + bits.tobytes()
    (tmp_path / "b").write_bytes(content)
    same(read_tensors(tmp_path / "b"), {"w": cut})
    (tmp_path / "c").write_bytes(content.replace(b"BF16", b"F8_E4M3".ljust(4)[:4]))
    refused(tmp_path / "c", "is damaged or cut off")


@pytest.mark.parametrize("depth", ["20", "32", "44", "56"])
def test_published_files_of_pytorch(depth):
    place = os.environ.get("KERAZOO_TEST_DATA")
    if not place:
        pytest.skip("KERAZOO_TEST_DATA names no folder with published weights")
    folder = pathlib.Path(place, "weights", "akamaster")
    (path,) = folder.glob(f"resnet{depth}-*.th")
    found = read_tensors(path)
    # Option A has no weights in its shortcuts; and six arrays for each pair of layers.
    assert len(found) == 6 * (int(depth) - 1) + 2 - int(depth) + 1
    assert found["module.conv1.weight"].shape == (16, 3, 3, 3)
    assert list(found)[-2:] == ["module.linear.weight", "module.linear.bias"]
    assert 0.1 < found["module.conv1.weight"].std() < 1


def evil(module, name):
    return called(f"{module} {name}") + several(text("touch PWNED")) + b"R"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("posix", "system"),
        ("builtins", "eval"),
        ("torch.nn.modules.container", "Sequential"),
        ("torch", "load"),
        ("collections", "Counter"),
    ],
)
@pytest.mark.parametrize("write", [torch_zip, torch_legacy])
def test_code_is_named_and_not_run(tmp_path, monkeypatch, write, module, name):
    monkeypatch.chdir(tmp_path)
    words = rf"asks for {module}\.{name}, which .* nothing of it is run; give a file"
    path = write(tmp_path / "w", wrap=lambda body: evil(module, name) + body)
    refused(path, words)
    assert not (tmp_path / "PWNED").exists()


class Evil:
    def __reduce__(self):
        return os.system, ("touch PWNED",)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pythons_own_pickles_are_not_run(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "w.pth"
    path.write_bytes(pickle.dumps({"w": Evil()}, protocol))
    refused(path, "asks for posix.system")
    path.write_bytes(pickle.dumps({"w": [1, 2.5, "x", (None, True)]}, protocol))
    refused(path, "is a pickle, but none of PyTorch's")
    assert not (tmp_path / "PWNED").exists()


def test_a_text_that_says_to_be_a_terabyte(tmp_path):
    (tmp_path / "w").write_bytes(b"\x80\x04\x8d" + struct.pack("<Q", 2**40) + b"x.")
    refused(tmp_path / "w", "pickle cannot be read")


ORDERED = called("collections OrderedDict")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"ios\nsystem\n", r"asks for os\.system"),
        (b"\x8c\x02os\x8c\x06system\x93)R", r"asks for os\.system"),
        (b"\x82\x01", "opcode EXT1"),
        (ORDERED + b")\x81", "opcode NEWOBJ"),
        # To give the function another default, or code of its own.
        (ORDERED + b"N" + mapping({"__code__": b"N"}) + b"\x86b", "out of order"),
        (text("x") + b")R", "calls what is no function"),
        (called("torch._utils _rebuild_tensor_v2") + b")R", "lacks its parts"),
        (b"}]Ns", "keys are neither"),
        (b"s", "pickle cannot be read"),
        (b"r\xff\xff\xff\xff", "pickle cannot be read"),
        (b"j\xff\xff\xff\xff", "pickle cannot be read"),
        (b"]" * 3 + several(text("file"), b"N", b"N", b"N", b"N") + b"Q", "storage"),
        (b"]", "holds no weights by name, .* but a list"),
        (b"}" + text("optimizer") + b"}s", "but optimizer"),
        # A dict within itself.
        (b"}q\x00" + text("model") + b"h\x00s", "holds no weights by name"),
        (mapping({"w": tensor("0", BIAS), "x": b"]"}), "'x' among its weights"),
        (b"}" + number(1) + tensor("0", BIAS) + b"s", "'1' among its weights"),
        (mapping({"w": tensor("1", BIAS)}), "record archive/data/1 is not there"),
        (mapping({"w": tensor("../../x", BIAS)}), "is not there"),
    ],
)
def test_pickles_that_pytorch_does_not_write(tmp_path, body, words):
    refused(zipped(tmp_path / "w", body, {"0": BIAS.tobytes()}), words)


@pytest.mark.parametrize("write", [zipped, legacy])
@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ({"shape": (5,)}, r"shape \(5,\) that does not lie within"),
        ({"shape": (2, 2), "stride": (2, 2)}, "does not lie within"),
        ({"offset": 1}, "does not lie within"),
        ({"offset": -1}, "whose shape is no shape"),
        ({"shape": (2, 2), "stride": (-1, 1)}, "whose shape is no shape"),
        ({"shape": (-4,)}, "whose shape is no shape"),
        ({"shape": (2, 2), "stride": (1,)}, "whose shape is no shape"),
        # Expanded: four numbers that would take a terabyte.
        ({"shape": (2**20, 2**20), "stride": (0, 0)}, "does not lie within"),
        ({"shape": (0, 2**30, 2**30), "stride": (1, 1, 1)}, "whose shape is no shape"),
        ({"kind": "DoubleStorage"}, "needs 32 bytes|lacks its end"),
    ],
)
def test_tensors_that_lie(tmp_path, write, lie, words):
    body = mapping({"w": tensor("0", BIAS, legacy=write is legacy, **lie)})
    stored = {"0": BIAS if write is legacy else BIAS.tobytes()}
    refused(write(tmp_path / "w", body, stored), words)


def test_many_views_do_not_fill_the_memory(tmp_path):
    base = np.zeros(2**20, "float32")
    one = tensor("0", base)
    body = mapping({f"w{number}": one for number in range(600)})
    refused(zipped(tmp_path / "w", body, {"0": base.tobytes()}), "would unpack")


@pytest.mark.parametrize("write", [torch_zip, torch_legacy])
def test_files_of_pytorch_that_are_cut_off(tmp_path, write):
    content = write(tmp_path / "w").read_bytes()
    for size in (1, 3, 20, 100, len(content) // 2, len(content) - 1):
        path = tmp_path / f"cut{size}"
        path.write_bytes(content[:size])
        refused(path, "cut off|none of the formats|no weights|is no .caffemodel")


def test_a_record_of_other_bytes_than_its_checksum(tmp_path):
    path = torch_zip(tmp_path / "w")
    content = bytearray(path.read_bytes())
    content[content.index(KERNEL.tobytes()) + 5] ^= 1
    path.write_bytes(content)
    refused(path, "zip that is damaged or cut off .*CRC")


def test_a_program_of_torchscript(tmp_path):
    body = mapping({"w": tensor("0", BIAS)})
    path = zipped(tmp_path / "w", body, {}, **{"constants.pkl": b"\x80\x02)."})
    refused(path, "is a program of TorchScript")


# A plain zip of one file, as pytorchcv publishes them.


def pack(path, members, how=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("write", [torch_zip, torch_legacy])
def test_a_zip_of_one_file(tmp_path, write):
    content = write(tmp_path / "w").read_bytes()
    path = pack(tmp_path / "w.zip", {"folder/": b"", "folder/w.pth": content})
    same(read_tensors(path), WEIGHTS)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"../w.pth": b"x"}, r"'\.\./w\.pth', whose name leads out"),
        ({"/etc/w": b"x"}, "leads out"),
        ({"a\\..\\w": b"x"}, "leads out"),
        ({"C:\\w": b"x"}, "leads out"),
        ({"a.pth": b"x", "b.pth": b"y"}, r"holds 2 files \(a\.pth, b\.pth\)"),
        ({}, r"holds 0 files \(nothing\)"),
        ({"w.pth": b""}, "is empty"),
        ({"w.pth": b"<!DOCTYPE html><html>"}, "is a page, not a file"),
        ({"w.pth": b"\0" * (2**26 + 1)}, r"would unpack [\d,]+ bytes to 67,108,865"),
    ],
)
def test_zips_of_something_else(tmp_path, members, words):
    refused(pack(tmp_path / "w.zip", members), words)


def test_a_zip_in_a_zip_in_a_zip(tmp_path):
    content = torch_legacy(tmp_path / "w").read_bytes()
    for _ in range(2):
        content = pack(tmp_path / "w.zip", {"w.pth": content}).read_bytes()
    refused(tmp_path / "w.zip", "a zip in a zip")


def test_a_zip_that_lies_about_its_size(tmp_path):
    path = pack(tmp_path / "w.zip", {"w.pth": b"\0" * 2**24})
    content = path.read_bytes().replace(struct.pack("<I", 2**24), struct.pack("<I", 9))
    path.write_bytes(content)
    refused(path, "zip that is damaged")


def test_a_zip_with_a_password(tmp_path):
    content = bytearray(pack(tmp_path / "w.zip", {"w": b"x"}).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "w.zip").write_bytes(content)
    refused(tmp_path / "w.zip", "locked by a password")


# safetensors.


def test_safetensors(tmp_path):
    path = tmp_path / "w.bin"
    weights = dict(sorted({**WEIGHTS, "half": BIAS.astype("float16")}.items()))
    safetensors.numpy.save_file(weights, path)
    found = read_tensors(path)
    same(dict(sorted(found.items())), weights)
    content = path.read_bytes()
    for other in (content[:-1], content + b"x", content[:30]):
        path.write_bytes(other)
        refused(path, "is damaged or cut off")
    path.write_bytes(content.replace(b"[4,3,2,2]", b"[4,3,2,3]"))
    refused(path, "is damaged or cut off")


# Keras.


def legacy_h5(path, inside="", layers=None, names=np.bytes_):
    """A file of Keras; h5py writes lists of bytes as ``object``, and once as bytes."""
    layers = layers or {"conv": {"conv/kernel:0": KERNEL, "conv/bias:0": BIAS}}
    with h5py.File(path, "w") as file:
        top = file.create_group(inside) if inside else file
        top.attrs["layer_names"] = np.array([*layers], names)
        for layer, variables in layers.items():
            group = top.create_group(layer)
            listed = np.array([*variables], names if variables else "f8")
            group.attrs["weight_names"] = listed
            for name, array in variables.items():
                group[name] = array
    return path


@pytest.mark.parametrize("names", [np.bytes_, h5py.string_dtype()])
@pytest.mark.parametrize("inside", ["", "model_weights"])
def test_legacy_files_of_keras(tmp_path, inside, names):
    # Of old, Keras' names go on counting where a layer keeps its name.
    layers = {
        "z": {"conv_7/kernel:0": KERNEL, "conv_7/bias:0": BIAS},
        "a": {"beta": BIAS},
        "input": {},
        "body": {"one/kernel:0": KERNEL, "two/kernel:0": KERNEL + 1},
    }
    path = legacy_h5(tmp_path / "w", inside, layers, names)
    expected = {"z/kernel": KERNEL, "z/bias": BIAS, "a/beta": BIAS}
    expected |= {"body/one/kernel": KERNEL, "body/two/kernel": KERNEL + 1}
    same(read_tensors(path), expected)


def test_names_that_keras_cuts_into_several_attributes(tmp_path):
    path = legacy_h5(tmp_path / "w")
    with h5py.File(path, "a") as file:
        del file.attrs["layer_names"]
        file.attrs["layer_names0"] = [b"conv"]
        file.attrs["layer_names1"] = [b"fc"]
        file.create_group("fc").attrs["weight_names"] = [b"fc/bias"]
        file["fc/fc/bias"] = BIAS
    assert list(read_tensors(path)) == ["conv/kernel", "conv/bias", "fc/bias"]


def test_what_keras_itself_writes(tmp_path):
    import keras

    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, name="fc"), keras.layers.Dense(2)]
    )
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    kernel, bias = (np.asarray(one) for one in model.layers[0].weights)
    model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    for name in ("m.keras", "m.weights.h5"):
        found = read_tensors(tmp_path / name)
        places = [f"layers/dense{count}/vars/{n}" for count in ("", "_1") for n in "01"]
        assert sorted(found) == sorted(places)
        np.testing.assert_array_equal(found["layers/dense/vars/0"], kernel)
        np.testing.assert_array_equal(found["layers/dense/vars/1"], bias)
    half = keras.layers.Dense(2, dtype="bfloat16")
    model = keras.Sequential([keras.Input((4,)), half])
    model.save_weights(tmp_path / "b.weights.h5")
    found = read_tensors(tmp_path / "b.weights.h5")["layers/dense/vars/0"]
    np.testing.assert_array_equal(found, np.asarray(half.kernel).astype("float32"))


def test_links_that_lead_elsewhere(tmp_path):
    with h5py.File(tmp_path / "secret", "w") as file:
        file["x"] = BIAS
    links = [h5py.ExternalLink(str(tmp_path / "secret"), "/x"), h5py.SoftLink("/conv")]
    for link in links:
        path = legacy_h5(tmp_path / "w")
        with h5py.File(path, "a") as file:
            del file["conv/conv/bias:0"]
            file["conv/conv/bias:0"] = link
        refused(path, "has a link at conv/conv/bias:0 that leads elsewhere")


def replaced(path, make):
    """A legacy file whose bias ``make`` has made."""
    legacy_h5(path)
    with h5py.File(path, "a") as file:
        del file["conv/conv/bias:0"]
        make(file["conv/conv"])
    return path


def test_numbers_that_lie_elsewhere(tmp_path):
    (tmp_path / "secret").write_bytes(b"0123456789abcdef")
    outside = [(str(tmp_path / "secret"), 0, 16)]
    path = replaced(
        tmp_path / "w",
        lambda group: group.create_dataset("bias:0", (4,), "f4", external=outside),
    )
    refused(path, "keeps conv/bias in another file")
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "secret"), "x", (4,))
    path = replaced(
        tmp_path / "v", lambda group: group.create_virtual_dataset("bias:0", layout)
    )
    refused(path, "keeps conv/bias in another file")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        # A terabyte, of which nothing was ever written.
        (lambda g: g.create_dataset("bias:0", (2**38,), "f4"), "only 0 bytes"),
        (
            lambda g: g.create_dataset("bias:0", (2**38,), "f4", chunks=(2**10,)),
            "only 0 bytes",
        ),
        (
            lambda g: g.create_dataset(
                "bias:0", data=np.zeros(2**24 + 1, "f4"), compression="gzip"
            ),
            "would unpack",
        ),
        (
            lambda g: g.create_dataset("bias:0", data=BIAS, compression="lzf"),
            "packed in a way",
        ),
        (lambda g: g.create_dataset("bias:0", data="text"), "no numbers"),
        (lambda g: g.create_dataset("bias:0", data=h5py.Empty("f4")), "is empty"),
        (lambda g: g.create_group("bias:0"), "holds no numbers"),
        (lambda g: None, "is damaged"),
        (lambda g: g.__setitem__("bias:0", g["kernel:0"]), "stands at two places"),
        (lambda g: g.__setitem__("bias:0", g.parent), "stands at two places"),
    ],
)
def test_numbers_of_hdf5_that_lie(tmp_path, make, words):
    refused(replaced(tmp_path / "w", make), words)


def test_numbers_that_are_packed(tmp_path):
    path = replaced(
        tmp_path / "w",
        lambda group: group.create_dataset(
            "bias:0", data=BIAS, compression="gzip", shuffle=True
        ),
    )
    same(read_tensors(path), {"conv/kernel": KERNEL, "conv/bias": BIAS})


def test_hdf5_of_others_or_cut_off(tmp_path):
    path = tmp_path / "w"
    with h5py.File(path, "w") as file:
        file["x"] = BIAS
    refused(path, "HDF5, but none of Keras' files")
    content = legacy_h5(path).read_bytes()
    for size in (8, 100, len(content) // 2, len(content) - 8):
        path.write_bytes(content[:size])
        refused(path, "is damaged or cut off")


# Caffe.


def varint(value):
    found = b""
    while value > 0x7F:
        found, value = found + bytes([value & 0x7F | 0x80]), value >> 7
    return found + bytes([value])


def field(number, content, kind=2):
    size = varint(len(content)) if kind == 2 else b""
    return varint(number << 3 | kind) + size + content


def blob(array, packed=True, old=False):
    shape = [1] * (4 - array.ndim) + list(array.shape)
    head = b"".join(field(i + 1, varint(n), 0) for i, n in enumerate(shape))
    if not old:
        head = field(7, field(1, b"".join(map(varint, array.shape))))
    if packed:
        return head + field(5, array.tobytes())
    return head + b"".join(
        field(5, one.tobytes(), 5) for one in array.astype("<f4").ravel()
    )


def caffemodel(*blobs, v1=False, name="conv1"):
    kind, number = (4, 6) if v1 else (1, 7)
    layer = field(kind, name.encode()) + field(3, b"top")
    layer += b"".join(field(number, one) for one in blobs)
    data = field(kind, b"data")
    layers = [field(2 if v1 else 100, one) for one in (data, layer)]
    return field(1, b"AlexNet") + b"".join(layers)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("v1", [True, False])
def test_caffemodels(tmp_path, packed, v1):
    path = tmp_path / "w"
    many = RNG.normal(size=(30, 10)).astype("float32")
    blobs = [blob(one, packed, old=v1) for one in (KERNEL, BIAS, many)]
    path.write_bytes(caffemodel(*blobs, v1=v1))
    shapes = [(1,) * (4 - one.ndim) if v1 else () for one in (KERNEL, BIAS, many)]
    expected = {
        f"conv1/{n}": one.reshape(shape + one.shape)
        for n, (one, shape) in enumerate(zip((KERNEL, BIAS, many), shapes, strict=True))
    }
    same(read_tensors(path), expected)


def test_doubles_of_caffe_and_differences(tmp_path):
    content = field(7, field(1, varint(4), 0)) + field(8, BIAS.astype("f8").tobytes())
    content += field(6, BIAS.tobytes())
    (tmp_path / "w").write_bytes(caffemodel(content))
    same(read_tensors(tmp_path / "w"), {"conv1/0": BIAS.astype("f8")})


SHAPE = field(7, field(1, varint(4)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (caffemodel(blob(KERNEL))[:-1], "reaches beyond its end"),
        (caffemodel(blob(KERNEL))[:40], "reaches beyond its end"),
        (caffemodel(SHAPE + field(5, BIAS.tobytes()[:-4])), r"shape \(4,\) holds 3"),
        (caffemodel(SHAPE + field(5, BIAS.tobytes()[:-1])), "within a number"),
        (caffemodel(SHAPE + field(5, b"\0\0\0\0", 5)), r"\(4,\) holds 1 "),
        (caffemodel(SHAPE + b"\xad\x80\0" + BIAS.tobytes()[:4]), "longer way"),
        (caffemodel(field(5, BIAS.tobytes())), "holds 4 numbers"),
        (caffemodel(SHAPE), r"\(4,\) holds 0"),
        (caffemodel(field(7, field(1, varint(2**60)))), "holds 0 numbers"),
        (caffemodel(blob(BIAS), name=""), "has no name"),
        (caffemodel(blob(BIAS)) + caffemodel(blob(BIAS)), "stands there twice"),
        (caffemodel(), "no .caffemodel with weights"),
        (b"\x0a\x01x\x0b", "unknown type 3"),
        (b"\x0a\x01x" + b"\xff" * 12, "a number has no end"),
        (b"\x0a\x01x\xff", "ends within a number"),
        (b"\x0a\x01x\x15\0", "ends within a number"),
        (b"\x0a\x01x\xa0\x06\x01", "a layer is a number"),
        (b"\nA text that begins with an empty line.\n", "as a .caffemodel"),
    ],
)
def test_caffemodels_that_lie(tmp_path, content, words):
    (tmp_path / "w.caffemodel").write_bytes(content)
    refused(tmp_path / "w.caffemodel", words)


# Anything else.

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html>\n<html>", "is a page, not a file"),
        (b"\xef\xbb\xbf \n<html lang='en'>", "is a page, not a file"),
        (LFS.encode(), "is a pointer of Git LFS, not the file itself"),
        (b"GIF89a\x00\x00", "is none of the formats .* safetensors, PyTorch"),
        (b"\x93NUMPY\x01\x00", "is none of the formats"),
        (b"\0" * 1000, "is none of the formats"),
        (b"PK\x03\x04" + b"\0" * 100, "zip that is damaged"),
    ],
)
def test_what_is_no_file_of_weights(tmp_path, content, words):
    (tmp_path / "w.pth").write_bytes(content)
    refused(tmp_path / "w.pth", words)


def test_no_file(tmp_path):
    refused(tmp_path, "is no file; give a file of weights")
    refused(tmp_path / "none", "is not there")


@pytest.mark.parametrize(
    ("value", "kind"), [(np.nan, "NaN"), (np.inf, "an infinity"), (-np.inf, "an inf")]
)
def test_numbers_that_are_not_finite(tmp_path, value, kind):
    weights = {"one": KERNEL, "two": np.array([0, value, 1], "float32")}
    for write in (torch_zip, torch_legacy):
        refused(write(tmp_path / "w", weights), f"holds {kind}.* in two; get it from")
    safetensors.numpy.save_file(weights, tmp_path / "s")
    refused(tmp_path / "s", f"holds {kind}.* in two")
    layers = {"two": {"k": weights["two"]}}
    refused(legacy_h5(tmp_path / "h", layers=layers), f"holds {kind}.* in two/k")
    (tmp_path / "c").write_bytes(caffemodel(blob(weights["two"]), name="two"))
    refused(tmp_path / "c", f"holds {kind}.* in two/0")


@pytest.mark.parametrize("write", [torch_zip, torch_legacy, legacy_h5])
def test_damage_at_any_place_ends_in_a_sentence(tmp_path, write):
    content = write(tmp_path / "w").read_bytes()
    rng = np.random.default_rng(1)
    for place in rng.integers(0, len(content), 150):
        damaged = bytearray(content)
        damaged[place] ^= int(rng.integers(1, 256))
        (tmp_path / "d").write_bytes(damaged)
        try:
            found = read_tensors(tmp_path / "d")
        except ValueError as error:
            assert re.match(re.escape(str(tmp_path / "d")), str(error)), error
        else:
            # Where no check sees it: a number, or a name.
            assert sum(one.nbytes for one in found.values()) <= len(content)


def test_nothing_keeps_the_file_open(tmp_path):
    path = legacy_h5(tmp_path / "w")
    found = read_tensors(path)
    path.write_bytes(io.BytesIO(b"<html>").getvalue())
    same(found, {"conv/kernel": KERNEL, "conv/bias": BIAS})
