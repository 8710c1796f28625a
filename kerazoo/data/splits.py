"""A split: some examples of a source, by number.

A source knows how to bring the pixels: `Arrays` holds them in memory, `Records` reads
TFRecord files from front to back.
"""

import functools
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, cast

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from kerazoo import reader
from kerazoo.data import draws
from kerazoo.detections import Objects

WINDOW = 16384
WINDOW_BYTES = 128 * 2**20


class Source(Protocol):
    """Labelled images by number: :class:`Arrays`, :class:`Records`, ``folders.Files``.

    Attributes:
        size: Number of examples.
        shape: Height, width and channels; None where images differ.
        labels: int64 array of class ids; None where reading them takes all files.
        masked: Whether every pixel has a class: images then come with a channel more,
            that holds 0 for no class (void) and k + 1 for class k, and labels are 0.
        boxed: Whether objects have boxes: the label of an image then are its
            `kerazoo.detections.Objects`, in pixels, as many for every image.
        fresh: Whether an example is another one in every epoch.
    """

    size: int
    shape: tuple
    masked: bool
    boxed: bool
    fresh: bool

    @property
    def labels(self) -> np.ndarray | None:
        """See above."""


class Stream(Source, Protocol):
    """A source whose images are read from files in every epoch."""

    def shuffled(self, wanted: np.ndarray) -> int:
        """How many things an order of the wanted examples permutes."""

    def part(self, wanted: np.ndarray, index: int, workers: int) -> np.ndarray:
        """The share of the wanted examples that one of several workers reads."""

    def stream(
        self,
        wanted: np.ndarray,
        order: tf.Tensor,
        epoch: tf.Tensor,
        rank: Callable | None = None,
    ) -> tf.data.Dataset:
        """A dataset of the wanted examples' numbers and of what ``fetch`` takes."""

    def fetch(self, record: tf.Tensor) -> tuple[tf.Tensor, Any]:
        """Image and label of one example."""


