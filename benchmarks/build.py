"""How long does building take, beside the keras.applications twin and against depth?

And what memory: the most that the process held while it built, above what it held when
Keras was imported. ``--memory`` asks for that alone. The twins of Inception v3 and
Inception-ResNet-v2 lack the scales of their batch norms, a variable for each.
"""

import argparse
import gc
import os
import pathlib
import subprocess
import sys
import time
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import kerazoo
from benchmarks import harness

TWINS = {
    "vgg16": "VGG16",
    "vgg19": "VGG19",
    "resnet50": "ResNet50",
    "resnet101": "ResNet101",
    "resnet152": "ResNet152",
    "inception_v3": "InceptionV3",
    "inception_resnet_v2": "InceptionResNetV2",
    "xception": "Xception",
}
QUICK = ("resnet50", "inception_v3")
DEPTHS = {
    "resnet_cifar": (152, 302, 602, 1202),
    "preresnet_cifar": (128, 254, 506, 1001),
}
# An initialiser and the weight it draws.
KERNELS = (
    ("kernel", "kernel"),
    ("depthwise", "depthwise_kernel"),
    ("pointwise", "pointwise_kernel"),
)


def seconds(build):
    start = time.perf_counter()
    build()
    spent = time.perf_counter() - start
    keras.backend.clear_session()
    gc.collect()
    return spent


def drawing(build):
    """A callable that draws a network's kernels as building it does."""
    kernels = [
        (getattr(layer, f"{kind}_initializer"), getattr(layer, weight).shape)
        for layer in build().layers
        for kind, weight in KERNELS
        if hasattr(layer, f"{kind}_initializer") and hasattr(layer, weight)
    ]
    keras.backend.clear_session()

    def draw():
        for initializer, shape in kernels:
            initializer(shape)

    return draw


def builders(name):
    """Builds our network, and its twin."""
    twin = getattr(keras.applications, TWINS[name])
    return {"kerazoo": getattr(kerazoo, name), "twin": partial(twin, weights=None)}


def status(field):
    """MiB of the process, as Linux counts them."""
    text = pathlib.Path("/proc/self/status").read_text()
    return int(text.partition(f"{field}:")[2].split()[0]) / 1024


def peak(name, side):
    """Prints the MiB that building takes at most."""
    before = status("VmRSS")
    builders(name)[side]()
    print(status("VmHWM") - before)


def peaks(name):
    """The MiB of both sides, each in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.build", "--peak", name]
    return {
        side: round(float(subprocess.check_output([*command, side], text=True)))
        for side in ("kerazoo", "twin")
    }


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory", action="store_true", help="nothing but memory")
    parser.add_argument("--quick", action="store_true", help="two twins, no depths")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.peak:
        peak(*arguments.peak)
        return
    twins, depths = (QUICK, {}) if arguments.quick else (TWINS, DEPTHS)
    result = harness.earlier("build")
    if not arguments.memory:
        result |= times(twins, depths)
    for name in twins:
        result[name]["peak MiB"] = peaks(name)
    harness.save("build", __doc__.splitlines()[0], result)


def times(twins, depths):
    result = {"unit": "seconds"}
    for name in twins:
        ours, theirs = builders(name).values()
        measures = harness.turns(
            {
                "kerazoo": partial(seconds, ours),
                "twin": partial(seconds, theirs),
                "kerazoo draws": drawing(ours),
                "twin draws": drawing(theirs),
            },
            repeats=5,
        )
        rest = {
            side: [
                whole - part
                for whole, part in zip(
                    measures[side], measures[f"{side} draws"], strict=True
                )
            ]
            for side in ("kerazoo", "twin")
        }
        result[name] = {
            **{side: harness.summary(spent) for side, spent in measures.items()},
            "ratio": harness.ratio(measures["kerazoo"], measures["twin"]),
            "ratio without drawing weights": harness.ratio(*rest.values()),
        }
    # Our kernels are drawn as the papers say, Gaussian in most; the twins' uniformly.
    for name, layers in depths.items():
        build = getattr(kerazoo, name)
        spent = [seconds(lambda d=d, b=build: b(depth=d)) for d in layers]
        slope = np.polyfit(np.log(layers), np.log(spent), 1)[0]
        result[name] = {
            "seconds by depth": dict(zip(map(str, layers), spent, strict=True)),
            "exponent of depth": float(slope),
        }
    return result


if __name__ == "__main__":
    main()
