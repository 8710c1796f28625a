"""Batches for Keras: shuffled, resized and augmented as a function of the epoch."""

import contextlib
import functools
import itertools
import math
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
import tensorflow as tf

from kerazoo import errors, memory, reader
from kerazoo.data import boxes, draws, multicrop, resizing
from kerazoo.data.augment import apply as augment
from kerazoo.data.splits import Arrays, Split, Stream
from kerazoo.detections import Objects, Proposals, fitted
from kerazoo.reader import Count, ImageShape, Whole

CACHES = ("auto", "memory", "none")
MEMORY_LIMIT = 2 * 2**30


class Batches:
    """The epochs of a split, as datasets that Keras' `fit` and `evaluate` take.

    What a batch holds is a function of (seed, epoch, step) and of nothing else; how an
    example is augmented, of (seed, epoch, number of the example). Training takes
    `epochs` and counts its steps; evaluation takes `dataset`, a single epoch.

    Args:
        split: A `Split`.
        batch_size: Examples in a batch; the last one of an epoch may be smaller.
        image_shape: Height, width and channels (1 or 3) of the images to deliver.
        resize: "bilinear", "pad", "crop" or "center" (see `resizing.resize`).
        augment: Augmentations by name, such as `("flip", "pad_crop:4")`, in order.
        seed: Integer.
        shuffle: Whether each epoch has an order of its own. A set that is streamed
            from TFRecord files is shuffled by files and within windows of 16,384
            examples, or 128 MiB.
        drop_remainder: Whether to leave out the last, smaller batch of an epoch.
        cache: "memory" resizes the images once and keeps them in memory, "none" reads
            or resizes them in each epoch, "auto" keeps them if they take no more than
            2 GiB. A crop among the augmentations needs the whole images: then only
            those that `load` holds are in memory.
        one_hot: Whether labels are float32 rows; they are anyway where an
            augmentation mixes images. Otherwise they are int32 class ids.
        views: None, or a kind of `data.views`: then an image comes as so many views of
            it, in a batch (n, views, height, width, channels). Nothing augments them.
        sizes: Sides that the images of every epoch are brought to in turn, at the end;
            empty for `image_shape` in all.
        proposals: What says where objects may be, of images that have boxes; they are
            found on the whole image, and move as the boxes do.
        proposed: How many of them an image comes with.

    Attributes:
        size: Examples in an epoch.
        steps: Batches in an epoch.

    Raises:
        ValueError: If an argument is not usable, or the split is smaller than a batch
            that training (`shuffle` or `drop_remainder`) asks for.
    """

    @reader.checked
    def __init__(
        self,
        split: Split,
        batch_size: Count,
        *,
        image_shape: ImageShape,
        resize: str = "bilinear",
        augment: Sequence[str] = (),
        seed: Whole = 0,
        shuffle: bool = False,
        drop_remainder: bool = False,
        cache: str = "auto",
        one_hot: bool = False,
        views: str | None = None,
        sizes: Sequence[Count] = (),
        proposals: Proposals | None = None,
        proposed: Count = 2000,
    ) -> None:
        self.split = split
        self.batch_size = batch_size
        self.image_shape = image_shape
        self.resize = resize
        self.seed = seed
        self.shuffle = shuffle
        self.drop_remainder = drop_remainder
        self.cache = cache
        self.augment = augment
        self.views = views
        self.sizes = sizes
        self.proposals, self.proposed = proposals, proposed
        self._check()
        self.steps, self.size = math.ceil(split.size / batch_size), split.size
        if drop_remainder:
            self.steps = split.size // batch_size
            self.size = self.steps * batch_size
        self._set_augmentations()
        self.one_hot = one_hot or any(step.kind == "mix" for step in self._steps)
        self._endless: dict[tuple[int, int], tf.data.Dataset] = {}

    @functools.cached_property
    def dataset(self) -> tf.data.Dataset:
        """The first epoch, a `tf.data.Dataset` of (images, labels).

        Labels are class ids or rows; of a set with masks int32 class ids (n, height,
        width), -1 for void; of one with boxes `kerazoo.detections.Objects`, which
        follow resizing and augmenting; what is nearly out of the image is none. Images
        are uint8, or float32 in 0..255 where an augmentation makes them so. Its
        cardinality is the number of batches; reading fewer or more raises.
        """
        one = self._batches(tf.data.Dataset.range(1), 0, 0)
        return one.apply(tf.data.experimental.assert_cardinality(self.steps))

    def epochs(self, epoch: int = 0, step: int = 0) -> tf.data.Dataset:
        """All epochs from batch `step` of `epoch` on, without an end.

        Returns:
            A `tf.data.Dataset` of (images, labels), the same one for the same place.

        Raises:
            ValueError: If there is no such epoch or step.
        """
        if epoch < 0 or not 0 <= step <= self.steps:
            raise ValueError(
                f"there is no epoch {epoch}, step {step}; epochs count from 0, steps "
                f"from 0 to {self.steps}"
            )
        place = (epoch, step)
        if place not in self._endless:
            counter = tf.data.Dataset.counter(epoch)
            self._endless = {place: self._batches(counter, epoch, step)}
        return self._endless[place]

    def _batches(self, counter, epoch, step):
        def begin(number):
            order = tf.numpy_function(self._order, [number], tf.int64)
            first = tf.where(number == epoch, tf.constant(step, tf.int64), 0)
            # TensorFlow cannot know the shape of what Python returns.
            return first, number, tf.ensure_shape(order, [None])

        make = self._stream if self._held is None else self._gather
        # More than a few batches in flight only take memory.
        return counter.map(begin).flat_map(make).prefetch(2)

    @property
    def _shape(self):
        """What an image comes as, with the channel of its mask."""
        views = [multicrop.VIEWS[self.views]] if self.views else []
        height, width, channels = self.image_shape
        return (*views, height, width, channels + self._masked)

    @property
    def streamed(self) -> bool:
        """Whether every epoch reads the files anew."""
        return self._held is None

    def part(self, index: int, workers: int, devices: int) -> "Batches":
        """What one of several workers reads: files of its own, not everybody's.

        Its epochs are as long as those of the whole. The batches are those of one
        device; shuffling stays within the worker's share of the examples.

        Args:
            index: Which of the workers.
            workers: Machines that share every batch.
            devices: Devices of all of them together; the batch is a multiple of it.

        Returns:
            A `Batches` of `devices / workers` batches for each one of the whole.
        """
        positions = np.arange(self.split.size)
        part = Batches(
            self.split.subset(self._files.part(positions, index, workers)),
            self.batch_size // devices,
            image_shape=self.image_shape,
            resize=self.resize,
            augment=self.augment,
            seed=self.seed,
            shuffle=self.shuffle,
            drop_remainder=True,
            cache="none",
            one_hot=self.one_hot,
            sizes=self.sizes,
            proposals=self.proposals,
            proposed=self.proposed,
        )
        part.steps = self.steps * devices // workers
        return part

    def of(self, split: Split) -> "Batches":
        """Batches of other images, resized alike; neither shuffled nor augmented.

        Args:
            split: The images, of a set of the same kind.
        """
        return Batches(
            split,
            self.batch_size,
            image_shape=self.image_shape,
            resize=self.resize,
            one_hot=self.one_hot,
            proposals=self.proposals,
            proposed=self.proposed,
        )

    def take(self, count: int) -> tuple[np.ndarray, Any]:
        """The first images and labels of the first epoch, as arrays.

        Args:
            count: How many; fewer come if the epoch is shorter.

        Returns:
            Images (n, height, width, channels) and labels.
        """
        parts, have = [], 0
        for part in self.dataset.as_numpy_iterator():
            parts.append(part)
            have += len(part[0])
            if have >= count:
                break
        return tf.nest.map_structure(lambda *some: np.concatenate(some)[:count], *parts)

    def too_narrow(self, count: int) -> int:
        """How many boxes of the first images resizing makes narrower than a pixel.

        Args:
            count: Images that are looked at.
        """
        size, total = self.image_shape[:2], 0
        for image, objects in itertools.islice(stored(self.split), count):
            window = resizing.window(image.shape[:2], size, self.resize, tf)
            moved = boxes.rewindowed(objects.boxes, window, size).numpy()
            learnt = moved[~objects.ignored]
            total += int((learnt[:, 2:] - learnt[:, :2] < 1).any(1).sum())
        return total

    def _check(self):
        size, split = self.batch_size, self.split
        memory.check(
            f"A batch of {size} images of {'x'.join(map(str, self.image_shape))}",
            size * math.prod(self.image_shape),
            "give a smaller image_shape or batch_size",
        )
        if not split.size:
            raise ValueError(f"{split.name} is empty; there is nothing to batch")
        if split.size < size and (self.shuffle or self.drop_remainder):
            raise ValueError(
                f"{split.name} has {split.size} examples, less than a batch of {size}; "
                f"make batch_size at most {split.size}"
            )
        shape = reader.read(reader.ImageShape, self.image_shape, "image_shape")
        if shape[2] != split.shape[2] and {shape[2], split.shape[2]} != {1, 3}:
            raise ValueError(
                f"the images of {split.name} have {split.shape[2]} channels and cannot "
                f"be given {shape[2]}; 1 and 3 can be changed into each other"
            )
        for name, allowed in (("resize", resizing.RESIZES), ("cache", CACHES)):
            if getattr(self, name) not in allowed:
                raise errors.unknown(name, getattr(self, name), allowed)
        if self.views is not None and self.views not in multicrop.VIEWS:
            raise errors.unknown("kind of views", self.views, multicrop.VIEWS)
        if self.views is not None and (self._masked or self.split.source.boxed):
            raise ValueError(
                f"views={self.views!r} are of images with one label; {split.name} has "
                f"{self._truth}: leave them out"
            )
        if self.sizes and (self._masked or self.split.source.boxed):
            raise ValueError(
                f"sizes={list(self.sizes)} are of images with one label; "
                f"{self.split.name} has {self._truth}: leave them out"
            )
        if self.views is not None and self.augment:
            raise ValueError(
                f"views={self.views!r} are for evaluation; leave out the augmentations"
            )

    def _set_augmentations(self):
        names = self.augment
        self._steps = [augment.parse(name) for name in names]
        augment.check_augmentations(self._steps, max(self.image_shape[:2]))
        mixing = [s.augmentation.name for s in self._steps if s.kind == "mix"]
        if mixing and (self._masked or self.split.source.boxed):
            raise ValueError(
                f"augmentation {mixing[0]} mixes the labels of whole images, but "
                f"{self.split.name} has {self._truth}; leave it out"
            )
        own = [s.augmentation.name for s in self._steps if s.kind == "pair"]
        if own and self.proposals:
            raise ValueError(
                f"augmentation {own[0]} moves pixels in ways of its own, which the "
                "proposals of a network of regions do not follow; leave it out"
            )
        # Whether something is cut out of the whole image.
        self._crop = self.views is not None or (
            bool(self._steps) and self._steps[0].kind == "crop"
        )

    @functools.cached_property
    def _held(self):
        """Tensors of images and labels and the rows of this split; None to stream."""
        source, split = self.split.source, self.split
        if source.fresh:
            return None
        whole = self._crop or self.image_shape == source.shape
        if isinstance(source, Arrays) and whole:
            return *source.tensors, split.indices
        size = split.size * int(np.prod(self.image_shape))
        keep = self.cache == "memory" or (self.cache == "auto" and size <= MEMORY_LIMIT)
        if keep and not self._crop:
            name = self.proposals and self.proposals.name
            asked = (self.image_shape, self.resize, name, self.proposed)
            if split.resized[0] != asked:
                split.resized = asked, _read(self)
            return *split.resized[1], np.arange(split.size)
        if isinstance(source, Arrays):
            return *source.tensors, split.indices
        return None

    @property
    def _masked(self):
        return self.split.source.masked

    @property
    def _truth(self):
        return "boxes" if self.split.source.boxed else "a class for every pixel"

    @property
    def _files(self):
        return cast(Stream, self.split.source)

    def _order(self, epoch):
        """The order of the positions or files in an epoch."""
        size = self.split.size
        if self._held is None:
            size = self._files.shuffled(self.split.indices)
        if not self.shuffle:
            return np.arange(size)
        return draws.permutation(size, self.seed, int(epoch))

    def _gather(self, first, epoch, order):
        """Batches out of images in memory."""
        images, labels, rows = self._held
        numbers = self.split.indices

        def batch(step):
            places = order[step * self.batch_size : (step + 1) * self.batch_size]
            row, number = tf.gather(rows, places), tf.gather(numbers, places)
            some = tf.gather(images, row)
            if self._crop:
                some = tf.map_fn(
                    lambda one: self._fit(one[0], epoch, one[1])[0],
                    (some, number),
                    fn_output_signature=tf.TensorSpec(self._shape, tf.uint8),
                )
            else:
                some, _ = self._fit(some)
            labels_ = tf.nest.map_structure(lambda one: tf.gather(one, row), labels)
            return self._finish(some, labels_, epoch, number)

        # AUTOTUNE begins with one thread in each epoch, and an epoch may take a second.
        return tf.data.Dataset.range(first, self.steps).map(
            batch, os.cpu_count(), deterministic=True
        )

    def _stream(self, first, epoch, order):
        """Batches out of files."""
        source = self._files

        def rank(numbers):
            # Place -1 keeps these draws apart from those of the augmentations.
            return draws.uniform(self.seed, epoch, numbers, -1, 1)[:, 0]

        examples = source.stream(
            self.split.indices, order, epoch, rank if self.shuffle else None
        )

        def example(number, handle):
            image, label = source.fetch(handle)
            if self.proposals:
                label = label._replace(proposals=self._propose(image))
            image, window = self._fit(image, epoch, number)
            if source.boxed:
                size = self.image_shape[:2]
                moved = boxes.rewindowed(boxes.together(label), window, size)
                label = boxes.on_image(boxes.apart(label, moved), size)
            else:
                label = tf.cast(label, tf.int32)
            return image, label, number

        def batch(images, labels, number):
            return self._finish(images, labels, epoch, number)

        return (
            examples.skip(first * self.batch_size)
            .map(example, tf.data.AUTOTUNE, deterministic=True)
            .batch(self.batch_size, drop_remainder=self.drop_remainder)
            .take(self.steps - first)
            .map(batch, tf.data.AUTOTUNE, deterministic=True)
        )

    def _propose(self, image):
        """Where objects may be on an image as it is stored."""
        proposals = cast(Proposals, self.proposals)

        def find(pixels):
            return fitted(proposals(pixels), self.proposed)

        found = tf.numpy_function(find, [image], tf.float32)
        return tf.ensure_shape(found, [self.proposed, 4])

    def _fit(self, images, epoch=None, number=None):
        """Images of one size, or one image that may be cropped, as the network's.

        And what part of them that is, in rows and in columns.
        """
        *size, count = self.image_shape
        how = self.resize
        if self.views:
            images = resizing.channels(images, count)
            return multicrop.views_of_whole(images, self.views, size, how), None
        have = tf.unstack(tf.shape(images)[-3:-1])
        window = resizing.window(have, size, how, tf)
        if self._crop:
            # The box has the proportions that were drawn for it.
            how = "bilinear"
            images, window = augment.crop(
                self._steps[0], images, size, self.seed, epoch, number
            )
        images, masks = augment.part_masks(images, self._masked)
        images = resizing.channels(images, count)
        images = resizing.resize(images, size, how)
        if masks is not None:
            masks = resizing.resize(masks, size, how, nearest=True)
            images = tf.concat([images, masks], -1)
        images = tf.ensure_shape(images, [*images.shape[:-3], *self._shape[-3:]])
        return images, window

    def _finish(self, images, labels, epoch, numbers):
        if self.one_hot:
            labels = tf.one_hot(labels, len(self.split.classes))
        images, masks = augment.part_masks(images, self._masked)
        boxed = self.split.source.boxed
        truth = (
            augment.Truth(None, masks, boxes.together(labels))
            if boxed
            else augment.Truth(labels, masks, None)
        )
        images, truth = augment.apply(
            self._steps, images, truth, self.seed, epoch, numbers
        )
        if boxed:
            moved = boxes.apart(labels, cast(tf.Tensor, truth.boxes))
            return images, boxes.on_image(moved, self.image_shape[:2])
        if masks is not None:
            # Void, 0 in the files' order, is -1 for the loss.
            moved = cast(tf.Tensor, truth.masks)
            return images, tf.cast(moved[..., 0], tf.int32) - 1
        return self._resized(images, epoch), truth.labels

    def _resized(self, images, epoch):
        """Images of the side that is an epoch's."""
        if not self.sizes:
            return images
        branches = [
            functools.partial(resizing.shrunk, images, (side, side))
            for side in self.sizes
        ]
        turn = tf.cast(epoch % len(self.sizes), tf.int32)
        resized = tf.switch_case(turn, branches)
        return tf.ensure_shape(resized, [None, None, None, images.shape[-1]])


