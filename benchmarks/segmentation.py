"""Do scenes come faster than ENet takes them, and what does ENet learn in what time?

``--learn`` trains the encoder and then the whole, as ``enet_encoder_short`` and
``enet_short`` say, on the data sets that it names, such as ``digit_scenes/masks`` or
``masks:PATH``; ``--set`` changes both recipes, ``--epochs`` gives both their lengths.
"""

import argparse
import functools
import json
import os
import pathlib
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import harness
from benchmarks.input_pipeline import epoch

BATCH, SIZE = 10, 112
STAGES = {"encoder": "enet_encoder_per_pixel", "enet": "enet"}


def rates(repeats):
    """Scenes a second, with masks and with boxes, beside those that ENet trains on."""
    # Before TensorFlow.
    import kerazoo.cli  # noqa: F401
    from benchmarks.training_step import stepper
    from kerazoo import data
    from kerazoo.precision import choose, use

    def scenes(variant):
        images = data.load(f"digit_scenes/{variant}?size={SIZE}", validation=0)
        return data.Batches(
            images.train,
            BATCH,
            image_shape=(SIZE, SIZE, 3),
            augment=("flip",),
            shuffle=True,
        ).dataset

    def trained(step, steps=20):
        start = time.perf_counter()
        for _ in range(steps):
            step()
        return BATCH * steps / (time.perf_counter() - start)

    with use(choose("auto")):
        step, _ = stepper("enet", "kerazoo", "auto", shape=(SIZE, SIZE, 3), batch=BATCH)
        sides = {
            "digit_scenes/masks": epoch(scenes("masks")),
            "digit_scenes/boxes": epoch(scenes("boxes")),
            "ENet trains": functools.partial(trained, step),
        }
        measures = harness.turns(sides, repeats=repeats)
    return {
        "images/s": {name: harness.summary(v) for name, v in measures.items()},
        "ratio": {
            f"{name} / ENet trains": harness.ratio(values, measures["ENet trains"])
            for name, values in measures.items()
            if name != "ENet trains"
        },
    }


def learnt(name, epochs, words, place):
    """Mean IoU after both trainings, and the curves of their validation."""
    result = {}
    for (stage, network), count in zip(STAGES.items(), epochs, strict=True):
        run = pathlib.Path(place, stage)
        command = f"kerazoo train {network} --data {name}"
        command += "".join(f" --set {one}" for one in words)
        if count:
            command += f" --epochs {count}"
        if stage == "enet":
            command += f" --set start_from={pathlib.Path(place, 'encoder')}"
        trained = harness.train(command, run)
        rows = (run / "history.csv").read_text().splitlines()
        head, *rows = (row.split(",") for row in rows)
        metrics = json.loads((run / "metrics.json").read_text())
        result[stage] = {
            "test mean IoU": metrics["mean_iou"],
            "test accuracy": trained["accuracy"],
            "test IoU by class": metrics["iou"],
            "epochs": trained["epochs"],
            "seconds": trained["seconds"],
            "validation mean IoU by epoch": [
                float(row[head.index("val_mean_iou")]) for row in rows
            ],
            "settings": words,
        }
    result["seconds"] = sum(result[stage]["seconds"] for stage in STAGES)
    return result


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--learn", nargs="*", default=(), metavar="DATA")
    parser.add_argument("--epochs", nargs=2, type=int, default=(0, 0))
    parser.add_argument("--set", nargs="*", default=(), metavar="FIELD=VALUE")
    arguments = parser.parse_args(words)
    result = harness.earlier("segmentation")
    if not arguments.learn:
        result["scenes"] = rates(arguments.repeats)
    for name in arguments.learn:
        with tempfile.TemporaryDirectory() as place:
            found = learnt(name, arguments.epochs, arguments.set, place)
        # Where the files lie is nobody's business.
        shown = name.partition("?")[0].rpartition("/")[2] if ":" in name else name
        result.setdefault("learnt", {})[shown] = found
    harness.save("segmentation", __doc__.splitlines()[0], result)


if __name__ == "__main__":
    main()