class Split:
    """Some examples of a source.

    Args:
        source: `Arrays`, `Records` or another object with their attributes.
        name: What messages call it, such as `"digits train"`.
        classes: Tuple of class names.
        indices: Numbers of the examples within the source; None for all of them.

    Attributes:
        size: Number of examples.
        shape: Height, width and channels; None where images differ.
        indices: int64 array of the examples' numbers within the source.
        resized: Its images as `Batches` resized them last, for the next ones that ask
            for the same: a pair of what was asked for and the tensors.
    """

    @reader.checked
    def __init__(
        self,
        source: Source,
        *,
        name: str,
        classes: Iterable[str],
        indices: np.ndarray | None = None,
    ) -> None:
        self.source = source
        self.name = name
        self.classes = tuple(classes)
        self.indices = np.arange(source.size) if indices is None else indices
        _check_positions(self.indices, source.size, name)
        self.size = len(self.indices)
        self.shape = source.shape
        self.resized: tuple[Any, Any] = None, None

    def __repr__(self) -> str:
        return f"<Split {self.name}: {self.size} examples of shape {self.shape}>"

    @functools.cached_property
    def labels(self) -> np.ndarray | None:
        """int64 array of class ids; None where reading them takes all of the files."""
        labels = self.source.labels
        return None if labels is None else labels[self.indices]

    @property
    def keys(self) -> list[str] | None:
        """What every example is called; None where examples are known by number."""
        keys = getattr(self.source, "keys", None)
        return None if keys is None else [keys[number] for number in self.indices]

    @property
    def groups(self) -> list[str] | None:
        """What every example belongs to, and is never parted from; None for nothing."""
        groups = getattr(self.source, "groups", None)
        return None if groups is None else [groups[number] for number in self.indices]

    def read_labels(self) -> np.ndarray:
        """The labels, read from the files where nobody has yet."""
        if self.labels is None:
            return cast(Records, self.source).read_labels()[self.indices]
        return self.labels

    def subset(self, indices: ArrayLike, name: str | None = None) -> "Split":
        """The examples at the positions `indices` (0 ... size-1) of this split.

        Raises:
            ValueError: If a position is outside the split or given twice.
        """
        indices = np.atleast_1d(np.asarray(indices, "int64"))
        _check_positions(indices, self.size, self.name)
        if len(np.unique(indices)) != len(indices):
            raise ValueError(
                f"a subset of {self.name} names an example twice; give each "
                "position once"
            )
        return Split(
            self.source,
            name=name or self.name,
            classes=self.classes,
            indices=self.indices[indices],
        )

    def split_off(
        self, share: float, seed: int, part: str = "validation"
    ) -> tuple["Split", "Split"]:
        """Parts the split in two, class by class where the labels are known.

        Without labels the second part is one run of examples, so that files outside it
        need not be opened; TFDS has shuffled the examples when it wrote them.

        Files are drawn by a hash of their names, and arrays by one of their pixels, so
        that one that is added or removed moves no other to another part; of every class
        with two or more, each part gets one at least. The share then holds on average.
        Where examples have groups, a group is drawn as a whole, by a hash of its name.

        Args:
            share: Part of the examples that the second split gets, 0 < share < 1.
            seed: Integer; the same seed parts the split in the same way.
            part: What the second split is called.

        Returns:
            Two disjoint splits, called "... train" and "... validation".

        Raises:
            ValueError: If the share is not within (0, 1) or leaves a part empty.
        """
        if not 0 < share < 1:
            raise ValueError(
                f"{share} is not a share of {self.name}; give one between 0 and 1"
            )
        # Epoch -1 keeps this order apart from those of the training epochs.
        order = draws.permutation(self.size, seed, -1)
        taken = np.zeros(self.size, bool)
        units = self.keys if self.groups is None else self.groups
        if units is not None and self.labels is not None:
            names, unit_of = np.unique(np.array(units, object), return_inverse=True)
            places = np.array([draws.share(f"{part}:{seed}:{name}") for name in names])
            drawn = places < share
            for label in np.unique(self.labels):
                members = np.unique(unit_of[self.labels == label])
                if len(members) > 1 and not drawn[members].any():
                    # A class that the hash left out would not be measured.
                    drawn[members[places[members].argmin()]] = True
                elif len(members) > 1 and drawn[members].all():
                    drawn[members[places[members].argmax()]] = False
            taken = drawn[unit_of]
        elif self.labels is None:
            count = round(share * self.size)
            start = order[0] % (self.size - count + 1)
            taken[start : start + count] = True
        else:
            for label in np.unique(self.labels):
                members = order[self.labels[order] == label]
                taken[members[: round(share * len(members))]] = True
        if not 0 < taken.sum() < self.size:
            raise ValueError(
                f"a {part} share of {share} of the {self.size} examples of "
                f"{self.name} leaves a part empty; choose another share, or add images"
            )
        stem = self.name.removesuffix(" train")
        return (
            self.subset(np.flatnonzero(~taken), f"{stem} train"),
            self.subset(np.flatnonzero(taken), f"{stem} {part}"),
        )


def _check_positions(indices, size, name):
    """Refuses numbers of examples that are not there."""
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise ValueError(f"indices of {name} must be a list of whole numbers")
    if indices.size and not 0 <= indices.min() <= indices.max() < size:
        raise ValueError(
            f"positions {indices.min()} to {indices.max()} are not all in {name}, "
            f"which has {size} examples; give indices from 0 to {size - 1}"
        )


