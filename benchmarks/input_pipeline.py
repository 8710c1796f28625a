"""How fast do augmented images come, and what memory does a long stream take?

Needs CIFAR-10 in the TFDS directory that KERAZOO_DATA_DIR names; photos of the size of
ImageNet's are made up.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from benchmarks import harness

BATCH, PHOTO_BATCH = 128, 32
NAME = "cifar10-train.tfrecord-{:05d}-of-{:05d}"


def guide(data_dir):
    """The pipeline of the TFDS and Keras guides: load, map image by image, batch."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    def augment(image, label):
        image = tf.image.random_flip_left_right(image)
        image = tf.image.resize_with_crop_or_pad(image, 40, 40)
        return tf.image.random_crop(image, (32, 32, 3)), label

    dataset = tfds.load("cifar10", split="train", data_dir=data_dir, as_supervised=True)
    dataset = dataset.map(augment, tf.data.AUTOTUNE).shuffle(1000)
    return dataset.batch(BATCH).prefetch(tf.data.AUTOTUNE)


def decoding(data_dir):
    """Decoding alone, as TFDS does it, nothing kept from epoch to epoch."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    dataset = tfds.load(
        "cifar10",
        split="train",
        data_dir=data_dir,
        as_supervised=True,
        read_config=tfds.ReadConfig(try_autocache=False),
    )
    return dataset.batch(BATCH).prefetch(tf.data.AUTOTUNE)


def py_dataset(data_dir):
    """Keras' PyDataset over arrays in memory, with vectorised NumPy."""
    import keras
    import numpy as np
    import tensorflow_datasets as tfds

    whole = {"split": "train", "as_supervised": True, "batch_size": -1}
    loaded = tfds.load("cifar10", data_dir=data_dir, **whole)
    images, labels = (np.asarray(one) for one in loaded)
    rng = np.random.default_rng(1)

    class Augmented(keras.utils.PyDataset):
        def __len__(self):
            return -(-len(images) // BATCH)

        def __getitem__(self, step):
            places = slice(step * BATCH, (step + 1) * BATCH)
            some = images[places].copy()
            flipped = rng.random(len(some)) < 0.5
            some[flipped] = some[flipped, :, ::-1]
            padded = np.pad(some, ((0, 0), (4, 4), (4, 4), (0, 0)))
            rows, columns = rng.integers(0, 9, (2, len(some), 1)) + np.arange(32)
            image = np.arange(len(some))[:, None, None]
            return padded[image, rows[:, :, None], columns[:, None]], labels[places]

        def __iter__(self):
            return (self[step] for step in range(len(self)))

    return Augmented()


def photos(place, count=256):
    """Makes JPEG files of ImageNet's usual size in two classes."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(1)
    for number in range(count):
        folder = pathlib.Path(place, "train", "ab"[number % 2])
        folder.mkdir(parents=True, exist_ok=True)
        noise = rng.integers(0, 256, (47, 63, 3), "uint8")
        photo = Image.fromarray(noise).resize((500, 375), Image.Resampling.BICUBIC)
        photo.save(folder / f"{number}.jpg", quality=90)


def our_photos(place):
    from kerazoo import data

    images = data.load(f"folder:{place}", validation=0)
    return data.Batches(
        images.train,
        PHOTO_BATCH,
        image_shape=(224, 224, 3),
        augment=("area_crop", "flip"),
        shuffle=True,
        cache="none",
    ).dataset


def guides_photos(place):
    """Keras' guide: image_dataset_from_directory and random layers, batch by batch."""
    import keras
    import tensorflow as tf

    dataset = keras.utils.image_dataset_from_directory(
        pathlib.Path(place, "train"),
        image_size=(224, 224),
        batch_size=PHOTO_BATCH,
        verbose=False,
    )
    flip, crop = keras.layers.RandomFlip("horizontal"), keras.layers.RandomZoom(0.3)
    return dataset.map(
        lambda x, y: (crop(flip(x, training=True), training=True), y), tf.data.AUTOTUNE
    ).prefetch(tf.data.AUTOTUNE)


def decoded_photos(place):
    import tensorflow as tf

    files = sorted(map(str, pathlib.Path(place, "train").rglob("*.jpg")))

    def decode(path):
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.ensure_shape(image, (375, 500, 3)), 0

    dataset = tf.data.Dataset.from_tensor_slices(files).map(decode, tf.data.AUTOTUNE)
    return dataset.batch(PHOTO_BATCH).prefetch(tf.data.AUTOTUNE)


def ours(data_dir, augment):
    from kerazoo import data

    images = data.load("cifar10", data_dir=data_dir, validation=0)
    return data.Batches(
        images.train, BATCH, image_shape=(32, 32, 3), augment=augment, shuffle=True
    ).dataset


def epoch(dataset, work=None):
    """Images per second of one epoch; images per CPU second are put into `work`.

    The second figure does not depend on what else the machine does.
    """

    def measure():
        start, busy, images = time.perf_counter(), time.process_time(), 0
        for batch, _ in dataset:
            images += len(batch)
        if work is not None:
            work.append(images / (time.process_time() - busy))
        return images / (time.perf_counter() - start)

    return measure


def decode_everything(data_dir):
    """Images per second of our own decoding, which happens once."""
    from kerazoo import data

    def measure():
        images = data.load("cifar10", data_dir=data_dir, validation=0)
        start = time.perf_counter()
        return len(images.train.source.images) / (time.perf_counter() - start)

    return measure


def lengthened(data_dir, shards, place):
    """A TFDS directory whose CIFAR-10 is so many times as long, by links."""
    (source,) = pathlib.Path(data_dir, "cifar10").iterdir()
    target = pathlib.Path(place, "cifar10", source.name)
    target.mkdir(parents=True)
    for file in source.iterdir():
        if "train.tfrecord" not in file.name:
            (target / file.name).symlink_to(file.resolve())
    (train,) = source.glob("*train.tfrecord*")
    for shard in range(shards):
        (target / NAME.format(shard, shards)).symlink_to(train.resolve())
    info = json.loads((source / "dataset_info.json").read_text())
    for split in info["splits"]:
        if split["name"] == "train":
            split["shardLengths"] *= shards
            split["numBytes"] = str(int(split["numBytes"]) * shards)
    (target / "dataset_info.json").unlink()
    (target / "dataset_info.json").write_text(json.dumps(info))


def stream(data_dir):
    """Prints examples per second and the peak of memory of one streamed epoch."""
    from kerazoo import data

    images = data.load("cifar10", data_dir=data_dir, memory_limit=0, validation=0)
    batches = data.Batches(
        images.train,
        BATCH,
        image_shape=(32, 32, 3),
        augment=("flip", "pad_crop:4"),
        shuffle=True,
        cache="none",
    )
    rate = epoch(batches.dataset)()
    # What getrusage calls the peak is inherited from the process that started this.
    status = pathlib.Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    print(json.dumps({"examples": batches.size, "images/s": rate, "peak MiB": peak}))


def streamed(data_dir, shards):
    """`stream` in a process of its own, on a set of so many shards."""
    with tempfile.TemporaryDirectory() as place:
        lengthened(data_dir, shards, place)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.input_pipeline", place],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    return json.loads(done.stdout.splitlines()[-1])


def compared(datasets, others=(), repeats=5):
    """Images per second of datasets in turns, and their ratios to the first."""
    work = {name: [] for name in datasets}
    sides = {name: epoch(one, work[name]) for name, one in datasets.items()}
    rates = harness.turns(sides | dict(others), repeats=repeats)
    work = {name: values[-repeats:] for name, values in work.items()}
    result = {}
    for unit, measures in (("images/s", rates), ("images per CPU second", work)):
        own, *rest = measures
        for name, values in measures.items():
            result[f"{unit}: {name}"] = harness.summary(values)
        for other in rest:
            result[f"ratio of {unit}: {own} / {other}"] = harness.ratio(
                measures[own], measures[other]
            )
    return result


def main():
    if len(sys.argv) > 1 and __name__ == "__main__":
        stream(sys.argv[1])
        return
    data_dir = os.environ.get("KERAZOO_DATA_DIR")
    if not data_dir or not pathlib.Path(data_dir, "cifar10").is_dir():
        print("skipped: KERAZOO_DATA_DIR names no TFDS directory with cifar10")
        return
    result = compared(
        {
            "kerazoo, flip + pad_crop": ours(data_dir, ("flip", "pad_crop:4")),
            "kerazoo, no augmentation": ours(data_dir, ()),
            "tfds.load().map(), flip + pad_crop": guide(data_dir),
            "PyDataset, flip + pad_crop": py_dataset(data_dir),
            "tfds.load(), decoding alone": decoding(data_dir),
        },
        {"kerazoo, decoding alone": decode_everything(data_dir)},
    )
    with tempfile.TemporaryDirectory() as place:
        photos(place)
        result["photos of 500x375 pixels to 224x224"] = compared(
            {
                "kerazoo, area_crop + flip": our_photos(place),
                "image_dataset_from_directory, zoom + flip": guides_photos(place),
                "decode_jpeg alone": decoded_photos(place),
            }
        )
    result["streamed, by length"] = [streamed(data_dir, shards) for shards in (2, 6)]
    harness.save("input_pipeline", __doc__.strip(), result)


if __name__ == "__main__":
    main()
