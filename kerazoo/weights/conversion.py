"""Foreign tensors in the layers of a network: every one used once, every one filled."""

import dataclasses
import fnmatch
import functools
import re
from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np
from keras import layers

from kerazoo.errors import counted
from kerazoo.surgery.graph import Graph
from kerazoo.weights.rules import InOrder, Rename, Rules

# What PyTorch and Caffe call the variables of Keras' layers; the first that a layer
# has counts.
VARIABLES: dict[str, dict[str, tuple[str, ...]]] = {
    "torch": {
        "weight": ("kernel", "gamma", "alpha"),
        "bias": ("bias", "beta"),
        "running_mean": ("moving_mean",),
        "running_var": ("moving_variance",),
    },
    "caffe": {"0": ("kernel",), "1": ("bias",)},
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """What became of the tensors of a file.

    Attributes:
        filled: How many variables were filled.
        left_out: Tensors of the file that the network has no place for, by design.
        folded: What was computed on the way, in sentences.
        adapted: What is not as in the file, in sentences: the first convolution for
            other channels, a new head for other classes.
        new: The layers that keep their random weights.
    """

    filled: int
    left_out: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    adapted: tuple[str, ...] = ()
    new: tuple[str, ...] = ()


def layer_names(
    names: Iterable[str], model: keras.Model, rules: Rules
) -> dict[str, str]:
    """The layers, or ``layer/variable``, that foreign names stand for.

    Args:
        names: What stands before ``.weight``, ``/kernel`` or ``/0``, each once.
        model: The network; rules that count look at its layers.
        rules: The table.
    """
    names = list(names)
    counted_names: dict[str, str] = {}
    for row in rules.rows:
        if isinstance(row, InOrder):
            counted_names |= _in_order(names, model, row)
    found = {}
    for name in names:
        layer = counted_names.get(name, name)
        for row in rules.rows:
            if isinstance(row, Rename) and name not in counted_names:
                layer = re.sub(
                    row.pattern, functools.partial(_filled, row.layer), layer
                )
        if layer.endswith(".bn"):
            layer = batch_norm_of(layer.removesuffix(".bn"))
        found[name] = layer
    return found


def _filled(template, match):
    """A template with the groups of a match, and numbers moved."""

    def group(found):
        text = match.group(int(found[1])) or ""
        return str(int(text) + int(found[2])) if found[2] else text

    return re.sub(r"<(\d)([+-]\d+)?>", group, template)


def batch_norm_of(convolution: str) -> str:
    """The name of the batch norm behind a convolution: ``stem_bn1`` of ``stem_conv1``.

    It is that of :func:`kerazoo.blocks.conv.sibling`.
    """
    head, line, last = convolution.rpartition("_")
    if last.startswith("conv"):
        return f"{head}{line}bn{last.removeprefix('conv')}"
    return f"{convolution}_bn"


def _in_order(names, model, row):
    """The pairs of an :class:`InOrder`."""
    theirs = [name for name in names if re.fullmatch(row.pattern, name)]
    theirs.sort(key=_numbers)
    ours = [
        layer.name
        for layer in model.layers
        if layer.weights and re.fullmatch(row.layers, layer.name)
    ]
    if row.order == "made":
        modules: dict[str, int] = {}
        for layer in model.layers:
            modules.setdefault(_module(layer.name), len(modules))
        ours.sort(key=lambda name: (modules[_module(name)], _numbers(name)))
    if len(theirs) != len(ours):
        raise ValueError(
            f"The file has {counted(len(theirs), 'layer')} such as "
            f"{(theirs or [row.pattern])[0]}, and the network {len(ours)} such as "
            f"{(ours or [row.layers])[0]}"
        )
    return dict(zip(theirs, ours, strict=True))


def _module(name):
    return re.split("_branch|_conv|_bn|_up", name)[0]


def _numbers(name):
    return [int(number) for number in re.findall(r"\d+", name)]


def convert(
    model: keras.Model,
    tensors: Mapping[str, np.ndarray],
    rules: Rules,
    *,
    heads: Sequence[str] = (),
) -> tuple[dict[str, np.ndarray], Report]:
    """The values of a network's variables, out of the tensors of a foreign file.

    Args:
        model: The network; its weights stay as they are.
        tensors: The tensors by their names in the file.
        rules: How these are read.
        heads: Layers that the file may have and the network not: those of the
            classifier, where it is left out.

    Returns:
        The values by ``layer/variable``, and what became of the tensors.

    Raises:
        ValueError: Where a tensor is left over, or a variable remains empty; the
            message names them.
    """
    known = {layer.name: layer for layer in model.layers if layer.weights}
    unused = [name for name in tensors if any(re.search(p, name) for p in rules.unused)]
    mark = "." if rules.style == "torch" else "/"
    parts = {n: n.rpartition(mark)[::2] for n in tensors if n not in unused}
    places = layer_names(dict.fromkeys(p[0] for p in parts.values()), model, rules)
    maps = _flattened_maps(model)
    values: dict[str, np.ndarray] = {}
    biases: dict[str, np.ndarray] = {}
    strange: list[str] = []
    for name, (prefix, kind) in parts.items():
        place, _, variable = places[prefix].partition("/")
        if place not in known:
            heads_too = (*rules.heads, *heads)
            spare = any(fnmatch.fnmatchcase(place, one) for one in heads_too)
            (unused if spare else strange).append(name)
            continue
        layer = known[place]
        have = [one.name for one in layer.weights]
        kinds = VARIABLES.get(rules.style, {})
        names = (variable,) if variable else kinds.get(kind, (kind,))
        found = next((one for one in names if one in have), None)
        if found is None and "bias" in names and batch_norm_of(place) in known:
            biases[place] = tensors[name]
        elif found is None:
            strange.append(name)
        elif f"{place}/{found}" in values:
            raise ValueError(f"{name} and another tensor are both {place}/{found}")
        else:
            laid_out = _as_keras if rules.style == "keras" else _channels_last
            source = maps.get(place)
            values[f"{place}/{found}"] = laid_out(tensors[name], layer, found, source)
    if strange:
        raise ValueError(
            f"the network has no place for {_few(strange)} of the file's "
            f"{len(tensors)} tensors"
        )
    wanted = [
        f"{name}/{one.name}" for name, layer in known.items() for one in layer.weights
    ]
    missing = [name for name in wanted if name not in values]
    if missing:
        raise ValueError(
            f"the file has nothing for {_few(missing)} of the network's "
            f"{len(wanted)} variables"
        )
    for name, bias in biases.items():
        # bn(x + bias) is the bn of x whose mean is lower by the bias.
        mean = f"{batch_norm_of(name)}/moving_mean"
        values[mean] = values[mean] - bias.reshape(values[mean].shape)
    folded = (
        f"the biases of {counted(len(biases), 'convolution')} were taken off the "
        "moving means behind them"
    )
    return values, Report(
        filled=len(values),
        left_out=tuple(unused),
        folded=(folded,) if biases else (),
    )


def _few(names):
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown


def _as_keras(tensor, layer, variable, source):
    """A tensor that is laid out already; a dense layer may stand for a 1x1 kernel."""
    shape = tuple(getattr(layer, variable).shape)
    same = [n for n in tensor.shape if n != 1] == [n for n in shape if n != 1]
    return tensor.reshape(shape) if same else tensor


def _channels_last(tensor, layer, variable, source):
    """A tensor of PyTorch or Caffe as Keras lays it out.

    Of a convolution they have the output's channels first, then the input's, then rows
    and columns; of a dense layer the outputs. A map is flattened channel by channel.
    """
    if not variable.endswith("kernel"):
        return tensor.reshape(-1)
    # Caffe writes a dense layer with four axes, too.
    if tensor.ndim == 4 and tensor.shape[:2] == (1, 1) and source is None:
        tensor = tensor[0, 0]
    if isinstance(layer, layers.Conv2DTranspose) and tensor.ndim == 4:
        return tensor.transpose(2, 3, 1, 0)
    if variable == "depthwise_kernel":
        return tensor.transpose(2, 3, 0, 1)
    shape = tuple(getattr(layer, variable).shape)
    if tensor.ndim == 2:
        # A dense layer that sees a whole map; or it is one here.
        around = shape[:3] if len(shape) == 4 else source
        if around is None or np.prod(around) != tensor.shape[1]:
            return tensor.T
        height, width, channels = around
        tensor = tensor.reshape(-1, channels, height, width)
    tensor = tensor.transpose(2, 3, 1, 0)
    return tensor if len(shape) == 4 else tensor.reshape(-1, tensor.shape[-1])


def _flattened_maps(model):
    """The maps that dense layers see flattened, by the layers' names."""
    if not any(isinstance(layer, layers.Flatten) for layer in model.layers):
        return {}
    graph, found = Graph(model), {}
    for layer in model.layers:
        if not isinstance(layer, layers.Dense):
            continue
        (source, *_) = graph.sources(layer.name)
        while isinstance(model.get_layer(source), (layers.Dropout, layers.Activation)):
            (source, *_) = graph.sources(source)
        flatten = model.get_layer(source)
        if isinstance(flatten, layers.Flatten) and len(flatten.input.shape) == 4:
            found[layer.name] = tuple(flatten.input.shape[1:])
    return found
