"""What BENCHMARKS.md shows of the results: its sections, targets, tables and plots.

A path such as ``* > rows > kerazoo`` walks down a result; what a star stands for
becomes a name. A script without views gets tables of all that it measured.
"""

import dataclasses

# A section's scripts, in the order in which they are shown and run.
SECTIONS = {
    "Start": ("startup",),
    "Build": ("build",),
    "Training step": ("training_step", "alexnet_step", "precision"),
    "Inference": ("inference",),
    "Input pipeline": ("input_pipeline",),
    "Segmentation": ("segmentation",),
    "Detection": ("detection",),
    "Explanations": ("explanations",),
    "Workflow": ("workflow", "search", "crossval"),
    "Scale": ("scale",),
    "Accuracy": ("mnist_ladder", "cifar10", "ensembles", "initialisation"),
    "Weights": ("peers", "trained_weights", "fine_tuning"),
    "GPU": ("gpu", "gpu_cifar10"),
}

FAST = "times as fast as plain Keras"
PREDICTOR = "kerazoo.predictor"
TORCH = "torch, bfloat16, channels last"
STEP = f"rows > kerazoo > {FAST}"
PIPELINE = "ratio of images/s > kerazoo, flip + pad_crop /"
# By script: what is wanted, the least or the most of it, and where it stands.
TARGETS = {
    "startup": {"`kerazoo list`, seconds": ("at most", 0.3, "seconds > kerazoo list")},
    "build": {
        f"building {name}, time over its twin's": ("at most", 1, f"{network} > ratio")
        for name, network in (
            ("VGG-16", "vgg16"),
            ("ResNet-50", "resnet50"),
            ("Inception v3", "inception_v3"),
            ("Xception", "xception"),
        )
    },
    "training_step": {
        f"training {name}, {FAST}": ("at least", 2, f"{network} > {STEP}")
        for name, network in (("ResNet-50", "resnet50"), ("VGG-16", "vgg16"))
    }
    | {f"training ENet, {FAST}": ("at least", 1.8, f"enet > {STEP}")},
    "alexnet_step": {
        "LRN's share of AlexNet's step in float32": (
            *("at most", 0.1),
            "float32 > LRN's share",
        ),
        "LRN's share of AlexNet's step by default": (
            *("at most", 0.1),
            "auto > LRN's share",
        ),
    },
    "inference": {
        f"{name} predicting 8 images, times as fast as {other}": (
            *("at least", bound),
            f"{network} > batch 8 > {PREDICTOR} > times as fast as {other}",
        )
        for name, network in (("ResNet-50", "resnet50"), ("VGG-16", "vgg16"))
        for other, bound in (("plain Keras", 2), ("onnxruntime", 1))
    }
    | {
        f"{name} predicting {images}, time over OpenVINO's in bfloat16": (
            *("at most", bound),
            f"{network} > batch {batch} > {PREDICTOR} > time over OpenVINO's",
        )
        for images, batch, bound in (("8 images", 8, 1), ("one image", 1, 1.2))
        for name, network in (
            ("ResNet-50", "resnet50"),
            ("VGG-16", "vgg16"),
            ("Inception v3", "inception_v3"),
            ("AlexNet", "alexnet"),
        )
        if batch == 1 or network != "alexnet"
    },
    "input_pipeline": {
        "CIFAR-10 with flip and pad-crop, times the TFDS guide's rate": (
            *("at least", 3),
            f"{PIPELINE} tfds.load().map(), flip + pad_crop",
        ),
        "CIFAR-10 with flip and pad-crop, times the rate of decoding": (
            *("at least", 0.8),
            f"{PIPELINE} kerazoo, decoding alone",
        ),
    },
    "explanations": {
        f"of 100 scenes those in which {name} finds the digit, worst training": (
            *("at least", 95),
            f"found in 100 scenes > {method} > worst",
        )
        for name, method in (("Grad-CAM", "grad_cam"), ("occlusion", "occlusion"))
    }
    | {
        "Grad-CAM of ResNet-50 at 224, seconds": (
            *("at most", 1),
            "ResNet-50, seconds > grad_cam > first",
        )
    },
    "segmentation": {
        "scenes with masks, times the rate at which ENet trains": (
            *("at least", 2),
            "scenes > ratio > digit_scenes/masks / ENet trains",
        )
    },
    "detection": {
        "Faster R-CNN on VGG-16, time over torchvision's in training": (
            *("at most", 1),
            "beside torchvision > kerazoo's time over torchvision's > training",
        ),
        "the same in detecting": (
            *("at most", 1),
            "beside torchvision > kerazoo's time over torchvision's > detecting",
        ),
    },
    "workflow": {
        "`kerazoo train`, time over a minimal script's": (
            *("at most", 1.03),
            "* > minimal Keras script > kerazoo's time over this",
        )
    },
    "cifar10": {
        "ResNet-20's test error on CIFAR-10 (JPEG) after 20 epochs, per cent": (
            *("at most", 10),
            "resnet20_cifar > error in per cent",
        )
    },
}


