"""Do explanations find the digit that is asked for, and how long do they take?

A network of seven layers learns which digits are on scenes of one to four, without
being told where they are. Then it is asked for one digit of each of a hundred scenes of
the test: a method finds it where the largest value of its map lies in the box of that
digit (the pointing game of Zhang et al., arXiv 1608.00507). Seconds are those of an
image of 224x224 on ResNet-50, which is built before; its weights do not matter.
"""

import argparse
import os
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
    "occlusion": {"strides": 6},
    "gradient": {},
    "smooth_grad": {"samples": 16},
    "integrated_gradients": {},
    "guided_backpropagation": {},
    "deconvnet": {},
}


def network():
    """A classifier of digits with a map of 14x14 positions before its head."""
    import keras
    from keras import layers

    from kerazoo.blocks import conv_bn

    x = inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(1 / 127.5, -1, name="normalize")(x)
    for number, filters in enumerate((16, 32, 64), 1):
        x = conv_bn(x, filters, 3, name=f"conv{number}")
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    for number in (4, 5, 6):
        x = conv_bn(x, 96, 3, name=f"conv{number}")
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dense(10, activation="sigmoid", name="predictions")(x)
    return keras.Model(inputs, x, name="digit_finder")


def trained(seed, epochs):
    """The network, and the share of test scenes whose digits it names all, no other."""
    import keras
    import tensorflow as tf

    from kerazoo.data import scenes

    keras.utils.set_random_seed(seed)

    def batch(part, number):
        places = number * BATCH + tf.range(BATCH, dtype=tf.int64)
        # The scenes of the test are the same for every seed.
        own = seed if part == "train" else 0
        drawn = scenes.draw(part, own, tf.zeros((), tf.int64), places, SIZE)
        # -1, for no digit, is a row of zeros.
        there = tf.reduce_max(tf.one_hot(drawn.digits, 10), 1)
        return tf.cast(drawn.images, tf.float32), there

    def batches(part, first, count):
        numbers = tf.data.Dataset.range(first, first + count)
        made = numbers.map(lambda n: batch(part, n), tf.data.AUTOTUNE)
        return made.prefetch(2)

    model = network()
    rate = keras.optimizers.schedules.CosineDecay(
        1e-5, epochs * STEPS, 0.0, warmup_target=4e-3, warmup_steps=epochs * STEPS // 5
    )
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
    start = time.perf_counter()
    # Every scene is new.
    model.fit(batches("train", 0, epochs * STEPS), epochs=1, verbose=2)
    seconds = time.perf_counter() - start
    right = []
    for images, there in batches("test", 0, 15):
        found = model.predict_on_batch(images) > 0.5
        right += list((found == (there.numpy() > 0.5)).all(1))
    return model, {
        "scenes learnt from": epochs * STEPS * BATCH,
        "seconds of training": round(seconds, 1),
        "accuracy, all digits of a scene right": float(np.mean(right)),
    }


def found(model, count, methods):
    """The share of scenes in which each method finds the digit that is asked for."""
    import tensorflow as tf

    from kerazoo.analysis import attribution
    from kerazoo.data import scenes

    drawn = scenes.draw(
        "test", 0, tf.zeros((), tf.int64), tf.range(count, dtype=tf.int64), SIZE
    )
    explained = attribution.Explainable(model)
    random = np.random.default_rng(1)
    images = drawn.images.numpy().astype("float32")
    truth = list(zip(drawn.digits.numpy(), drawn.boxes.numpy(), strict=True))
    asked = [int(random.choice(digits[digits >= 0])) for digits, _ in truth]
    rows = {}
    for name in methods:
        hits, start = [], time.perf_counter()
        for image, digit, (digits, boxes) in zip(images, asked, truth, strict=True):
            method = attribution.METHODS[name]
            row, column = method(explained, image, digit, **METHODS[name]).peak
            inside = [
                left <= column < right and top <= row < bottom
                for left, top, right, bottom in boxes[digits == digit]
            ]
            hits.append(any(inside))
        seconds = (time.perf_counter() - start) / count
        rows[name] = {"found": int(sum(hits)), "seconds": seconds}
        print(name, rows[name], flush=True)
    several = float(np.mean([(digits >= 0).sum() for digits, _ in truth]))
    return {"scenes": count, "digits of a scene": several, "methods": rows}


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


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--speed", action="store_true", help="nothing else")
    parser.add_argument("--keep", help="a file for the trained network, or of it")
    arguments = parser.parse_args(words)
    result = harness.earlier("explanations")
    if not arguments.speed:
        if arguments.keep and os.path.exists(arguments.keep):
            import keras

            import kerazoo.layers  # noqa: F401

            model = keras.saving.load_model(arguments.keep)
        else:
            model, result["network"] = trained(arguments.seed, arguments.epochs)
            print(result["network"], flush=True)
            if arguments.keep:
                model.save(arguments.keep)
        result["digit_scenes"] = found(model, SCENES, arguments.only)
    result["ResNet-50, seconds"] = speed(arguments.repeats)
    harness.save("explanations", __doc__.splitlines()[0], result)


if __name__ == "__main__":
    main()
