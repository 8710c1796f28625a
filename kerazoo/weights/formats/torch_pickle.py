"""The pickles of PyTorch's state dicts, read by a machine that can run nothing.

``pickle`` itself imports what a pickle names, and calls it. This machine knows the
opcodes that plain data and tensors are made of, and a closed list of names; whatever
else is asked for is refused by its name. https://github.com/python/cpython/blob/main/\
Lib/pickletools.py says what every opcode does.
"""

import dataclasses
import math
import os
import pickletools
import warnings
from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np

from kerazoo.weights import contents
from kerazoo.weights.formats.tensors import damaged, from_bfloat16

BFLOAT16 = "BFloat16Storage"
STORAGES = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", BFLOAT16: "u2",
    "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1",
    "ByteStorage": "u1", "BoolStorage": "?",
}  # fmt: skip
# Where a checkpoint keeps the weights beside what else its training left.
NESTS = ("state_dict", "model")
MAX_RANK = 8
# A name in an error; a file could make it as long as it likes.
SHOWN = 100


@dataclasses.dataclass(frozen=True)
class StorageType:
    """The type of a storage, as a pickle names it."""

    name: str


@dataclasses.dataclass(frozen=True)
class Storage:
    """A stretch of numbers of one type, in the file beside the pickle.

    Attributes:
        type: The type of its numbers.
        key: The name of the record that holds them.
        start: Where in the record they begin, in numbers.
        size: So many they are.
    """

    type: StorageType
    key: str
    start: int
    size: int


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A view of a storage; offset and stride count numbers, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class Refused(ValueError):
    """A pickle asks for what it may not have; the message goes on after the path."""


class _Mark:
    """Where the items of a tuple, list or dict begin on the stack."""


def _counts(*values):
    whole = all(type(one) is int and 0 <= one < 2**40 for one in values)
    if not whole:
        raise Refused("holds a tensor whose shape is no shape")


def _tensor(storage, offset, shape, stride, *rest):
    if not (
        isinstance(storage, Storage)
        and isinstance(shape, tuple)
        and isinstance(stride, tuple)
        and len(shape) == len(stride) <= MAX_RANK
    ):
        raise Refused("holds a tensor whose shape is no shape")
    _counts(offset, *shape, *stride)
    last = offset + sum((n - 1) * step for n, step in zip(shape, stride, strict=True))
    count = math.prod(shape)
    if not count:
        # NumPy multiplies the other sides, though nothing is in them.
        _counts(math.prod(size or 1 for size in shape))
    if count and (last >= storage.size or count > storage.size):
        raise Refused(
            f"holds a tensor of shape {shape} that does not lie within its storage of "
            f"{storage.size:,} numbers"
        )
    return Tensor(storage, offset, shape, stride)


def _parameter(data=None, *rest):
    if not isinstance(data, Tensor):
        raise Refused("holds a parameter that is no tensor")
    return data


def _ordered(items=()):
    if not isinstance(items, (list, tuple)):
        raise Refused("holds an OrderedDict of something else")
    found = {}
    for item in items:
        if not (isinstance(item, (list, tuple)) and len(item) == 2):
            raise Refused("holds an OrderedDict of something else")
        found[_key(item[0])] = item[1]
    return found


def _size(items=()):
    if not isinstance(items, tuple):
        raise Refused("holds a torch.Size of something else")
    return items


# All that may be called, and what is called in its place.
CALLS: dict[str, Callable[..., Any]] = {
    "collections OrderedDict": _ordered,
    "torch._utils _rebuild_tensor": _tensor,
    "torch._utils _rebuild_tensor_v2": _tensor,
    "torch._utils _rebuild_parameter": _parameter,
    "torch.nn.parameter Parameter": _parameter,
    "torch Size": _size,
}


def _key(key):
    if not (key is None or isinstance(key, (str, int, float, bool))):
        raise Refused("holds a dict whose keys are neither texts nor numbers")
    return key


def _named(module, name):
    if not (isinstance(module, str) and isinstance(name, str)):
        raise Refused("names what it wants by something else than a text")
    if module == "torch" and name in STORAGES:
        return StorageType(name)
    found = CALLS.get(f"{module} {name}")
    if found is None:
        raise Refused(
            f"asks for {module[:SHOWN]}.{name[:SHOWN]}, which weights do not need and "
            "which could run code, so that nothing of it is run"
        )
    return found


