"""How close to the papers' error on CIFAR-10 do the recipes come, on a GPU under JAX?

The data stay on the device, an epoch is one call, and TensorFlow is not needed, but to
make the file of images once: ``--pack FILE``, on a machine that has the data set. The
network, its normalisation, optimiser, schedule and loss are those of ``kerazoo train``;
flips and shifts are drawn by JAX. What is done is not repeated.
"""

import argparse
import io
import os
import pathlib
import time

os.environ.setdefault("KERAS_BACKEND", "jax")

from benchmarks import harness
from benchmarks.cifar10 import PAPERS

FILE = "runs/cifar10.npz"


def pack(path):
    """Writes the encoded images of TFDS' CIFAR-10, one after the other."""
    import numpy as np
    import tensorflow_datasets as tfds

    arrays = {}
    for split in ("train", "test"):
        examples = tfds.load(
            "cifar10",
            split=split,
            data_dir=os.environ.get("KERAZOO_DATA_DIR"),
            decoders={"image": tfds.decode.SkipDecoding()},
        )
        examples = list(examples.as_numpy_iterator())
        files = [example["image"] for example in examples]
        arrays[f"{split}_files"] = np.frombuffer(b"".join(files), "uint8")
        arrays[f"{split}_lengths"] = np.array([len(file) for file in files])
        arrays[f"{split}_labels"] = np.array([e["label"] for e in examples], "int32")
    np.savez(path, **arrays)


def unpack(path, split):
    """Images ``(n, 32, 32, 3)`` as uint8 and their labels."""
    import numpy as np
    from PIL import Image

    with np.load(path) as arrays:
        files, lengths = arrays[f"{split}_files"], arrays[f"{split}_lengths"]
        labels = arrays[f"{split}_labels"]
    parts = np.split(files, np.cumsum(lengths)[:-1])
    images = [np.asarray(Image.open(io.BytesIO(part.tobytes()))) for part in parts]
    return np.stack(images), labels


def augmented(x, key, names):
    """Flips and shifts of a batch by the recipe's names, as ``kerazoo.data`` does."""
    import jax
    import jax.numpy as jnp

    for name in names:
        kind, _, amount = name.partition(":")
        key, flips, shifts = jax.random.split(key, 3)
        if kind == "flip":
            flipped = jax.random.bernoulli(flips, shape=(len(x), 1, 1, 1))
            x = jnp.where(flipped, x[:, :, ::-1], x)
        elif kind == "pad_crop":
            border = int(amount or 4)
            padded = jnp.pad(x, ((0, 0), (border,) * 2, (border,) * 2, (0, 0)))
            starts = jax.random.randint(shifts, (len(x), 2), 0, 2 * border + 1)

            def cut(image, start, shape=x.shape[1:]):
                return jax.lax.dynamic_slice(image, (*start, 0), shape)

            x = jax.vmap(cut)(padded, starts)
        else:
            raise ValueError(f"{name} is not drawn on the device; use pad_crop, flip.")
    return x


