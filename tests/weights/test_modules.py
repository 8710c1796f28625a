"""Converted modules against PyTorch's arithmetic in NumPy: one of every family."""

import keras
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import kerazoo
from kerazoo import weights
from kerazoo.weights.conversion import convert
from kerazoo.weights.rules import RULES

from .conftest import random_tensors, shapes
from .test_conversion import PEERS


class Torch:
    """PyTorch's layers over the tensors of a file; images are (n, c, h, w)."""

    def __init__(self, tensors):
        self.tensors = tensors

    def conv(self, x, name, stride=1, padding=0, groups=1):
        kernel = self.tensors[f"{name}.weight"]
        pad = (padding, padding) if isinstance(padding, int) else padding
        x = np.pad(x, [(0, 0), (0, 0), (pad[0], pad[0]), (pad[1], pad[1])])
        windows = sliding_window_view(x, kernel.shape[2:], (2, 3))
        windows = windows[:, :, ::stride, ::stride]
        parts = [
            np.einsum("nchwij,ocij->nohw", some, own, optimize=True)
            for some, own in zip(
                np.split(windows, groups, 1), np.split(kernel, groups), strict=True
            )
        ]
        out = np.concatenate(parts, 1)
        bias = self.tensors.get(f"{name}.bias")
        return out if bias is None else out + bias[:, None, None]

    def norm(self, x, name, epsilon=1e-5):
        gamma, beta, mean, variance = (
            self.tensors[f"{name}.{one}"][:, None, None]
            for one in ("weight", "bias", "running_mean", "running_var")
        )
        return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta

    def conv_norm(self, x, name, *where, epsilon=1e-3):
        """``name.conv``, ``name.bn`` and ReLU."""
        x = self.norm(self.conv(x, f"{name}.conv", *where), f"{name}.bn", epsilon)
        return np.maximum(x, 0)

    def linear(self, x, name):
        return x @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"]


def average(x):
    """3x3, stride 1; the zeros around the map count, as by PyTorch's default."""
    x = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
    return sliding_window_view(x, (3, 3), (2, 3)).mean((-2, -1))


def relu(x):
    return np.maximum(x, 0)


def resnet20(torch, x):
    x = relu(torch.norm(torch.conv(x, "conv1", 1, 1), "bn1"))
    for stage in (1, 2, 3):
        for block in range(3):
            name = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            y = relu(
                torch.norm(torch.conv(x, f"{name}.conv1", stride, 1), f"{name}.bn1")
            )
            y = torch.norm(torch.conv(y, f"{name}.conv2", 1, 1), f"{name}.bn2")
            if stride > 1:
                x = torch.conv(x, f"{name}.downsample.0", 2)
                x = torch.norm(x, f"{name}.downsample.1")
            x = relu(x + y)
    return torch.linear(x.mean((2, 3)), "fc")


def bottleneck(torch, x):
    name = "layer2.0"
    y = relu(torch.norm(torch.conv(x, f"{name}.conv1"), f"{name}.bn1"))
    y = relu(torch.norm(torch.conv(y, f"{name}.conv2", 2, 1), f"{name}.bn2"))
    y = torch.norm(torch.conv(y, f"{name}.conv3"), f"{name}.bn3")
    x = torch.norm(torch.conv(x, f"{name}.downsample.0", 2), f"{name}.downsample.1")
    return relu(x + y)


def pre_activation(torch, x):
    name = "features.stage2.unit1"
    first = relu(torch.norm(x, f"{name}.body.conv1.bn"))
    y = torch.conv(first, f"{name}.body.conv1.conv")
    for number, where in ((2, (2, 1)), (3, ())):
        y = relu(torch.norm(y, f"{name}.body.conv{number}.bn"))
        y = torch.conv(y, f"{name}.body.conv{number}.conv", *where)
    return y + torch.conv(first, f"{name}.identity_conv", 2)


def inception_v3(torch, x):
    """Its 7x7 module, whose kernels of 1x7 and 7x1 have equal widths."""
    step, name = torch.conv_norm, "Mixed_6e"
    row, column = (1, (0, 3)), (1, (3, 0))
    seven = step(x, f"{name}.branch7x7_1")
    seven = step(seven, f"{name}.branch7x7_2", *row)
    double = step(x, f"{name}.branch7x7dbl_1")
    for number, where in zip((2, 3, 4, 5), (column, row, column, row), strict=True):
        double = step(double, f"{name}.branch7x7dbl_{number}", *where)
    ends = [
        step(x, f"{name}.branch1x1"),
        step(seven, f"{name}.branch7x7_3", *column),
        double,
        step(average(x), f"{name}.branch_pool"),
    ]
    return np.concatenate(ends, 1)