class Arrays:
    """Images of one shape, decoded once and held in memory.

    Args:
        read: Function that returns the uint8 images of shape (size, height, width,
            channels) and their int64 labels; called when they are first needed.
        size: Number of examples.
        shape: Height, width and channels.
        keys: What each is called; None where they are known by number.
        groups: What each belongs to; None for nothing.
        masked: Whether the images have their masks as a last channel beyond `shape`.
    """

    boxed = fresh = False

    def __init__(
        self,
        read: Callable[[], tuple[np.ndarray, np.ndarray]],
        size: int,
        shape: tuple,
        *,
        keys: list[str] | None = None,
        groups: list[str] | None = None,
        masked: bool = False,
    ) -> None:
        self._read = read
        self.masked = masked
        self.size = size
        self.shape = shape
        self.keys = keys
        self.groups = groups

    @functools.cached_property
    def _arrays(self):
        return self._read()

    @property
    def images(self) -> np.ndarray:
        return self._arrays[0]

    @property
    def labels(self) -> np.ndarray:
        return self._arrays[1]

    @functools.cached_property
    def tensors(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Images and int32 labels as tensors in main memory, wherever the model is."""
        # Made inside a dataset's function they would be copied into its graph.
        with tf.init_scope(), tf.device("CPU:0"):
            return tf.constant(self.images), tf.constant(self.labels.astype("int32"))


class Records:
    """Examples in TFRecord files, read from front to back.

    Args:
        builder: A prepared TFDS builder.
        split: TFDS split string.
        keys: Names of the image and of the label among the features.
        label_bytes: Labels are read ahead when the files hold no more than this.
    """

    masked = boxed = fresh = False

    def __init__(
        self, builder: Any, split: str, keys: Sequence[str], label_bytes: int
    ) -> None:
        info = builder.info.splits[split]
        self.image, self.label = keys
        self.feature, self.truth = (builder.info.features[key] for key in keys)
        self.name = f"{builder.info.full_name} {split}"
        self.files = [
            (str(part.filename), part.skip, part.take)
            for part in info.file_instructions
        ]
        self.size = sum(take for _, _, take in self.files)
        self.shape = tuple(self.feature.shape)
        total = builder.info.splits.total_num_examples
        stored = sum(one.num_bytes for one in builder.info.splits.values())
        self.record_bytes = max(1, stored // max(1, total))
        self._label_bytes = label_bytes

    def parse(self, records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Encoded images and int64 labels of a batch of serialised examples."""
        example = tf.io.parse_example(
            records,
            {
                self.image: tf.io.FixedLenFeature([], tf.string),
                self.label: tf.io.FixedLenFeature([], tf.int64),
            },
        )
        return example[self.image], example[self.label]

    def shuffled(self, wanted: np.ndarray) -> int:
        """How many things an order of the wanted examples permutes: the files."""
        return len(self.spans(wanted))

    def part(self, wanted: np.ndarray, index: int, workers: int) -> np.ndarray:
        """The share of one of several workers: neighbours, in files of its own."""
        return np.array_split(wanted, workers)[index]

    def stream(
        self,
        wanted: np.ndarray,
        order: tf.Tensor,
        epoch: tf.Tensor,
        rank: Callable | None = None,
    ) -> tf.data.Dataset:
        """The wanted examples with their numbers, file by file.

        Args:
            wanted: int64 array of example numbers.
            order: int64 tensor: order of the `shuffled(wanted)` files.
            epoch: Not looked at: files are the same in every epoch.
            rank: Function that gives an int64 tensor of numbers the keys to sort them
                by: files are then read side by side and the examples sorted within
                windows of 16,384, or 128 MiB. None leaves the examples as they lie.

        Returns:
            A dataset of (number, serialised example).
        """
        spans = self.spans(wanted)
        mask = np.zeros(self.size, bool)
        mask[wanted] = True
        columns = [
            tf.gather(np.array(column), order) for column in zip(*spans, strict=True)
        ]

        def read(path, skip, take, first):
            return tf.data.TFRecordDataset(path).skip(skip).take(take).enumerate(first)

        examples = tf.data.Dataset.from_tensor_slices(tuple(columns)).interleave(
            read,
            cycle_length=min(16, len(spans)) if rank else 1,
            block_length=16,
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        if not mask.all():
            examples = examples.filter(lambda number, _: tf.gather(mask, number))
        if rank:
            # Dataset.shuffle would mix the process' global seed into its own.
            window = min(WINDOW, max(1, WINDOW_BYTES // self.record_bytes))

            def shuffle(numbers, records):
                places = tf.argsort(rank(numbers), stable=True)
                return tf.gather(numbers, places), tf.gather(records, places)

            examples = examples.batch(window).map(shuffle).prefetch(1).unbatch()
        return examples

    def fetch(self, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Image and label of one serialised example."""
        encoded, labels = self.parse(record[None])
        return self.feature.decode_example(encoded[0]), labels[0]

    def spans(self, wanted: np.ndarray) -> list[tuple[str, int, int, int]]:
        """(path, skip, take, first number) of each file that holds a wanted example."""
        spans, first = [], 0
        for path, skip, take in self.files:
            inside = wanted[(wanted >= first) & (wanted < first + take)]
            if inside.size:
                low, high = int(inside.min()), int(inside.max())
                spans.append((path, skip + low - first, high - low + 1, low))
            first += take
        return spans

    @functools.cached_property
    def labels(self) -> np.ndarray | None:
        if self.size * self.record_bytes > self._label_bytes:
            return None
        return self.read_labels()

    def read_labels(self) -> np.ndarray:
        """int64 array of class ids; reads all of the files."""
        parts = [
            labels
            for _, labels in self._batches()
            .map(self.parse, os.cpu_count())
            .as_numpy_iterator()
        ]
        return self._checked(np.concatenate(parts))

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Decodes everything: uint8 images (size, height, width, channels), labels."""

        def decode(records):
            encoded, labels = self.parse(records)
            images = tf.map_fn(
                self.feature.decode_example,
                encoded,
                fn_output_signature=tf.TensorSpec(self.shape, tf.uint8),
            )
            return images, labels

        images = np.empty((self.size, *self.shape), "uint8")
        labels = np.empty(self.size, "int64")
        done = 0
        # AUTOTUNE would begin with one thread, and all may take a second.
        parts = self._batches().map(decode, os.cpu_count()).as_numpy_iterator()
        for some_images, some_labels in parts:
            stop = done + len(some_labels)
            images[done:stop], labels[done:stop] = some_images, some_labels
            done = stop
        return images, self._checked(labels)

    def _batches(self):
        """All serialised examples in order, many at a time."""

        def read(path, skip, take):
            return tf.data.TFRecordDataset(path).skip(skip).take(take).batch(1024)

        columns = map(np.array, zip(*self.files, strict=True))
        return tf.data.Dataset.from_tensor_slices(tuple(columns)).flat_map(read)

    def _checked(self, labels):
        if len(labels) != self.size:
            raise ValueError(
                f"{self.name} holds {len(labels)} examples where its dataset_info.json "
                f"promises {self.size}; prepare it again"
            )
        check_labels(labels, self.truth.num_classes, self.name)
        return labels


class MaskRecords(Records):
    """Examples in TFRecord files that have an image and a mask.

    Args:
        builder: A prepared TFDS builder.
        split: TFDS split string.
        keys: Names of the image and of the mask among the features; a value of the
            mask is a class id, 255 no class.
        classes: Number of classes.
    """

    masked = True

    def __init__(
        self, builder: Any, split: str, keys: Sequence[str], classes: int
    ) -> None:
        super().__init__(builder, split, keys, 0)
        self.classes = classes
        self.labels = np.zeros(self.size, "int64")

    def parse(self, records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Encoded images and masks of a batch of serialised examples."""
        text = tf.io.FixedLenFeature([], tf.string)
        example = tf.io.parse_example(records, {self.image: text, self.label: text})
        return example[self.image], example[self.label]

    def fetch(self, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Image, with its mask as the last channel, and 0."""
        encoded, masks = self.parse(record[None])
        image = self.feature.decode_example(encoded[0])
        mask = tf.cast(self.truth.decode_example(masks[0])[..., :1], tf.uint8)
        known = mask < self.classes
        mask = tf.where(known, mask + 1, tf.zeros_like(mask))
        return tf.concat([image, mask], -1), tf.zeros([], tf.int64)

    def largest(self, count: int = 256) -> int:
        """The largest class id in the first masks."""
        found = 0
        for records in self._batches().as_numpy_iterator():
            for one in self.parse(records)[1][:count]:
                mask = self.truth.decode_example(one).numpy()
                found = max(found, int(mask[mask != 255].max(initial=0)))
            count -= len(records)
            if count <= 0:
                break
        return found


class BoxRecords(Records):
    """Examples in TFRecord files that have an image and the boxes of its objects.

    Args:
        builder: A prepared TFDS builder.
        split: TFDS split string.
        keys: Names of the image, of its objects, and of what marks an object that is to
            be ignored, or None.
    """

    boxed = True

    def __init__(self, builder: Any, split: str, keys: tuple) -> None:
        image, objects, mark = keys
        super().__init__(builder, split, (image, objects), 0)
        self._names = [f"{objects}/{one}" for one in ("bbox", "label", mark) if one]
        # PASCAL VOC's pixels count from 1; TFDS divides them as they are.
        self._from_one = builder.name == "voc"
        self.labels = np.zeros(self.size, "int64")

    def parse(self, records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Encoded images and the number of objects of a batch of examples."""
        example = self._parse(records)
        return example[self.image], example[self._names[1]].row_lengths()

    def _parse(self, records):
        floats, whole = tf.float32, tf.int64
        kinds = [floats, whole, whole][: len(self._names)]
        ragged = {
            name: tf.io.RaggedFeature(kind)
            for name, kind in zip(self._names, kinds, strict=True)
        }
        text = {self.image: tf.io.FixedLenFeature([], tf.string)}
        return tf.io.parse_example(records, text | ragged)

    @functools.cached_property
    def most(self) -> int:
        """Objects of the image that has most of them; reads the files."""
        # Asked for within a dataset's function, and answered outside of its graph.
        with tf.init_scope():
            counts = [int(self.parse(one)[1].numpy().max()) for one in self._batches()]
        return max(1, *counts)

    def fetch(self, record: tf.Tensor) -> tuple[tf.Tensor, Objects]:
        """Image and objects."""
        example = self._parse(record[None])
        image = self.feature.decode_example(example[self.image][0])
        height, width = tf.unstack(tf.cast(tf.shape(image)[:2], tf.float32))
        boxes, labels, *marks = (example[name][0] for name in self._names)
        y1, x1, y2, x2 = tf.unstack(tf.reshape(boxes, [-1, 4]), axis=1)
        found = tf.stack([x1 * width, y1 * height, x2 * width, y2 * height], 1)
        if self._from_one:
            found = tf.round(found) - [1.0, 1.0, 0.0, 0.0]
        ignored = tf.cast(marks[0] if marks else tf.zeros_like(labels), tf.bool)
        missing = [[0, self.most - tf.shape(labels)[0]]]
        return image, Objects(
            tf.ensure_shape(
                tf.pad(found, [*missing, [0, 0]], constant_values=-1), [self.most, 4]
            ),
            tf.ensure_shape(
                tf.pad(tf.cast(labels, tf.int32), missing, constant_values=-1),
                [self.most],
            ),
            tf.ensure_shape(tf.pad(ignored, missing), [self.most]),
        )


def check_labels(labels: np.ndarray, classes: int, name: str) -> None:
    """Raises ValueError unless every label is in 0 ... classes-1."""
    wrong = labels[(labels < 0) | (labels >= classes)]
    if wrong.size:
        raise ValueError(
            f"{name} has {wrong.size} labels out of range, such as {wrong[0]}; with "
            f"{classes} classes they must be 0 to {classes - 1}: choose another split "
            "or mend the set"
        )