@dataclasses.dataclass(frozen=True)
class View:
    """A table or a plot of a part of a result.

    Attributes:
        title: Stands above it.
        rows: The path of the rows.
        columns: Headings and their paths from a row, or one path with stars. A row that
            has nothing under the first heading is left out.
        plot: ``bars``, ``dots``, ``stacked`` or ``curves``; a table without it.
        unit: Of the figures, and the label of a plot's axis.
        work: The label of the other axis of curves.
        scale: Factor of the figures.
        line: A value to compare with.
        log: Whether curves have logarithmic axes.
    """

    title: str
    rows: str = "*"
    columns: dict[str, str] | str = "*"
    plot: str = ""
    unit: str = ""
    work: str = ""
    scale: float = 1
    line: float | None = None
    log: bool = False


ERRORS = View(
    "Test error",
    columns={
        "measured": "error in per cent",
        "the paper's": "paper's error in per cent",
    },
    plot="dots",
    unit="test error, per cent",
)


def _predictions(*batches):
    return {
        f"batch {batch}": f"batch {batch} > {PREDICTOR} > {FAST}" for batch in batches
    }


VIEWS = {
    "startup": (
        View(
            "Time to start",
            "seconds > *",
            plot="bars",
            unit="seconds, less is better",
        ),
    ),
    "build": (
        View(
            "Time over the twin's",
            columns={"with all weights": "ratio"},
            plot="bars",
            unit="kerazoo's seconds / keras.applications' seconds, less is better",
            line=1,
        ),
        View(
            "Seconds, and kerazoo's over the twin's",
            columns={
                "kerazoo": "kerazoo",
                "twin": "twin",
                "ratio": "ratio",
                "drawing kerazoo's weights": "kerazoo draws",
                "drawing the twin's": "twin draws",
            },
        ),
        View("Peak of memory, MiB", columns="peak MiB > *"),
        View(
            "Seconds against depth",
            columns={"y": "seconds by depth", "exponent": "exponent of depth"},
            plot="curves",
            unit="seconds",
            work="layers with weights",
            log=True,
        ),
    ),
    "training_step": (
        View(
            "Training steps beside plain Keras",
            columns={"kerazoo": STEP, TORCH: f"rows > {TORCH} > {FAST}"},
            plot="bars",
            unit="times as fast as plain Keras, more is better",
            line=1,
        ),
        View(
            "One step",
            columns={
                "plain Keras, seconds": "rows > plain Keras > seconds",
                "kerazoo, seconds": "rows > kerazoo > seconds",
                "kerazoo, images a second": "rows > kerazoo > images a second",
                "times as fast": STEP,
                "in float32": f"rows > kerazoo, float32 > {FAST}",
                "PyTorch": f"rows > {TORCH} > {FAST}",
                "plain Keras, share of the float32 peak": "rows > plain Keras > share*",
                "kerazoo, share of the peak of its type": "rows > kerazoo > share*",
                "batch": "batch",
            },
        ),
        View(
            "Where the time of kerazoo's step goes",
            "* > profile > *",
            plot="stacked",
            unit="share of the time in operations, per cent",
            scale=100,
        ),
        View(
            "Per cent of the time in operations",
            "* > profile > *",
            scale=100,
        ),
    ),
    "inference": (
        View(
            "kerazoo.predictor beside plain Keras",
            columns=_predictions(32, 8, 1),
            plot="bars",
            unit="times as fast as plain Keras, more is better",
            line=1,
        ),
        View("Seconds", "* > batch *", "* > seconds"),
        View("Times as fast as plain Keras", "* > batch *", f"* > {FAST}"),
        View(
            "kerazoo.predictor",
            "* > batch *",
            {
                "images a second": f"{PREDICTOR} > images a second",
                FAST: f"{PREDICTOR} > {FAST}",
                "times as fast as onnxruntime": f"{PREDICTOR} > times as fast as onnx*",
                "time over OpenVINO's in bfloat16": f"{PREDICTOR} > time over Open*",
            },
        ),
        View(
            "Largest difference from float32, per cent of the largest score",
            "* > sides",
            "* > difference",
            scale=100,
        ),
        View(
            "Seconds to compile and predict two images",
            "* > sides",
            "* > seconds to the first prediction",
        ),
    ),
    "input_pipeline": (
        View(
            "CIFAR-10",
            "images/s > *",
            plot="bars",
            unit="images a second, more is better",
        ),
        View(
            "Photos of 500x375 pixels to 224x224",
            "photos of 500x375 pixels to 224x224 > images/s > *",
            plot="bars",
            unit="images a second, more is better",
        ),
    ),
    "segmentation": (
        View(
            "Scenes of 112x112, and ENet's training on them",
            "scenes > images/s > *",
            plot="bars",
            unit="images a second, more is better",
        ),
        View(
            "What the encoder and the whole have learnt",
            "learnt > *",
            {
                f"{label}, {what}": f"{stage} > {path}"
                for stage, label in (("encoder", "encoder"), ("enet", "ENet"))
                for what, path in (
                    ("mean IoU", "test mean IoU"),
                    ("epochs", "epochs"),
                    ("seconds", "seconds"),
                )
            },
        ),
    ),
    "detection": (
        View(
            "Faster R-CNN on VGG-16, one image of 600x800 in float32",
            "beside torchvision > seconds > *",
            plot="bars",
            unit="seconds, less is better",
        ),
        View(
            "Images of 112x112 a second, 8 at a time",
            "8 images of 112x112 > *",
            {
                "training": "images/s > training",
                "detecting": "images/s > detecting",
            },
        ),
        View(
            "Milliseconds of pooling 128 regions of VGG-16's map into 7x7",
            "layers > regions, VGG-16 > ms > *",
            plot="bars",
            unit="milliseconds, less is better",
        ),
        View(
            "Milliseconds of suppression, boxes to those kept",
            "layers > suppression*",
            {
                "kerazoo": "ms > NonMaxSuppression",
                "a loop in NumPy": "ms > a loop in NumPy",
                "torchvision": "ms > torchvision",
            },
        ),
        View(
            "The loss on four images at the papers' size",
            "four images > *",
            {
                "before": "loss before",
                "after": "loss after",
                "objects found": "objects found",
                "steps": "steps",
                "seconds": "seconds",
            },
        ),
        View(
            "What the small networks learn of scenes, most of them two at a time",
            "learnt > *",
            {
                "worst mAP50 of three seeds": "worst mAP50",
                "seconds, the quickest": "quickest",
            },
        ),
    ),
    "workflow": (
        View(
            "Wall time",
            columns="*script* > kerazoo's time over this",
            plot="bars",
            unit="kerazoo's seconds / the script's, less is better",
            line=1,
        ),
        View("Every side", "* > *"),
    ),
    "scale": (
        View(
            "Cost against work",
            columns={
                "y": "seconds",
                "x": "work",
                "unit": "unit of work",
                "exponent": "exponent",
                "low": "low",
                "high": "high",
            },
            plot="curves",
            unit="seconds",
            log=True,
        ),
        View(
            "Fitted exponents",
            columns={
                "exponent": "exponent",
                "unit of work": "unit of work",
                "work": "work",
                "seconds": "seconds",
            },
        ),
    ),
    "mnist_ladder": (
        View(
            "Test accuracy",
            columns={"measured": "test_accuracy", "promised": "promise"},
            plot="dots",
            unit="test accuracy, per cent",
            scale=100,
        ),
    ),
    "cifar10": (
        ERRORS,
        View(
            "With the modern recipes",
            columns={
                "test error, per cent": "error in per cent",
                "the paper's": "paper's error in per cent",
                "epochs": "epochs",
                "seconds": "seconds",
                "command": "command",
            },
        ),
    ),
    "ensembles": (
        View(
            "Error against members",
            columns={"y": "error by members"},
            plot="curves",
            unit="test error, per cent",
            work="members",
            scale=100,
        ),
    ),
    "initialisation": (
        View(
            "Accuracy on the training images, per cent",
            "* > *",
            "* > train_accuracy",
            scale=100,
        ),
        View(
            "Accuracy on the test images, per cent",
            "* > *",
            "* > test_accuracy",
            scale=100,
        ),
        View("Whether it learns", "* > *", "* > converges"),
    ),
    "gpu": (
        View(
            "On one GPU, beside plain Keras",
            columns="* > kerazoo > " + FAST,
            plot="bars",
            unit="times as fast as plain Keras, more is better",
            line=1,
        ),
        View("Every question and side", "* > *batch* > *"),
        View(
            "The device and its rate of matrix products, 10^12 operations a second",
            columns={
                "device": "device",
                "float32": "peak > float32",
                "bfloat16": "peak > bfloat16",
            },
            scale=1e-12,
        ),
    ),
    "gpu_cifar10": (ERRORS,),
}