class _Machine:
    """The stack of one pickle."""

    def __init__(self, persistent):
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.persistent = persistent

    def pop(self, kind=object):
        found = self.stack.pop()
        if isinstance(found, _Mark) or not isinstance(found, kind):
            raise Refused("is no pickle of weights: its stack is out of order")
        return found

    def top(self, kind):
        found = self.stack[-1]
        if not isinstance(found, kind):
            raise Refused("is no pickle of weights: its stack is out of order")
        return found

    def since_mark(self):
        found = []
        while not isinstance(self.stack[-1], _Mark):
            found.append(self.stack.pop())
        self.stack.pop()
        return found[::-1]

    def pairs(self):
        items = self.since_mark()
        return zip(map(_key, items[::2]), items[1::2], strict=True)

    def step(self, name, arg):
        """Does what one opcode says."""
        push = self.stack.append
        if name in LITERALS:
            push(CONSTANTS.get(name, arg))
        elif name in MAKERS:
            MAKERS[name](self)
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[arg] = self.top(object)
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = self.top(object)
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            push(self.memo[arg])
        elif name in ("GLOBAL", "INST"):
            push(_named(*arg.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            what, module = self.pop(), self.pop()
            push(_named(module, what))
        elif name not in ("PROTO", "FRAME"):
            raise Refused(f"is no pickle of weights: it uses the opcode {name}")

    def reduce(self):
        arguments, function = self.pop(tuple), self.pop()
        if function not in CALLS.values():
            raise Refused("calls what is no function")
        try:
            self.stack.append(function(*arguments))
        except TypeError as error:
            raise Refused("holds a tensor that lacks its parts") from error

    def build(self):
        # State dicts carry versions of layers as an attribute; nothing is read of it.
        self.pop()
        self.top(dict)

    def set_item(self):
        value, key = self.pop(), self.pop()
        self.top(dict)[_key(key)] = value

    def set_items(self):
        pairs = self.pairs()
        self.top(dict).update(pairs)

    def append(self):
        item = self.pop()
        self.top(list).append(item)

    def extend(self):
        items = self.since_mark()
        self.top(list).extend(items)

    def persist(self):
        self.stack.append(self.persistent(self.pop()))

    def tuple_of(self, count):
        items = [self.pop() for _ in range(count)]
        self.stack.append(tuple(items[::-1]))


CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
LITERALS = {
    *CONSTANTS,
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"),
    *("FLOAT", "BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES"),
}
MAKERS: dict[str, Callable[[_Machine], None]] = {
    "MARK": lambda m: m.stack.append(_Mark()),
    "EMPTY_DICT": lambda m: m.stack.append({}),
    "EMPTY_LIST": lambda m: m.stack.append([]),
    "EMPTY_TUPLE": lambda m: m.stack.append(()),
    "DICT": lambda m: m.stack.append(dict(m.pairs())),
    "LIST": lambda m: m.stack.append(m.since_mark()),
    "TUPLE": lambda m: m.stack.append(tuple(m.since_mark())),
    "TUPLE1": lambda m: m.tuple_of(1),
    "TUPLE2": lambda m: m.tuple_of(2),
    "TUPLE3": lambda m: m.tuple_of(3),
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.extend,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persist,
}


def load(
    stream: IO[bytes],
    place: str | os.PathLike,
    types: dict[str, StorageType] | None = None,
) -> Any:
    """The data of one pickle, with a :class:`Tensor` for each tensor.

    Args:
        stream: Stands at the pickle's beginning, and afterwards behind its end.
        place: The file, for the errors.
        types: Is given the type of every record that is named, used or not.

    Raises:
        ValueError: Where it is damaged, or asks for more than data and tensors.
    """

    def persistent(given):
        found = _storage(given)
        if types is not None and types.setdefault(found.key, found.type) != found.type:
            raise Refused("names one storage by two types")
        return found

    machine = _Machine(persistent)
    try:
        with warnings.catch_warnings():
            # Of texts that are escaped in a wrong way.
            warnings.simplefilter("ignore")
            for opcode, arg, _ in pickletools.genops(stream):
                if opcode.name == "STOP":
                    return machine.pop()
                machine.step(opcode.name, arg)
    except Refused as error:
        raise ValueError(
            f"{place} {error}; give a file that holds a state dict alone."
        ) from error
    except (ValueError, LookupError, OverflowError, TypeError) as error:
        raise damaged(place, f"its pickle cannot be read ({error})") from error
    raise damaged(place, "its pickle has no end")


def _storage(given):
    """What a pickle says of a storage, in either format."""
    if not (isinstance(given, tuple) and len(given) in (5, 6)):
        raise Refused("names a storage in an unknown way")
    word, kind, key, _, size, *view = given
    if word != "storage" or not isinstance(kind, StorageType):
        raise Refused("names a storage in an unknown way")
    start = 0
    if view and view[0] is not None:
        if not (isinstance(view[0], tuple) and len(view[0]) == 3):
            raise Refused("names a storage in an unknown way")
        _, start, size = view[0]
    _counts(start, size)
    return Storage(kind, str(key), start, size)


def state_dict(loaded: Any, place: str | os.PathLike) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name, from below ``state_dict`` or ``model``.

    Raises:
        ValueError: Where there are none, or they are ordered in another way.
    """
    nest = loaded
    while isinstance(nest, dict) and not any(_tensors(nest)):
        inner = [nest[key] for key in NESTS if isinstance(nest.get(key), dict)]
        if not inner or inner[0] is nest:
            break
        nest = inner[0]
    if not isinstance(nest, dict) or not any(_tensors(nest)):
        keys = [str(key)[:SHOWN] for key in loaded] if isinstance(loaded, dict) else []
        holds = ", ".join(keys[:5]) or f"a {type(loaded).__name__}"
        raise ValueError(
            f"{place} holds no weights by name, nor below 'state_dict' or 'model', but "
            f"{holds}; give a file of a state dict."
        )
    for key, value in nest.items():
        if not isinstance(key, str) or isinstance(value, (dict, list, tuple)):
            raise ValueError(
                f"{place} holds {str(key)[:SHOWN]!r} among its weights, which is no "
                "tensor with a name; give a file of a state dict."
            )
    return dict(_tensors(nest))


def _tensors(nest: dict) -> Iterator[tuple[Any, Tensor]]:
    return ((key, one) for key, one in nest.items() if isinstance(one, Tensor))


def _strides(tensor, itemsize):
    """Those along axes that are walked, in bytes."""
    walked = 0 not in tensor.shape
    pairs = zip(tensor.shape, tensor.stride, strict=True)
    return [step * itemsize * (size > 1 and walked) for size, step in pairs]


def arrays(
    tensors: dict[str, Tensor],
    record: Callable[[Storage], np.ndarray],
    order: str,
    place: str | os.PathLike,
) -> dict[str, np.ndarray]:
    """Tensors as arrays of their own.

    Args:
        tensors: What :func:`state_dict` gave.
        record: Gives the bytes of the record that holds a storage.
        order: The order of bytes in the file, ``<`` or ``>``.
        place: The file, for the errors.

    Raises:
        ValueError: Where a storage is beyond its record, or the tensors take more
            memory than the file bears out.
    """
    kinds = {one: np.dtype(order + STORAGES[one.type.name])
             for one in {tensor.storage for tensor in tensors.values()}}  # fmt: skip
    whole = sum(
        math.prod(t.shape) * kinds[t.storage].itemsize for t in tensors.values()
    )
    stored = sum(one.size * kind.itemsize for one, kind in kinds.items())
    contents.check_unpacked(whole, stored, place)
    found = {}
    for name, tensor in tensors.items():
        kind, storage = kinds[tensor.storage], tensor.storage
        content = record(storage)
        stop = (storage.start + storage.size) * kind.itemsize
        if stop > content.size:
            raise damaged(
                place,
                f"{name[:SHOWN]} needs {stop:,} bytes, but {content.size:,} are there",
            )
        numbers = content[storage.start * kind.itemsize : stop].view(kind)
        # `_tensor` has seen that all of them lie within the storage.
        view = np.lib.stride_tricks.as_strided(
            numbers[tensor.offset :],
            tensor.shape,
            _strides(tensor, kind.itemsize),
            writeable=False,
        )
        native = view.astype(kind.newbyteorder("="), order="C", copy=True)
        bits = storage.type.name == BFLOAT16
        found[name] = from_bfloat16(native) if bits else native
    return found
