"""Two sets of CIFAR ResNets: akamaster's (option A, BSD-2) and chenyaofo's (B, BSD-3).

akamaster's are the repository's own files; test errors from its table. chenyaofo's are
of its releases. Both divide by ImageNet's or CIFAR's own mean and deviation.
"""

from collections.abc import Iterator

from kerazoo.weights.download import Hash, RemoteFile
from kerazoo.weights.records import IMAGENET, WeightSet
from kerazoo.weights.sources.reading import accuracy, error, images

AKAMASTER = "https://github.com/akamaster/pytorch_resnet_cifar10/raw/master"
# Depth, head of the SHA-256, test error in %.
OPTION_A = """
20   12fca82f 8.27
32   d509ac18 7.37
44   014dd654 6.90
56   4bfd9763 6.61
110  1d1ed7c2 6.32
1202 f3b1deed 6.18
"""
CHENYAOFO = "https://github.com/chenyaofo/pytorch-cifar-models/releases/download/resnet"
# Classes, depth, head of the SHA-256, test accuracy in %.
OPTION_B = """
10  20 4118986f 92.60
10  32 ef93fc4d 93.53
10  44 2a3cabcb 94.01
10  56 187c023a 94.37
100 20 23dac2f1 68.83
100 32 84213ce6 70.16
100 44 ffe32858 71.63
100 56 f2eff4c8 72.63
"""
PIXELS = {
    10: {"mean": (0.4914, 0.4822, 0.4465), "std": (0.2023, 0.1994, 0.2010)},
    100: {"mean": (0.5070, 0.4865, 0.4409), "std": (0.2673, 0.2564, 0.2761)},
}


def weight_sets() -> Iterator[WeightSet]:
    """The sets of both tables."""
    for row in OPTION_A.strip().splitlines():
        depth, digits, figures = row.split()
        name = f"resnet{depth}-{digits}.th"
        yield WeightSet(
            network=f"resnet{depth}_cifar",
            name="akamaster/cifar10",
            data="cifar10",
            classes=10,
            rules="resnet_torch",
            options={"shortcut": "A", "zeros": "centre"},
            preprocessing=images("32", **IMAGENET),
            file=RemoteFile(
                url=f"{AKAMASTER}/pretrained_models/{name}",
                name=name,
                hash=Hash(algorithm="sha256", digits=digits),
            ),
            accuracy=(error(f"32:{figures}"),),
            licence="BSD-2-Clause",
            source="akamaster/pytorch_resnet_cifar10",
        )
    for row in OPTION_B.strip().splitlines():
        classes, depth, digits, figures = row.split()
        name = f"cifar{classes}_resnet{depth}-{digits}.pt"
        yield WeightSet(
            network=f"resnet{depth}_cifar",
            name=f"chenyaofo/cifar{classes}",
            data=f"cifar{classes}",
            classes=int(classes),
            rules="resnet_torch",
            options={"shortcut": "B"},
            preprocessing=images(
                "32",
                **{
                    field: tuple(round(255 * one, 4) for one in values)
                    for field, values in PIXELS[int(classes)].items()
                },
            ),
            file=RemoteFile(
                url=f"{CHENYAOFO}/{name}",
                name=name,
                hash=Hash(algorithm="sha256", digits=digits),
            ),
            accuracy=(accuracy(f"32:{figures}"),),
            licence="BSD-3-Clause",
            source="chenyaofo/pytorch-cifar-models",
        )