def train(network, recipe, train_set, test_set):
    """The test error in per cent and the seconds of one training."""
    import jax
    import jax.numpy as jnp
    import keras
    import numpy as np

    from kerazoo.training import compilation
    from kerazoo.training.pipeline import Pipeline

    begun = time.perf_counter()
    keras.utils.set_random_seed(recipe.seed)
    images, labels = train_set
    mean, std = images.mean((0, 1, 2)), images.std((0, 1, 2))
    assembly = Pipeline(network, recipe, 10, images.shape[1:], tuple(mean), tuple(std))
    model, task = assembly.for_training(), assembly.task
    rows = task.needs_one_hot(recipe)
    size = recipe.batch_size
    steps = len(images) // size
    counts = {"steps_per_epoch": steps, "classes": 10}
    compilation.compile(model, recipe, task, one_hot=rows, **counts)
    targets = np.eye(10, dtype="float32")[labels] if rows else labels
    x, y = jnp.asarray(images), jnp.asarray(targets)
    # Builds the metrics and the optimiser.
    model.evaluate(images[:size], targets[:size], verbose=0)
    model.optimizer.build(model.trainable_variables)

    @jax.jit
    def epoch(state, key):
        order, *keys = jax.random.split(key, steps + 1)
        places = jax.random.permutation(order, len(images))[: steps * size]

        def step(state, batch):
            places, key = batch
            pixels = augmented(x[places], key, recipe.augment)
            logs, state = model.train_step(state, (pixels.astype("float32"), y[places]))
            return state, logs["loss"]

        return jax.lax.scan(step, state, (places.reshape(steps, size), jnp.stack(keys)))

    parts = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )
    state = tuple([variable.value for variable in part] for part in parts)
    keys = jax.random.split(jax.random.key(recipe.seed), 1000)
    for number in range(compilation.num_epochs(recipe, steps)):
        state, losses = epoch(state, keys[number])
        print(f"  epoch {number + 1}: loss {float(losses.mean()):.4f}", flush=True)
    for part, values in zip(parts, state, strict=True):
        for variable, value in zip(part, values, strict=True):
            variable.assign(value)
    images, labels = test_set
    scores = model.predict(images.astype("float32"), batch_size=500, verbose=0)
    if isinstance(scores, dict):
        scores = scores["predictions"]
    error = 100 * float(np.mean(scores.argmax(-1) != labels))
    return round(error, 2), round(time.perf_counter() - begun, 1)


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", metavar="FILE", help="write the images and end")
    parser.add_argument("--data", default=FILE, help="what --pack has written")
    parser.add_argument("--only", nargs="*", choices=PAPERS, default=list(PAPERS))
    parser.add_argument("--recipe", default="modern", help="a name, or a kind")
    parser.add_argument("--set", nargs="*", default=[], dest="settings")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--images", type=int, help="only so many; saves nothing")
    arguments = parser.parse_args(words)
    if arguments.pack:
        pack(arguments.pack)
        return
    begun = time.perf_counter()
    from benchmarks.gpu import device

    if not (device() or arguments.images):
        print("skipped: JAX finds no CUDA device")
        return
    if not pathlib.Path(arguments.data).is_file():
        print(f"skipped: no {arguments.data}; --pack makes it where CIFAR-10 is")
        return
    import keras

    from kerazoo import recipes

    keras.config.set_dtype_policy("mixed_bfloat16" if device() else "float32")
    sets = {split: unpack(arguments.data, split) for split in ("train", "test")}
    sets = {
        name: tuple(one[: arguments.images] for one in pair)
        for name, pair in sets.items()
    }
    result = {} if arguments.images else harness.earlier("gpu_cifar10")
    for seed in range(1, arguments.seeds + 1):
        for network in arguments.only:
            kinds = ("laptop", "modern", "paper")
            if arguments.recipe in kinds:
                recipe = recipes.for_network(network, arguments.recipe)
            else:
                recipe = recipes.find(arguments.recipe)
            recipe = recipe.override(f"seed={seed}", *arguments.settings)
            key = " ".join((network, recipe.name, *arguments.settings))
            row = result.setdefault(
                key,
                {
                    "paper's error in per cent": PAPERS[network],
                    "epochs": recipe.epochs,
                    "error in per cent": [],
                    "seconds": [],
                },
            )
            if len(row["seconds"]) >= seed:
                continue
            if time.perf_counter() - begun > 60 * arguments.minutes:
                print("the time is over; the same command goes on")
                return
            print(f"{key}, seed {seed}", flush=True)
            error, seconds = train(network, recipe, sets["train"], sets["test"])
            row["error in per cent"].append(error)
            row["seconds"].append(seconds)
            print(f"  error {error} %, {seconds} s", flush=True)
            if not arguments.images:
                harness.save("gpu_cifar10", __doc__.splitlines()[0], result)
            keras.backend.clear_session()


if __name__ == "__main__":
    main()
