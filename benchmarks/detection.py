"""How fast do the detectors and their layers work, and what do they learn in what time?

``--layers`` times RoI pooling and suppression beside a loop in NumPy and, where
TORCH_PYTHON names a Python that has it, beside torchvision's; ``--rates`` training and
detecting of every system, ``--torch`` that of Faster R-CNN on VGG-16 beside
torchvision's, both in float32; ``--overfit`` trains the networks of the papers on four
images at full size and counts what they find there; ``--learn`` trains the small ones
as their recipes say, once for each of ``--seeds``, and ``--bccd FOLDER`` one of them on
photographs of blood cells.
"""

import argparse
import functools
import os
import pathlib
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks import harness, sides

# Images, rows and columns of the map, channels, regions of an image, bins of a side.
MAPS = {"small": (2, 10, 10, 64, 64, 4), "VGG-16": (1, 38, 50, 512, 128, 7)}
# Boxes, and how many are kept.
BOXES = ((100, 20), (500, 100), (2000, 300), (6000, 300), (12000, 2000))
SMALL = (
    "yolo_mini",
    "faster_rcnn_mini",
    "fast_rcnn_mini",
    "sppnet_detector_mini",
    "rcnn_mini",
)
LARGE = (
    "yolo",
    "fast_yolo",
    "faster_rcnn_zf",
    "faster_rcnn_vgg16",
    "fast_rcnn_caffenet",
    "fast_rcnn_vgg16",
    "sppnet_detector",
    "rcnn",
)
FOUR = ("yolo", "fast_yolo", "fast_rcnn_vgg16", "faster_rcnn_vgg16")
# What --learn trains: words behind `kerazoo train`.
LEARNT = {
    "faster_rcnn_mini": "faster_rcnn_mini",
    "yolo_mini": "yolo_mini",
    "yolo_mini, the paper's head": "yolo_mini --epochs 29 --set options.units=512 "
    "--set optimizer.learning_rate=0.002",
    "rcnn_mini": "rcnn_mini",
    "sppnet_detector_mini": "sppnet_detector_mini",
    "fast_rcnn_mini": "fast_rcnn_mini",
}
# Blood cells; their folder is put in.
BCCD = {
    f"faster_rcnn_mini on BCCD at {side} pixels": "faster_rcnn_mini --data voc:{} "
    f"--set image_shape={side},{side},3 --epochs {epochs} --set options.scales={scales}"
    " --set augment=area_crop:0.4:1.0,flip"
    for side, epochs, scales in ((160, 40, "1.5,3.5,6.5"), (224, 46, "2.1,4.9,9.1"))
}


def regions_of(count, images, height, width, rng):
    """Regions within an image, of all sizes."""
    y, x = (np.sort(rng.uniform(0, s, (images, count, 2))) for s in (height, width))
    return np.stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1]], -1).astype("float32")


def layers(repeats):
    """Milliseconds of pooling and of suppression."""
    import tensorflow as tf

    from kerazoo.layers import NonMaxSuppression, RoIAlign2D, RoIPooling2D

    rng, result = np.random.default_rng(0), {}
    for name, (images, height, width, channels, count, bins) in MAPS.items():
        x = tf.constant(rng.normal(size=(images, height, width, channels)), tf.float32)
        some = tf.constant(regions_of(count, images, 16 * height, 16 * width, rng))
        work = {}
        for kind in (RoIPooling2D, RoIAlign2D):
            layer = kind(bins)

            def forward(x, some, layer=layer):
                return layer(x, some)

            def both(x, some, layer=layer):
                with tf.GradientTape() as tape:
                    tape.watch(x)
                    total = tf.reduce_sum(layer(x, some) ** 2)
                return tape.gradient(total, x)

            for what, function in (("forward", forward), ("and backward", both)):
                compiled = tf.function(function)
                work[f"{kind.__name__}, {what}"] = functools.partial(compiled, x, some)
        words = [str(n) for n in (images, height, width, channels, count, bins)]
        result[f"regions, {name}"] = timed(work, repeats, ["pool", *words])
    for number, kept in BOXES:
        boxes = tf.constant(regions_of(number, 1, 600, 800, rng))
        scores = tf.constant(rng.uniform(size=(1, number, 1)), tf.float32)
        layer = NonMaxSuppression(0.7, 0.0, kept)
        compiled = tf.function(lambda b, s, layer=layer: layer(b, s))
        array, one = boxes[0].numpy(), scores[0, :, 0].numpy()
        work = {
            "NonMaxSuppression": functools.partial(compiled, boxes, scores),
            "a loop in NumPy": functools.partial(greedy, array, one, 0.7, kept),
        }
        result[f"suppression, {number} to {kept}"] = timed(
            work, repeats, ["suppress", str(number), str(kept)]
        )
    return result


def greedy(boxes, scores, threshold, count):
    """Suppression, a pick at a time."""
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    left, kept = np.argsort(-scores), []
    while len(left) and len(kept) < count:
        best, left = left[0], left[1:]
        kept.append(best)
        start = np.maximum(boxes[best, :2], boxes[left, :2])
        end = np.minimum(boxes[best, 2:], boxes[left, 2:])
        both = np.maximum(end - start, 0).prod(1)
        left = left[both <= threshold * (areas[best] + areas[left] - both)]
    return kept


