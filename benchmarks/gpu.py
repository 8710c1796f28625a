"""How fast are training and prediction on a GPU, beside plain Keras?

Keras' JAX backend on both sides: ``keras.applications`` as it comes, in float32 (which
XLA multiplies in TF32), against kerazoo's network in mixed bfloat16, fed with uint8
and, to predict, with its batch norms folded. TensorFlow is not needed. A network that
is done is not repeated, and none is begun after ``--minutes``.
"""

import argparse
import functools
import gc
import os
import time

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

from benchmarks import harness

NETWORKS = ("resnet50", "vgg16", "inception_v3", "xception", "googlenet", "alexnet")
PLAIN, OURS = "plain Keras", "kerazoo"
KINDS = {PLAIN: "float32", OURS: "bfloat16"}


def device():
    """The CUDA device's name, or ``None``."""
    import jax

    (first, *_) = jax.devices()
    return first.device_kind if first.platform == "gpu" else None


def peaks(size):
    """Operations a second of square products, the yardstick."""
    import jax
    import jax.numpy as jnp

    found = {}
    for kind in ("float32", "bfloat16"):
        a = jnp.ones((size, size), kind)
        product = jax.jit(lambda a: a @ a)
        product(a).block_until_ready()
        spent = []
        for _ in range(5):
            start = time.perf_counter()
            product(a).block_until_ready()
            spent.append(time.perf_counter() - start)
        found[kind] = 2 * size**3 / min(spent)
    return found


def ours(network):
    """Our network in mixed bfloat16, from raw pixels to logits."""
    import keras

    import kerazoo

    shape = kerazoo.find(network).input_shape
    pixels = keras.Input(shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 127.5, -1, dtype="float32")(pixels)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return kerazoo.create(network, input_tensor=x, classifier_activation=None)
    finally:
        keras.config.set_dtype_policy("float32")


def training(model, batch, steps):
    """A function that trains so many batches in ``fit`` and says seconds a step."""
    import keras
    import numpy as np

    rng = np.random.default_rng(0)
    x = pixels(model, batch)
    y = rng.integers(0, model.output_shape[-1], batch)
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )

    class Same(keras.utils.PyDataset):
        def __len__(self):
            return steps

        def __getitem__(self, step):
            return x, y

    def work():
        start = time.perf_counter()
        model.fit(Same(), verbose=0)
        return (time.perf_counter() - start) / steps

    return work


def prediction(model, batch):
    return functools.partial(_predict, model, pixels(model, batch))


def _predict(model, x):
    start = time.perf_counter()
    model.predict_on_batch(x)
    return time.perf_counter() - start


def pixels(model, batch):
    import numpy as np

    x = np.random.default_rng(0).integers(0, 256, (batch, *model.input_shape[1:]))
    kind = model.inputs[0].dtype
    return x.astype("uint8") if kind == "uint8" else (x / 127.5 - 1).astype(kind)


def measure(network, batch, steps, repeats, peak):
    """Every question for one network."""
    import kerazoo
    from benchmarks.inference import plain

    models = {PLAIN: plain(network), OURS: ours(network)}
    folded = models | {OURS: kerazoo.fold_batchnorm(models[OURS])}
    questions = {
        f"training, batch {batch}": (
            {name: training(model, batch, steps) for name, model in models.items()},
            6,
            batch,
        )
    }
    for size in (1, batch):
        sides = {name: prediction(model, size) for name, model in folded.items()}
        questions[f"prediction, batch {size}"] = (sides, 2, size)
    macs = kerazoo.find(network).macs
    rows = {}
    for question, (sides, passes, size) in questions.items():
        measures = harness.turns(sides, repeats=repeats, warmup=2)
        rows[question] = {
            name: {
                "seconds": harness.summary(seconds),
                "images a second": size / harness.summary(seconds)["median"],
                "times as fast as plain Keras": harness.ratio(measures[PLAIN], seconds),
                "share of the matrix product's rate": passes
                * macs
                * size
                / harness.summary(seconds)["median"]
                / peak[KINDS[name]],
            }
            for name, seconds in measures.items()
        }
    return rows


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="*", default=NETWORKS)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20, help="of one measured fit")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--cpu", action="store_true", help="try it, save nothing")
    arguments = parser.parse_args(words)
    begun = time.perf_counter()
    name = device()
    if not (name or arguments.cpu):
        print("skipped: JAX finds no CUDA device")
        return
    import keras

    peak = peaks(1024 if arguments.cpu else 8192)
    result = {} if arguments.cpu else harness.earlier("gpu")
    for network in arguments.networks:
        if network in result:
            continue
        if time.perf_counter() - begun > 60 * arguments.minutes:
            print("the time is over; the same command goes on")
            break
        print(network, flush=True)
        rows = measure(
            network, arguments.batch, arguments.steps, arguments.repeats, peak
        )
        result[network] = {"device": name, "peak": peak, **rows}
        if arguments.cpu:
            print(rows)
        else:
            harness.save("gpu", __doc__.splitlines()[0], result)
        keras.backend.clear_session()
        gc.collect()


if __name__ == "__main__":
    main()