def _read(wanted):
    """All images of batches, resized, and their labels, as tensors in main memory."""
    split = wanted.split
    height, width, channels = wanted.image_shape
    masked = split.source.masked
    images = np.empty((split.size, height, width, channels + masked), "uint8")
    batches = Batches(
        split,
        min(256, split.size),
        image_shape=wanted.image_shape,
        resize=wanted.resize,
        cache="none",
        proposals=wanted.proposals,
        proposed=wanted.proposed,
    )
    parts, done = [], 0
    for some, labels in batches.dataset.as_numpy_iterator():
        stop = done + len(some)
        images[done:stop, ..., :channels] = some
        if masked:
            images[done:stop, ..., -1] = labels + 1
            labels = np.zeros(len(some), "int32")
        parts.append(labels)
        done = stop
    labels = tf.nest.map_structure(lambda *some: np.concatenate(some), *parts)
    with tf.device("CPU:0"):
        return tf.nest.map_structure(tf.constant, (images, labels))


@contextlib.contextmanager
def errors_said() -> Iterator[None]:
    """Raises what a function of a pipeline has raised, without what is around it.

    Raises:
        ValueError: In the place of TensorFlow's error that holds its text.
    """
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if said := re.search(r"ValueError: (.+)", error.message):
            raise ValueError(said[1]) from error
        raise