def timed(work, repeats, words):
    """Milliseconds of every side, torchvision's among them where it is there."""
    torch = {"torchvision": ("benchmarks.torch_detection_side", *words)}
    wanted = torch if os.environ.get("TORCH_PYTHON") else {}

    def without(one):
        def call():
            start = time.perf_counter()
            one()
            return 1000 * (time.perf_counter() - start)

        return call

    with sides.opened(wanted) as started:
        every = {name: without(one) for name, one in work.items()}
        for one in started.values():
            for what in ("forward", "both") if words[0] == "pool" else ("",):
                label = {"forward": ", forward", "both": ", and backward", "": ""}[what]
                every[f"torchvision{label}"] = functools.partial(
                    lambda side, word: 1000 * side.work(word), one, what
                )
        measures = harness.turns(every, repeats=repeats)
    return {"ms": {name: harness.summary(v) for name, v in measures.items()}}


def steps_of(network, batch, **options):
    """Functions that train on a batch and that detect on it, and the batch."""
    import keras
    import tensorflow as tf

    import kerazoo
    from kerazoo import tasks

    card = kerazoo.find(network)
    height, width, _ = card.input_shape
    rng = np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    model = kerazoo.create(network, **tasks.find("detection").truth(), **options)
    boxes = regions_of(3, batch, height, width, rng)
    boxes[..., 2:] = np.minimum(boxes[..., 2:] + 32, [width, height])
    values = {
        "images": rng.uniform(-1, 1, (batch, *card.input_shape)).astype("float32"),
        "boxes": boxes,
        "classes": rng.integers(0, card.classes, (batch, 3)).astype("int32"),
    }
    if "proposals" in model.input:
        count = model.input["proposals"].shape[1]
        some = regions_of(count, batch, height, width, rng)
        some[:, :3] = boxes
        values["proposals"] = some
    rows = {name: tf.constant(values[name]) for name in model.input}
    model.compile(keras.optimizers.SGD(1e-3, momentum=0.9), jit_compile=False)
    data = tf.data.Dataset.from_tensors((rows,)).repeat()
    model.make_train_function()
    train, batches = model.train_function, iter(data)
    detect = tf.function(lambda given: model(given, training=False))

    def work(function, *given):
        # What is returned would be taken for a measure.
        keras.tree.map_structure(np.asarray, function(*given))

    return (
        functools.partial(work, train, batches),
        functools.partial(work, detect, rows),
        model,
    )


def rates(networks, batch, repeats, **options):
    """Images a second of training and of detecting."""
    import keras

    from kerazoo.precision import choose, use

    result = {}
    for network in networks:
        print(network, flush=True)
        with use(choose("auto")):
            train, detect, _ = steps_of(network, batch, **options)
            seconds = harness.turns(
                {"training": train, "detecting": detect}, repeats=repeats
            )
        result[network] = {
            "images/s": {
                name: harness.summary([batch / one for one in values])
                for name, values in seconds.items()
            }
        }
        keras.backend.clear_session()
    return result


def beside_torchvision(repeats):
    """Faster R-CNN on VGG-16 of both, one image of 600x800 in float32."""
    from kerazoo.precision import choose, use

    module = "benchmarks.torch_detection_side"
    with (
        sides.opened({"torchvision": (module, "faster_rcnn")}) as started,
        use(choose("float32")),
    ):
        train, detect, _ = steps_of("faster_rcnn_vgg16", 1)
        torch = started["torchvision"]
        work = {
            "kerazoo, training": train,
            "torchvision, training": lambda: torch.work("train"),
            "kerazoo, detecting": detect,
            "torchvision, detecting": lambda: torch.work("detect"),
        }
        seconds = harness.turns(work, repeats=repeats)
    return {
        "seconds": {name: harness.summary(v) for name, v in seconds.items()},
        "kerazoo's time over torchvision's": {
            what: harness.ratio(
                seconds[f"kerazoo, {what}"], seconds[f"torchvision, {what}"]
            )
            for what in ("training", "detecting")
        },
    }


def overfit(network, passes):
    """The loss on four images before and after, and which of their objects are found.

    At the paper's size. Networks of regions see an image a step, as in their papers; of
    the others four times as many passes make as many steps. All begin with the weights
    of He et al., for from their papers' some learn next to nothing without a trained
    body.
    """
    import keras

    from kerazoo.precision import choose, use
    from kerazoo.training import initialization

    options, batch, epochs = {"dropout": 0.0}, 4, 4 * passes
    if "rcnn" in network:
        batch, epochs = 1, passes
    if network.startswith("fast_rcnn"):
        options["proposals"] = 64
    with use(choose("auto")):
        _, _, model = steps_of(network, 4, **options)
        initialization.reinitialize(model, "he_normal", seed=1)
        rows = {
            name: keras.ops.convert_to_numpy(value)
            for name, value in four(model, np.random.default_rng(1)).items()
        }
        model.compile(keras.optimizers.Adam(1e-4), jit_compile=False)
        start = time.perf_counter()
        losses = model.fit(rows, epochs=epochs, batch_size=batch, verbose=2).history
        seconds = round(time.perf_counter() - start, 1)
        found, objects = met(model, rows), rows["classes"].size
    keras.backend.clear_session()
    return {
        "loss before": losses["loss"][0],
        "loss after": losses["loss"][-1],
        "objects found": f"{found} of {objects}",
        "steps": epochs * 4 // batch,
        "seconds": seconds,
    }


