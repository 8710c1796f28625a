"""Conversions of weights against the peers themselves: how far are the logits apart?

Each peer gets random weights and random statistics of its batch norms, writes its file
and its logits for two images of each size; kerazoo reads the file by the rules of the
catalogue and computes its own. TORCH_PYTHON names a Python that has PyTorch,
torchvision, timm, pytorchcv and facenet-pytorch. Words are names of networks to try; all by default.
"""

import os
import subprocess
import sys
import tempfile

import keras
import numpy as np

import kerazoo
from benchmarks import harness
from kerazoo import weights

# Network, set of weights, library, its name of the network, sizes: where the peer takes
# any, one whose grids are even and one whose are odd somewhere.
ANY = ("224x224", "225x232")
INCEPTION = ("299x299", "235x268")
QUESTION = "how far are logits of converted weights from those of their peers?"
ROWS = (
    ("alexnet_owt", "torchvision/imagenet1k_v1", "torchvision", "alexnet", ("224x224",)),
    ("bn_googlenet", "torchvision/imagenet1k_v1", "torchvision", "googlenet", ANY),
    ("inception_v3", "torchvision/imagenet1k_v1", "torchvision", "inception_v3", INCEPTION),
    ("vgg11", "torchvision/imagenet1k_v1", "torchvision", "vgg11", ("224x224",)),
    ("vgg16_bn", "torchvision/imagenet1k_v1", "torchvision", "vgg16_bn", ("224x224",)),
    ("resnet18", "torchvision/imagenet1k_v1", "torchvision", "resnet18", ANY),
    ("resnet50", "torchvision/imagenet1k_v1", "torchvision", "resnet50", ANY),
    ("resnet34", "timm/a1_in1k", "timm", "resnet34", ANY),
    ("resnet101", "timm/a1_in1k", "timm", "resnet101", ANY),
    ("resnet152", "timm/a1_in1k", "timm", "resnet152", ANY),
    ("preresnet50", "timm/a1h_in1k", "timm", "resnetv2_50", ANY),
    ("preresnet101", "timm/a1h_in1k", "timm", "resnetv2_101", ANY),
    ("vgg13", "timm/tv_in1k", "timm", "vgg13", ("224x224",)),
    ("vgg19_bn", "timm/tv_in1k", "timm", "vgg19_bn", ("224x224",)),
    ("inception_v3", "timm/tf_in1k", "timm", "inception_v3", INCEPTION),
    ("inception_v4", "timm/tf_in1k", "timm", "inception_v4", INCEPTION),
    ("inception_resnet_v2", "timm/tf_in1k", "timm", "inception_resnet_v2", INCEPTION),
    ("xception", "timm/legacy_xception", "timm", "legacy_xception", INCEPTION),
    ("alexnet", "pytorchcv", "pytorchcv", "alexnet", ("227x227",)),
    ("alexnet_owt", "pytorchcv", "pytorchcv", "alexnetb", ("224x224",)),
    ("zfnet", "pytorchcv", "pytorchcv", "zfnet", ("224x224",)),
    ("vgg19", "pytorchcv", "pytorchcv", "vgg19", ("224x224",)),
    ("vgg11_bn", "pytorchcv", "pytorchcv", "bn_vgg11", ("224x224",)),
    ("vgg13_bn", "pytorchcv/b", "pytorchcv", "bn_vgg13b", ("224x224",)),
    ("bn_inception", "pytorchcv", "pytorchcv", "bninception", ("224x224",)),
    ("resnet50", "pytorchcv", "pytorchcv", "resnet50", ("224x224",)),
    ("resnet50", "pytorchcv/b", "pytorchcv", "resnet50b", ("224x224",)),
    ("preresnet50", "pytorchcv", "pytorchcv", "preresnet50", ("224x224",)),
    ("preresnet50", "pytorchcv/b", "pytorchcv", "preresnet50b", ("224x224",)),
    ("preresnet200", "pytorchcv/b", "pytorchcv", "preresnet200b", ("224x224",)),
    ("xception", "pytorchcv", "pytorchcv", "xception", ("299x299",)),
    ("inception_v3", "pytorchcv", "pytorchcv", "inceptionv3", ("299x299",)),
    ("inception_v4", "pytorchcv", "pytorchcv", "inceptionv4", ("299x299",)),
    ("inception_resnet_v1", "pytorchcv", "pytorchcv", "inceptionresnetv1", ("299x299",)),
    ("inception_resnet_v1", "facenet/vggface2", "facenet_pytorch", "InceptionResnetV1", ("160x160",)),
    ("inception_resnet_v2", "pytorchcv", "pytorchcv", "inceptionresnetv2", ("299x299",)),
    ("nin_cifar", "pytorchcv/cifar10", "pytorchcv", "nin_cifar10", ("32x32",)),
    ("resnet20_cifar", "pytorchcv/cifar10", "pytorchcv", "resnet20_cifar10", ("32x32",)),
    ("resnet56_cifar", "pytorchcv/cifar10", "pytorchcv", "resnet56_cifar10", ("32x32",)),
    ("resnet110_cifar", "pytorchcv/cifar10", "pytorchcv", "resnet110_cifar10", ("32x32",)),
    ("resnet1202_cifar", "pytorchcv/cifar10", "pytorchcv", "resnet1202_cifar10", ("32x32",)),
    ("preresnet164_cifar", "pytorchcv/cifar10", "pytorchcv", "preresnet164bn_cifar10", ("32x32",)),
    ("preresnet1001_cifar", "pytorchcv/cifar10", "pytorchcv", "preresnet1001_cifar10", ("32x32",)),
)  # fmt: skip


def difference(network, name, library, peer, sizes):
    """The largest difference of a logit, relative to the largest logit, by size."""
    chosen = weights.find_weights(network, name)
    with tempfile.TemporaryDirectory() as folder:
        words = (folder, library, peer, str(chosen.classes), *sizes)
        python = os.environ["TORCH_PYTHON"]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        file = os.path.join(os.path.dirname(__file__), "torch_peers.py")
        subprocess.run([python, file, *words], check=True, env=environment)
        # Called as it is published, so that the file says what it is.
        place = os.path.join(folder, chosen.file.name.removesuffix(".zip"))
        os.rename(os.path.join(folder, "peer.pth"), place)
        theirs = dict(np.load(os.path.join(folder, "peer.npz")))
        found = {}
        for size in sizes:
            model = kerazoo.create(
                network,
                weights=place,
                input_shape=(*map(int, size.split("x")), 3),
                classifier_activation=None,
            )
            logits = np.asarray(model(theirs[f"images {size}"], training=False))
            wanted = theirs[f"logits {size}"]
            found[size] = float(np.abs(logits - wanted).max() / np.abs(wanted).max())
            keras.backend.clear_session()
    return found


def main():
    if "TORCH_PYTHON" not in os.environ:
        raise SystemExit(
            "TORCH_PYTHON names no Python that has PyTorch, torchvision, timm, "
            "pytorchcv and facenet-pytorch."
        )
    wanted = sys.argv[1:]
    kept = harness.earlier("peers") if wanted else {}
    for row in ROWS:
        network, name, library, peer, sizes = row
        if wanted and network not in wanted:
            continue
        worst = max(difference(*row).values())
        kept[f"{network}, {name}"] = {
            "peer": f"{library} {peer}",
            "sizes": ", ".join(sizes),
            "difference": f"{worst:.1e}",
        }
        harness.save("peers", QUESTION, kept)


if __name__ == "__main__":
    main()
