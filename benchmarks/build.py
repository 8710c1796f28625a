"""How long does building take, beside the keras.applications twin and against depth?"""

import gc
import os
import time

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


def seconds(build):
    start = time.perf_counter()
    build()
    spent = time.perf_counter() - start
    keras.backend.clear_session()
    gc.collect()
    return spent


def main():
    result = {"unit": "seconds"}
    for name, twin in TWINS.items():
        ours, theirs = getattr(kerazoo, name), getattr(keras.applications, twin)
        measures = harness.turns(
            {
                "kerazoo": lambda ours=ours: seconds(ours),
                "twin": lambda theirs=theirs: seconds(lambda: theirs(weights=None)),
            },
            repeats=3,
        )
        result[name] = {
            "kerazoo": harness.summary(measures["kerazoo"]),
            f"keras.applications.{twin}": harness.summary(measures["twin"]),
            "ratio": harness.ratio(measures["kerazoo"], measures["twin"]),
        }
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