def met(model, rows):
    """How many objects one of the image's best detections meets, of as many of them."""
    from kerazoo.analysis.average_precision import iou

    found = 0
    for n, truth in enumerate(rows["boxes"]):
        one = {name: values[n : n + 1] for name, values in rows.items()}
        outputs = model(one, training=False)
        best, kinds = (
            np.asarray(outputs[name])[0, : len(truth)] for name in ("boxes", "classes")
        )
        right = (iou(truth, best) >= 0.5) & (rows["classes"][n][:, None] == kinds)
        found += int(right.any(1).sum())
    return found


def four(model, rng):
    """Four images of noise with two bright boxes each, and what is known of them."""
    _, height, width, _ = model.input["images"].shape
    images = rng.uniform(-0.2, 0.2, (4, height, width, 3)).astype("float32")
    boxes = np.zeros((4, 2, 4), "float32")
    classes = rng.integers(0, 20, (4, 2)).astype("int32")
    for n in range(4):
        for k in range(2):
            side = rng.integers(height // 4, height // 2)
            x = width // 2 * k + rng.integers(0, width // 2 - side + 1)
            y = rng.integers(0, height - side + 1)
            boxes[n, k] = x, y, x + side, y + side
            images[n, y : y + side, x : x + side, classes[n, k] % 3] = 1
    found = {"images": images, "boxes": boxes, "classes": classes}
    if "proposals" in model.input:
        count = model.input["proposals"].shape[1]
        some = regions_of(count, 4, height, width, rng)
        some[:, :2] = boxes
        some[:, 2:24] = boxes.repeat(11, 1) + rng.uniform(-20, 20, (4, 22, 4))
        found["proposals"] = some
    return {name: found[name] for name in model.input}


def learnt(command, seeds, rows):
    """Test mAP50 and seconds of the whole command, for every seed.

    Args:
        command: The words behind ``kerazoo train``.
        seeds: Those to train with.
        rows: What is known of other seeds.
    """
    rows = dict(rows)
    for seed in seeds:
        with tempfile.TemporaryDirectory() as place:
            run = pathlib.Path(place, "run")
            whole = f"kerazoo train {command} --set seed={seed}"
            trained = harness.train(whole, run, measure="map50")
        row = {"mAP50": trained["map50"], "seconds": trained["seconds"]}
        rows[f"seed {seed}"] = row
        print(command, seed, row, flush=True)
    worst = min(one["mAP50"] for one in rows.values())
    # A machine that does something else besides slows a training, not its outcome.
    quickest = min(one["seconds"] for one in rows.values())
    return {"worst mAP50": worst, "quickest": quickest, "seeds": rows}


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    for part in ("layers", "rates", "torch"):
        parser.add_argument(f"--{part}", action="store_true")
    parser.add_argument("--large", action="store_true", help="rates of the papers' too")
    parser.add_argument("--overfit", nargs="*", choices=FOUR, default=None)
    parser.add_argument("--passes", type=int, default=10, help="of --overfit")
    parser.add_argument("--learn", nargs="*", choices=list(LEARNT), default=None)
    parser.add_argument("--bccd", metavar="FOLDER", help="learn its blood cells")
    parser.add_argument("--seeds", nargs="*", type=int, default=(1, 2, 3))
    arguments = parser.parse_args(words)
    # Before TensorFlow.
    import kerazoo.cli  # noqa: F401

    result = harness.earlier("detection")
    if arguments.layers:
        result["layers"] = layers(arguments.repeats)
    if arguments.rates:
        result["8 images of 112x112"] = rates(SMALL, 8, arguments.repeats)
    if arguments.large:
        result["one image at the papers' size"] = rates(LARGE, 1, 3)
    if arguments.torch:
        result["beside torchvision"] = beside_torchvision(3)
    question = __doc__.splitlines()[0]
    if arguments.overfit is not None:
        found = result.setdefault("four images", {})
        for name in arguments.overfit or FOUR:
            print(name, flush=True)
            found[name] = overfit(name, arguments.passes)
            harness.save("detection", question, result)
    commands = {}
    if arguments.learn is not None:
        commands |= {name: LEARNT[name] for name in arguments.learn or LEARNT}
    if arguments.bccd:
        commands |= {n: c.format(arguments.bccd) for n, c in BCCD.items()}
    if commands:
        found = result.setdefault("learnt", {})
        for name, command in commands.items():
            earlier = found.get(name, {}).get("seeds", {})
            found[name] = learnt(command, arguments.seeds, earlier)
            # An hour's work is not lost with its last minute.
            harness.save("detection", question, result)
    harness.save("detection", question, result)


if __name__ == "__main__":
    main()
