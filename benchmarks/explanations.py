"""Do explanations find the digit that is asked for, and how long do they take?

A network of seven layers learns which digits are on scenes of one to four, without
being told where they are. Then it is asked for one digit of each of a hundred scenes of
the test: a method finds it where the largest value of its map lies in the box of that
digit (the pointing game of Zhang et al., arXiv 1608.00507). The boxes are tight around
the ink, and narrow for a 1; a position of the last maps is 4x4 pixels. Chance decides
where a training ends, so there are several of them, and the worst one counts. Seconds
are those of an image of 224x224 on ResNet-50, which is built before; its weights do not
matter.
"""

import argparse
import functools
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks import harness

SIZE, BATCH, EPOCHS, STEPS = 112, 32, 20, 62
SCENES = 100
# Methods, with what they are asked to do in a hundred scenes.
METHODS = {
    "cam": {},
    "grad_cam": {},
    "occlusion": {},
    "gradient": {},
    "smooth_grad": {"samples": 16},
    "integrated_gradients": {},
    "guided_backpropagation": {},
    "deconvnet": {},
}


def network():
    """A classifier of digits with a map of 28x28 positions before its head."""
    import keras
    from keras import layers

    from kerazoo.blocks import conv_bn

    x = inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(1 / 127.5, -1, name="normalize")(x)
    for number, filters in enumerate((16, 32), 1):
        x = conv_bn(x, filters, 3, name=f"conv{number}")
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    for number in (3, 4, 5, 6):
        x = conv_bn(x, 64, 3, name=f"conv{number}")
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dense(10, activation="sigmoid", name="predictions")(x)
    return keras.Model(inputs, x, name="digit_finder")


def batches(part, count, seed=0):
    """Batches of scenes with the digits on them; the test has those of seed 0."""
    import tensorflow as tf

    from kerazoo.data import scenes

    def batch(number):
        places = number * BATCH + tf.range(BATCH, dtype=tf.int64)
        drawn = scenes.draw(part, seed, tf.zeros((), tf.int64), places, SIZE)
        # -1, for no digit, is a row of zeros.
        there = tf.reduce_max(tf.one_hot(drawn.digits, 10), 1)
        return tf.cast(drawn.images, tf.float32), there

    made = tf.data.Dataset.range(count).map(batch, tf.data.AUTOTUNE)
    return made.prefetch(2)


def accuracy(model):
    """The share of test scenes whose digits a network names all, and no other."""
    right = []
    for images, there in batches("test", 15):
        found = model.predict_on_batch(images) > 0.5
        right += list((found == (there.numpy() > 0.5)).all(1))
    return float(np.mean(right))


def trained(seed, epochs):
    """The network after its training."""
    import keras

    keras.utils.set_random_seed(seed)
    model = network()
    rate = keras.optimizers.schedules.CosineDecay(
        1e-5, epochs * STEPS, 0.0, warmup_target=4e-3, warmup_steps=epochs * STEPS // 5
    )
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
    # Every scene is new.
    model.fit(batches("train", epochs * STEPS, seed), shuffle=False, verbose=2)
    return model


@functools.cache
def questions():
    """For each scene its image, a digit that is on it, and the boxes of that digit."""
    import tensorflow as tf

    from kerazoo.data import scenes

    numbers = tf.range(SCENES, dtype=tf.int64)
    drawn = scenes.draw("test", 0, tf.zeros((), tf.int64), numbers, SIZE)
    random = np.random.default_rng(1)
    rows = []
    for image, digits, boxes in zip(
        *(one.numpy() for one in (drawn.images, drawn.digits, drawn.boxes)), strict=True
    ):
        asked = int(random.choice(digits[digits >= 0]))
        rows.append((image.astype("float32"), asked, boxes[digits == asked]))
    return rows


def found(network, name):
    """In how many scenes a method finds the digit."""
    from kerazoo.analysis.attribution import METHODS as FUNCTIONS

    count = 0
    for image, digit, boxes in questions():
        row, column = FUNCTIONS[name](network, image, digit, **METHODS[name]).peak
        # Boxes are half-open.
        count += any(
            left <= column < right and top <= row < bottom
            for left, top, right, bottom in boxes
        )
    return count


def speed(repeats):
    """Seconds of an image on ResNet-50 at 224: the first, and those after it."""
    import kerazoo
    from kerazoo.analysis import attribution

    model = kerazoo.resnet50()
    image = np.random.default_rng(0).normal(0, 1, (224, 224, 3)).astype("float32")
    rows = {}
    for name, method in attribution.METHODS.items():
        times = []
        for _ in range(1 if name == "occlusion" else 1 + repeats):
            start = time.perf_counter()
            # As a command does, which finds the scores in the model first.
            method(attribution.Explainable(model), image)
            times.append(time.perf_counter() - start)
        rows[name] = {"first": times[0]}
        if times[1:]:
            rows[name]["later"] = harness.summary(times[1:])
        print(name, rows[name], flush=True)
    return rows


def over(counts):
    """What is told of the trainings' counts."""
    return {"worst": min(counts), "middle": statistics.median(counts)}


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--speed", action="store_true", help="nothing else")
    arguments = parser.parse_args(words)
    from kerazoo.analysis.attribution import Explainable

    result = harness.earlier("explanations")
    if not arguments.speed:
        accuracies, rows = [], {name: [] for name in arguments.only}
        for seed in arguments.seeds:
            model = trained(seed, arguments.epochs)
            accuracies.append(accuracy(model))
            for name in arguments.only:
                rows[name].append(found(Explainable(model), name))
                print(seed, name, rows[name][-1], flush=True)
        result["networks"] = {
            "trainings": len(arguments.seeds),
            "scenes of each": arguments.epochs * STEPS * BATCH,
            "accuracy, all digits of a scene right": over(accuracies),
        }
        result[f"found in {SCENES} scenes"] = {
            name: over(counts) for name, counts in rows.items()
        }
        harness.save("explanations", __doc__.splitlines()[0], result)
    result["ResNet-50, seconds"] = speed(arguments.repeats)
    harness.save("explanations", __doc__.splitlines()[0], result)


if __name__ == "__main__":
    main()
