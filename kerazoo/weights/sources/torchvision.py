"""torchvision, from the ``meta`` of its weights; a file's name has its SHA-256's head."""

from collections.abc import Iterator
from typing import Any

from kerazoo.weights.download import Hash, RemoteFile
from kerazoo.weights.records import HALVES, IMAGENET, WeightSet
from kerazoo.weights.sources.reading import accuracy, images

BASE = "https://download.pytorch.org/models"
BOTTLENECKS: dict[str, Any] = {"stride_in": "3x3"}
FLOOR: dict[str, Any] = {"pool_mode": "floor"}
GOOGLENET: dict[str, Any] = {"branch5": "3x3", "pool4": 2, "bn_epsilon": 1e-3}
# Network, version, file, rules, options; then what the figures were measured at.
TABLE: tuple[tuple[str, int, str, str, dict[str, Any], str], ...] = (
    ("alexnet_owt", 1, "alexnet-owt-7be5be79", "alexnet_torch", {}, "224@0.875:56.522/79.066"),
    ("bn_googlenet", 1, "googlenet-1378be20", "googlenet_torch", GOOGLENET, "224@0.875:69.778/89.530"),
    ("inception_v3", 1, "inception_v3_google-0cc3c7bd", "inception_v3_torch", {"avg_count_pad": True}, "299@0.8743:77.294/93.450"),
    ("vgg11", 1, "vgg11-8a719046", "vgg_torch", FLOOR, "224@0.875:69.020/88.628"),
    ("vgg13", 1, "vgg13-19584684", "vgg_torch", FLOOR, "224@0.875:69.928/89.246"),
    ("vgg16", 1, "vgg16-397923af", "vgg_torch", FLOOR, "224@0.875:71.592/90.382"),
    ("vgg19", 1, "vgg19-dcbb9e9d", "vgg_torch", FLOOR, "224@0.875:72.376/90.876"),
    ("vgg11_bn", 1, "vgg11_bn-6002323d", "vgg_torch", {"conv_bias": True}, "224@0.875:70.370/89.810"),
    ("vgg13_bn", 1, "vgg13_bn-abd245e5", "vgg_torch", {"conv_bias": True}, "224@0.875:71.586/90.374"),
    ("vgg16_bn", 1, "vgg16_bn-6c64b313", "vgg_torch", {"conv_bias": True}, "224@0.875:73.360/91.516"),
    ("vgg19_bn", 1, "vgg19_bn-c79401a0", "vgg_torch", {"conv_bias": True}, "224@0.875:74.218/91.842"),
    ("resnet18", 1, "resnet18-f37072fd", "resnet_torch", {}, "224@0.875:69.758/89.078"),
    ("resnet34", 1, "resnet34-b627a593", "resnet_torch", {}, "224@0.875:73.314/91.420"),
    ("resnet50", 1, "resnet50-0676ba61", "resnet_torch", BOTTLENECKS, "224@0.875:76.130/92.862"),
    ("resnet50", 2, "resnet50-11ad3fa6", "resnet_torch", BOTTLENECKS, "224@0.9655:80.858/95.434"),
    ("resnet101", 1, "resnet101-63fe2227", "resnet_torch", BOTTLENECKS, "224@0.875:77.374/93.546"),
    ("resnet101", 2, "resnet101-cd907fc2", "resnet_torch", BOTTLENECKS, "224@0.9655:81.886/95.780"),
    ("resnet152", 1, "resnet152-394f9c45", "resnet_torch", BOTTLENECKS, "224@0.875:78.312/94.046"),
    ("resnet152", 2, "resnet152-f82ba261", "resnet_torch", BOTTLENECKS, "224@0.9655:82.284/96.002"),
)  # fmt: skip
# These turn ImageNet's mean and deviation back into x / 127.5 - 1 before the first
# layer; that is what the network sees.
TRANSFORMED = ("bn_googlenet", "inception_v3")


def weight_sets() -> Iterator[WeightSet]:
    """The sets of the table."""
    for network, version, file, rules, options, figures in TABLE:
        pixels = HALVES if network in TRANSFORMED else IMAGENET
        yield WeightSet(
            network=network,
            name=f"torchvision/imagenet1k_v{version}",
            data="imagenet",
            classes=1000,
            rules=rules,
            options=options,
            preprocessing=images(figures, **pixels),
            file=RemoteFile(
                url=f"{BASE}/{file}.pth",
                name=f"{file}.pth",
                hash=Hash(algorithm="sha256", digits=file.rpartition("-")[2]),
            ),
            accuracy=(accuracy(figures),),
            licence="BSD-3-Clause (the code); the data's terms may apply to weights",
            source="torchvision",
        )
