"""A network as steps that can be compared, whoever wrote its layers.

Two models of one network seldom have the same layers: a padding is a layer of its own
or a word of the convolution, an activation stands inside a layer or behind it, a whole
body is one layer of another model. Here all of them are the same steps in the same
order, which depends on no name.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
from keras import layers

from kerazoo.surgery.graph import Graph, is_graph
from kerazoo.surgery.open_models import open_models
from kerazoo.surgery.padding import NONE, padding_of, rule_of
from kerazoo.symbolic import symbolic

# What merges branches in any order.
SUMS: dict[type, str] = {
    layers.Add: "sum",
    layers.Multiply: "product",
    layers.Average: "mean",
    layers.Maximum: "maximum",
    layers.Concatenate: "concatenation",
}
# The same, written as an operation of tensors.
OPERATIONS = {
    "Add": "sum",
    "Multiply": "product",
    "Maximum": "maximum",
    "Concatenate": "concatenation",
}
MERGES = (*SUMS.values(), *OPERATIONS.values())
# Those derived from another stand before it.
DROPOUTS: dict[type, str] = {
    layers.SpatialDropout2D: "spatial dropout",
    layers.AlphaDropout: "alpha dropout",
    layers.GaussianDropout: "Gaussian dropout",
    layers.Dropout: "dropout",
}
POOLINGS: dict[type, str] = {
    layers.MaxPooling2D: "max pooling",
    layers.AveragePooling2D: "average pooling",
}
GLOBAL: dict[type, str] = {
    layers.GlobalAveragePooling2D: "global average pooling",
    layers.GlobalMaxPooling2D: "global max pooling",
}
# They hand their input on.
IDLE = (layers.InputLayer, layers.Identity, layers.ActivityRegularization)
# What a step is known by, whatever else it is like.
SIZES = ("kernel", "filters", "units", "window")
WEIGHTED = (
    "convolution", "depthwise convolution", "transposed convolution", "dense layer",
)  # fmt: skip
# Of a layer's configuration, what changes nothing that is computed after training.
NO_DETAILS = ("name", "trainable", "dtype", "data_format", "seed", "batch_shape")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Padding:
    """What is added around a map.

    Attributes:
        rule: ``same``, ``valid``, ``ceil``, or ``pixels`` where they are counted.
        sides: ``((above, below), (left, right))``; ``None`` where a size is open.
    """

    rule: str
    sides: tuple[tuple[int, int], tuple[int, int]] | None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Padding):
            return NotImplemented
        # Where an earlier layer differs, the pixels of a rule do too.
        if self.rule == other.rule != "pixels":
            return True
        return self.sides is not None and self.sides == other.sides

    def __hash__(self) -> int:
        return hash(type(self))

    def __str__(self) -> str:
        if self.sides is None:
            return self.rule
        (above, below), (left, right) = self.sides
        if above == below == left == right:
            words = str(above)
        elif (above, below) == (left, right):
            words = f"{above} before and {below} behind"
        else:
            words = f"{above} above, {below} below, {left} left, {right} right"
        return words if self.rule == "pixels" else f"{words} ({self.rule})"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """Something that a network does.

    Attributes:
        key: Its name, which no other step has.
        layer: The layer that does it.
        kind: What it is, as in ``convolution``; of what has no word here the class.
        details: How it does it, by the name of the field.
        sources: The keys of the steps that it reads; none for what reads the images.
        shape: Of its output, without the batch.
    """

    key: str
    layer: str
    kind: str
    details: Mapping[str, Any]
    sources: tuple[str, ...]
    shape: tuple[int | None, ...]

    @property
    def token(self) -> tuple:
        """Its kind and its sizes, by which it is found in another network."""
        return (self.kind, *(self.details.get(one) for one in SIZES))

    def __str__(self) -> str:
        details = self.details
        if self.kind == "activation":
            return str(details["function"])
        if self.kind == "dense layer":
            return f"dense layer of {details['units']:,}"
        if "rate" in details:
            return f"{self.kind} of {details['rate']:g}"
        size = details.get("kernel") or details.get("window")
        words = f"{size} {self.kind}" if size else self.kind
        if "filters" in details:
            words += f" of {details['filters']:,}"
        stride = details.get("stride", "1x1")
        return words if stride == "1x1" else f"{words}, stride {stride.split('x')[0]}"


def steps_of(
    model: keras.Model, shape: Sequence[int | None] | None = None
) -> dict[str, Step]:
    """What a network does, by key, in an order that depends on no name.

    What is done to the images before the first step that is a network's, such as a
    resizing or a subtraction of means, is left out.

    Args:
        model: A functional or sequential model; models inside it are opened.
        shape: ``(height, width, channels)`` of the images that it is to see, where its
            own size is open.

    Raises:
        ValueError: Where there is no graph, a layer is used twice, or channels stand
            first.
    """
    graph = Graph(flat(model, shape))
    found: dict[str, Step] = {}
    # The steps, or what stands for one, that give a layer's output.
    ends: dict[str, str | None] = {}
    paddings: dict[str, tuple] = {}
    for operation in graph.model.operations:
        name, calls = operation.name, graph.calls[operation.name]
        if len(calls) > 1:
            raise ValueError(
                f"{model.name} uses its layer {name} {len(calls)} times; give a model "
                "in which each layer is used once."
            )
        if getattr(operation, "data_format", None) == "channels_first":
            raise ValueError(
                f"The layer {name} of {model.name} has its channels first; give a "
                "model with channels last."
            )
        before = calls[0] if calls else []
        sources = tuple(dict.fromkeys(ends[one] for one in before))
        read = tuple(one for one in sources if one is not None)
        last = read[0] if read else None
        if isinstance(operation, layers.ZeroPadding2D) and _is_part(graph, name):
            paddings[name], ends[name] = operation.padding, last
            continue
        padded = paddings.get(before[0]) if before else None
        made = list(_made(operation, _grid(graph, before), padded))
        if not read and made and made[0][0] not in KNOWN:
            # It is done to the images.
            made = []
        for number, (kind, details) in enumerate(made):
            step = Step(
                key=f"{name}/{kind}" if number else name,
                layer=name,
                kind=kind,
                details=details,
                sources=read,
                shape=_shape(operation),
            )
            found[step.key], read, last = step, (step.key,), step.key
        ends[name] = last
    outputs = [ends[name] for name in keras.tree.flatten(graph.outputs)]
    return _in_order(_merged(found), [one for one in outputs if one is not None])


# Steps that stand at the beginning of a network, not before it.
KNOWN = (
    *WEIGHTED, *POOLINGS.values(), *GLOBAL.values(), *DROPOUTS.values(),
    "batch norm", "activation", "padding",
)  # fmt: skip


def _shape(operation):
    return tuple(keras.tree.flatten(operation.output)[0].shape[1:])


def _is_part(graph, name):
    """Whether a padding belongs to the windows that read it."""
    readers = [one for one, calls in graph.calls.items() if [name] in calls]
    outputs = keras.tree.flatten(graph.outputs)
    windows = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, *POOLINGS)
    every = {one.name: one for one in graph.model.operations}
    return name not in outputs and all(
        isinstance(every[one], windows) and rule_of(every[one]) == "valid"
        for one in readers
    )


def _grid(graph, before):
    """Height and width of what a layer reads."""
    shape = graph.shapes.get(before[0], ()) if before else ()
    return shape[:2] if len(shape) == 3 else (None, None)


def _made(operation, grid, padded):
    """What a layer does, one after the other."""
    shape = _shape(operation)
    if isinstance(operation, IDLE) or _is_idle(operation):
        return
    if isinstance(operation, layers.ZeroPadding2D):
        yield "padding", {"padding": Padding(rule="pixels", sides=operation.padding)}
    elif isinstance(operation, layers.SeparableConv2D):
        depth, wide = operation.depth_multiplier, _window(operation, grid, padded)
        yield "depthwise convolution", wide | {"multiplier": depth, "bias": False}
        yield "convolution", _pointwise(operation.filters, operation)
    elif isinstance(operation, layers.DepthwiseConv2D):
        wide = _window(operation, grid, padded)
        depth, bias = operation.depth_multiplier, operation.use_bias
        yield "depthwise convolution", wide | {"multiplier": depth, "bias": bias}
    elif isinstance(operation, layers.Conv2DTranspose):
        details = _window(operation, (None, None), padded)
        filters = {"filters": operation.filters, "bias": operation.use_bias}
        yield "transposed convolution", details | filters
    elif isinstance(operation, layers.Conv2D):
        details = _window(operation, grid, padded)
        if shape[:2] == (1, 1) and _is_whole(details, grid) and operation.groups == 1:
            yield "dense layer", _dense(operation.filters, operation)
        else:
            sizes = {"filters": operation.filters, "groups": operation.groups}
            yield "convolution", details | sizes | {"bias": operation.use_bias}
    elif isinstance(operation, layers.Dense):
        if len(shape) == 3:
            yield "convolution", _pointwise(operation.units, operation)
        else:
            yield "dense layer", _dense(operation.units, operation)
    elif isinstance(operation, layers.BatchNormalization):
        fields = ("epsilon", "momentum", "scale", "center")
        yield "batch norm", {one: getattr(operation, one) for one in fields}
    elif type(operation) in SUMS:
        yield SUMS[type(operation)], {}
    elif isinstance(operation, tuple(DROPOUTS)):
        names = (words for one, words in DROPOUTS.items() if isinstance(operation, one))
        yield next(names), {"rate": getattr(operation, "rate", None)}
    elif type(operation) in GLOBAL:
        yield GLOBAL[type(operation)], {}
    elif (kind := _pooling(operation)) is not None:
        details = _window(operation, grid, padded)
        if shape[:2] == (1, 1) and _is_whole(details, grid):
            yield f"global {kind}", {}
        else:
            counted = padded is not None and kind == "average pooling"
            yield kind, details | ({"counts padding": True} if counted else {})
    elif (function := _function(operation)) is not None:
        yield "activation", {"function": function}
        return
    elif not isinstance(operation, keras.Layer) and (
        known := OPERATIONS.get(type(operation).__name__)
    ):
        yield known, {}
    else:
        yield type(operation).__name__, _configuration(operation)
        return
    function = _name(getattr(operation, "activation", None))
    if function != "linear":
        yield "activation", {"function": function}


def _pointwise(filters, operation):
    """A convolution of one position."""
    return {
        "kernel": "1x1",
        "stride": "1x1",
        "padding": Padding(rule="valid", sides=NONE),
        "filters": filters,
        "groups": 1,
        "bias": operation.use_bias,
    }


def _dense(units, operation):
    return {"units": units, "bias": operation.use_bias}


def _is_whole(details, grid):
    """Whether a window is the whole map that it reads."""
    size = details.get("kernel") or details.get("window")
    return size == _by(grid) and details["padding"].sides == NONE


def _is_idle(operation):
    """Whether a layer changes nothing but the shape of what it reads, or not even it.

    A dense layer sees all of a map, flattened or not.
    """
    if isinstance(operation, layers.Flatten):
        return True
    if not isinstance(operation, keras.Layer):
        return False
    rate = getattr(operation, "rate", None)
    if isinstance(operation, tuple(DROPOUTS)):
        return rate == 0
    if isinstance(operation, layers.Reshape):
        read = tuple(operation.input.shape[1:])
        return [n for n in read if n != 1] == [n for n in _shape(operation) if n != 1]
    if type(operation) in GLOBAL:
        return tuple(operation.input.shape[1:-1]) == (1, 1)
    return _function(operation) == "linear"


def _pooling(operation):
    for kind, words in POOLINGS.items():
        # Of those derived from one, the maximum is all that others compute.
        if type(operation) is kind or (
            kind is layers.MaxPooling2D and isinstance(operation, kind)
        ):
            return words
    return None


def _window(operation, grid, padded):
    """Size, stride and padding of a layer with a window."""
    made = _shape(operation)[:2]
    if padded is None:
        rule = rule_of(operation)
        sides = padding_of(operation, grid, made)
        padding = Padding(rule="pixels" if rule.isdigit() else rule, sides=sides)
    else:
        padding = Padding(rule="pixels", sides=padded)
    kernel = getattr(operation, "kernel_size", None)
    sizes = {"kernel": kernel} if kernel else {"window": operation.pool_size}
    details: dict[str, Any] = {name: _by(size) for name, size in sizes.items()}
    details |= {"stride": _by(operation.strides), "padding": padding}
    dilation = _by(getattr(operation, "dilation_rate", (1, 1)))
    return details | ({} if dilation == "1x1" else {"dilation": dilation})


def _by(pair):
    return "x".join(map(str, (pair, pair) if isinstance(pair, int) else pair))


def _function(operation):
    """The function of a layer that is nothing but an activation."""
    if isinstance(operation, layers.Activation):
        return _name(operation.activation)
    if isinstance(operation, layers.ReLU):
        top, slope = operation.max_value, float(operation.negative_slope)
        if slope:
            return f"leaky relu {slope:g}"
        return "relu" if top is None else f"relu{float(top):g}"
    if isinstance(operation, layers.LeakyReLU):
        return f"leaky relu {float(operation.negative_slope):g}"
    if isinstance(operation, layers.PReLU):
        shared = operation.shared_axes
        return "prelu" if shared is None else f"prelu shared over {shared}"
    if isinstance(operation, layers.ELU):
        return "elu"
    if isinstance(operation, layers.Softmax):
        return "softmax"
    if type(operation).__name__.lower() in ("relu", "relu6", "softmax", "sigmoid"):
        return type(operation).__name__.lower()
    return None


def _name(function):
    """What Keras calls a function."""
    if function is None:
        return "linear"
    if isinstance(function, keras.Layer):
        return _function(function) or type(function).__name__
    return getattr(function, "__name__", type(function).__name__)


def _configuration(operation):
    """What a layer without a word of its own is like."""
    if not isinstance(operation, keras.Layer):
        return {}
    try:
        config = operation.get_config()
    except NotImplementedError:
        return {}
    endings = ("initializer", "regularizer", "constraint")
    return {
        name: _plain(value)
        for name, value in config.items()
        if name not in NO_DETAILS and not name.endswith(endings)
    }


def _plain(value):
    return tuple(map(_plain, value)) if isinstance(value, (list, tuple)) else value


def flat(model: keras.Model, shape: Sequence[int | None] | None = None) -> keras.Model:
    """The model itself, or its layers without weights in one graph of known sizes.

    Args:
        model: A functional or sequential model.
        shape: ``(height, width, channels)`` where its own size is open.

    Raises:
        ValueError: Where it has no graph.
    """
    graph = Graph(model)
    (entry, *others) = keras.tree.flatten(graph.model.input)
    is_open = len(entry.shape) == 4 and None in entry.shape[1:]
    wanted = is_open and shape is not None and not others
    if not wanted and not any(map(is_graph, graph.model.layers)):
        return graph.model
    return symbolic(lambda: open_models(graph.model, shape=shape if wanted else None))


def _merged(found):
    """A concatenation that another one alone reads is part of that."""
    readers: dict[str, list[str]] = {}
    for step in found.values():
        for source in step.sources:
            readers.setdefault(source, []).append(step.key)
    for key, step in list(found.items()):
        if step.kind != "concatenation":
            continue
        sources: list[str] = []
        for one in step.sources:
            if found[one].kind == "concatenation" and len(readers[one]) == 1:
                sources += found.pop(one).sources
            else:
                sources.append(one)
        found[key] = dataclasses.replace(step, sources=tuple(sources))
    return found


def _in_order(found: dict[str, Step], ends: Sequence[str]) -> dict[str, Step]:
    """The steps that lead to the ends, every one after those that it reads.

    Branches come in the order of their length, then of what they are made of.
    """
    readers: dict[str, int] = {}
    for step in found.values():
        for source in step.sources:
            readers[source] = readers.get(source, 0) + 1
    ordered: dict[str, Step] = {}
    todo = [(key, False) for key in reversed(list(dict.fromkeys(ends)))]
    while todo:
        key, is_read = todo.pop()
        if key in ordered:
            continue
        step = found[key]
        if is_read:
            ordered[key] = step
            continue
        sources: Iterable[str] = step.sources
        if step.kind in MERGES:
            sources = sorted(sources, key=lambda one: _branch(found, readers, one))
        todo.append((key, True))
        todo += [(one, False) for one in reversed(list(sources))]
    return ordered


def _branch(found, readers, key):
    """What a branch is made of, from its end to where others begin."""
    tokens: list[Any] = []
    while True:
        step = found[key]
        if readers.get(key, 0) > 1 or (tokens and step.kind in MERGES):
            break
        if step.kind in (*WEIGHTED, *POOLINGS.values()):
            tokens.append(tuple(map(str, step.token)))
        if len(step.sources) != 1:
            break
        (key,) = step.sources
    return len(tokens), tokens[::-1]


def weight_layers(found: Mapping[str, Step]) -> int:
    """The most convolutions and dense layers on a way through a network.

    Convolutions by channel are counted with the 1x1 that follows, as one.
    """
    depth: dict[str, int] = {}
    for key, step in found.items():
        before = max((depth[one] for one in step.sources), default=0)
        counts = step.kind in WEIGHTED and step.kind != "depthwise convolution"
        depth[key] = before + counts
    return max(depth.values(), default=0)


def numbers(step: Step) -> int:
    """Channels, or units, of what a step gives."""
    return math.prod(n or 1 for n in step.shape[-1:])