def stored(split: Split) -> Iterator[tuple[np.ndarray, Objects]]:
    """The images of a split as they are stored, each with its objects.

    Args:
        split: A `Split` of a source that has boxes.
    """
    for image, objects in _fetched(split).prefetch(2):
        batch = tf.nest.map_structure(lambda one: one.numpy()[None], objects)
        yield image.numpy(), batch.on(0)


def each_image(split: Split) -> Iterator[tuple[np.ndarray, int]]:
    """The images of a split as they lie, of whatever sizes, each with its class."""
    if isinstance(split.source, Arrays):
        for number in split.indices:
            yield split.source.images[number], int(split.source.labels[number])
        return
    for image, label in _fetched(split).prefetch(16):
        yield image.numpy(), int(label)


def _fetched(split):
    """A dataset of the images of a split of files, in their order, and their truths."""
    source = cast(Stream, split.source)
    order = np.arange(source.shuffled(split.indices))
    examples = source.stream(split.indices, order, tf.zeros([], tf.int64))
    return examples.map(lambda _, handle: source.fetch(handle), tf.data.AUTOTUNE)


def count_pixels(split: Split, examples: int = 1024) -> np.ndarray:
    """Counts the pixels of each class in a split whose every pixel has one.

    Args:
        split: A `Split` of a masked source; masks of different sizes are brought to
            256 times 256 pixels.
        examples: Evenly spaced examples to look at, at most.

    Returns:
        An integer array of shape (classes,).
    """
    some = split.subset(np.arange(0, split.size, -(-split.size // examples)))
    height, width, channels = split.shape
    batches = Batches(
        some,
        min(16, some.size),
        image_shape=(height or 256, width or 256, channels),
        cache="none",
    )
    counts = np.zeros(len(split.classes) + 1, "int64")
    for _, masks in batches.dataset.as_numpy_iterator():
        counts += np.bincount(masks.ravel() + 1, minlength=len(counts))
    return counts[1:]


def count_values(split: Split, side: int = 64, examples: int = 4096) -> np.ndarray:
    """Counts how often each value 0 ... 255 occurs in each channel of a split.

    Args:
        split: A `Split` whose images are read from files; they are brought to `side`
            times `side` pixels.
        side: Height and width.
        examples: Evenly spaced examples to look at, at most.

    Returns:
        An integer array of shape (channels, 256).
    """
    stride = max(1, split.size // examples)
    some = split.subset(np.arange(0, split.size, stride))
    counts = np.zeros((split.shape[2], 256), "int64")
    batches = Batches(
        some,
        min(256, some.size),
        image_shape=(side, side, split.shape[2]),
        cache="none",
    )
    for images, _ in batches.dataset.as_numpy_iterator():
        for channel, values in enumerate(np.moveaxis(images, -1, 0)):
            counts[channel] += np.bincount(values.ravel(), minlength=256)
    return counts