def inception_v4(torch, x):
    """Its last module, which forks twice."""
    step, name = torch.conv_norm, "features.21"
    row, column = (1, (0, 1)), (1, (1, 0))
    one = step(x, f"{name}.branch1_0")
    two = step(step(x, f"{name}.branch2_0"), f"{name}.branch2_1", *column)
    two = step(two, f"{name}.branch2_2", *row)
    pooled = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
    counts = np.pad(np.ones_like(x), [(0, 0), (0, 0), (1, 1), (1, 1)])
    pooled, counts = (
        sliding_window_view(part, (3, 3), (2, 3)).sum((-2, -1))
        for part in (pooled, counts)
    )
    ends = [
        step(x, f"{name}.branch0"),
        step(one, f"{name}.branch1_1a", *row),
        step(one, f"{name}.branch1_1b", *column),
        step(two, f"{name}.branch2_3a", *row),
        step(two, f"{name}.branch2_3b", *column),
        step(pooled / counts, f"{name}.branch3.1"),
    ]
    return np.concatenate(ends, 1)


def inception_resnet(torch, x):
    step, name = torch.conv_norm, "repeat_1.3"
    one = step(x, f"{name}.branch0")
    two = step(step(x, f"{name}.branch1.0"), f"{name}.branch1.1", 1, (0, 3))
    two = step(two, f"{name}.branch1.2", 1, (3, 0))
    up = torch.conv(np.concatenate([one, two], 1), f"{name}.conv2d")
    return relu(x + 0.1 * up)


def xception(torch, x):
    y = x
    for place in (1, 4, 7):
        y = relu(y)
        y = torch.conv(y, f"block6.rep.{place}.conv1", 1, 1, y.shape[1])
        y = torch.conv(y, f"block6.rep.{place}.pointwise")
        y = torch.norm(y, f"block6.rep.{place + 1}")
    return x + y


# The peer, its network's size, where the module begins and ends, and its arithmetic.
MODULES = [
    ("chenyaofo_resnet20", (32, 32), "images", "predictions", resnet20),
    ("timm_resnet50", (64, 64), "stage1_block3_relu", "stage2_block1_relu", bottleneck),
    (
        "pytorchcv_preresnet164bn_cifar10",
        (32, 32),
        "stage1_block18_add",
        "stage2_block1_add",
        pre_activation,
    ),
    (
        "torchvision_inception_v3",
        (107, 107),
        "inception_b3",
        "inception_b4",
        inception_v3,
    ),
    ("timm_inception_v4", (107, 107), "inception_c2", "inception_c3", inception_v4),
    (
        "timm_inception_resnet_v2",
        (107, 107),
        "inception_resnet_b3_relu",
        "inception_resnet_b4_relu",
        inception_resnet,
    ),
    ("timm_legacy_xception", (71, 71), "block6_add", "block7_add", xception),
]


@pytest.mark.slow
@pytest.mark.parametrize(("peer", "size", "first", "last", "forward"), MODULES)
def test_a_module_computes_what_pytorch_computes(peer, size, first, last, forward):
    keras.backend.clear_session()
    chosen = weights.find_weights(*PEERS[peer])
    given = random_tensors(shapes(peer))
    model = kerazoo.create(
        chosen.network,
        input_shape=(*size, 3),
        classes=chosen.classes,
        classifier_activation=None,
        **chosen.options,
    )
    values, _ = convert(model, given, RULES[chosen.rules])
    ends = [layer for layer in model.layers if layer.name in (first, last)]
    assert len(ends) == 2, [layer.name for layer in model.layers]
    part = keras.Model(ends[0].output, ends[1].output)
    for layer in part.layers:
        if layer.weights:
            names = [f"{layer.name}/{one.name}" for one in layer.weights]
            layer.set_weights([values[name] for name in names])
    rng = np.random.default_rng(1)
    image = rng.normal(size=(2, *part.input_shape[1:])).astype("float32")
    found = np.asarray(part(image, training=False))
    expected = forward(Torch(given), image.transpose(0, 3, 1, 2).astype("float64"))
    if expected.ndim == 4:
        expected = expected.transpose(0, 2, 3, 1)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
    keras.backend.clear_session()
