"""How long does building take, beside the keras.applications twin and against depth?"""

import gc
import os
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


def main():
    result = {"unit": "seconds"}
    for name, twin in TWINS.items():
        ours = getattr(kerazoo, name)
        theirs = partial(getattr(keras.applications, twin), weights=None)
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
    for name, depths in DEPTHS.items():
        build = getattr(kerazoo, name)
        spent = [seconds(lambda d=d, b=build: b(depth=d)) for d in depths]
        slope = np.polyfit(np.log(depths), np.log(spent), 1)[0]
        result[name] = {
            "seconds by depth": dict(zip(map(str, depths), spent, strict=True)),
            "exponent of depth": float(slope),
        }
    harness.save("build", __doc__, result)


if __name__ == "__main__":
    main()
