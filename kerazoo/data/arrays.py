"""Images that are given in memory: arrays, or a ``tf.data.Dataset``."""

import hashlib
import os
from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from kerazoo import reader
from kerazoo.data.batches import MEMORY_LIMIT
from kerazoo.data.images import ImageData
from kerazoo.data.splits import Arrays, Split, check_labels
from kerazoo.errors import unknown
from kerazoo.reader import Name, Range, Rate, Whole

# What names of such sets begin with.
KINDS = ("arrays", "dataset")
# What may be trained and measured on: a name, or the images themselves.
DataLike: TypeAlias = str | os.PathLike | ImageData | tuple | tf.data.Dataset
# More classes than any set of images has; labels above are no class ids.
MOST_CLASSES = 100_000


@reader.checked
def from_arrays(
    x: ArrayLike,
    y: ArrayLike,
    *,
    classes: Sequence[str] | None = None,
    test: tuple | list | None = None,
    validation: Rate = 0.1,
    seed: Whole = 0,
    groups: ArrayLike | None = None,
    name: Name | None = None,
) -> ImageData:
    """A set of images out of arrays.

    Without a test pair a fifth of each class is the test part, always the same. Which
    images that are, and which are for validation, follows from a hash of their pixels:
    neither their order nor further images move one to another part.

    Args:
        x: uint8 images ``(n, height, width, channels)``, with 1 or 3 channels, or
            ``(n, height, width)`` of grey ones.
        y: The class of each: integers from 0, or names of classes. Or the class of
            every pixel: integers ``(n, height, width)``, -1 or 255 for none.
        classes: Names of the classes, in the order of the integers; by default the
            integers themselves, or the sorted names.
        test: Images and labels of a test part of its own.
        validation: Share of the training images that becomes the validation part; 0
            for none.
        seed: Integer; it draws the validation part.
        groups: What each image belongs to, as in a patient or a scene: ``n`` integers
            or texts. Images of a group stay in one part, and in one fold.
        name: What the set is called, after ``arrays:``.

    Raises:
        ValueError: If images, labels or another argument are not usable.
    """
    train = (x, y, groups)
    return _parted("arrays", name, train, test, classes, validation, seed)


@reader.checked
def from_dataset(
    dataset: tf.data.Dataset,
    *,
    classes: Sequence[str] | None = None,
    test: tf.data.Dataset | None = None,
    validation: Rate = 0.1,
    seed: Whole = 0,
    memory_limit: Annotated[int, Range(0)] = MEMORY_LIMIT,
    name: Name | None = None,
) -> ImageData:
    """A set of images out of a dataset, which is read once and held in memory.

    Args:
        dataset: Of ``(image, label)``, batched or not: images as for `from_arrays`, of
            one shape, and integer labels or names of classes. It must end; it may be
            shuffled.
        classes: As for `from_arrays`; by default the dataset's ``class_names``, where
            it has them.
        test: A dataset of the test images.
        validation: As for `from_arrays`.
        seed: As for `from_arrays`.
        memory_limit: Bytes that the images of a dataset may take.
        name: What the set is called, after ``dataset:``.

    Raises:
        ValueError: If the dataset has no end, is too large, or holds something else.
    """
    if classes is None:
        classes = getattr(dataset, "class_names", None)
    train = _read(dataset, memory_limit)
    tested = None if test is None else _read(test, memory_limit)
    return _parted("dataset", name, train, tested, classes, validation, seed)


def named(data: Any) -> Any:
    """Data, of a path the name of the folder as a set."""
    return f"folder:{os.fspath(data)}" if isinstance(data, os.PathLike) else data


def in_memory(data: Any) -> bool:
    """Whether data are the images themselves, not the name of a set."""
    pair = isinstance(data, (tuple, list)) and len(data) == 2
    return isinstance(data, tf.data.Dataset) or (
        pair and not any(isinstance(one, (str, os.PathLike)) for one in data)
    )


def load_given(
    data: Any,
    *,
    validation: float,
    seed: int,
    classes: Sequence[str] | None = None,
    memory_limit: int = MEMORY_LIMIT,
) -> ImageData:
    """The set of images that are given in memory.

    Args:
        data: ``(x, y)`` or a dataset, or a pair of either, to train and to test on.
        validation: As for `from_arrays`.
        seed: As for `from_arrays`.
        classes: As for `from_arrays`.
        memory_limit: As for `from_dataset`.
    """
    train, test = _train_and_test(data)
    options: dict[str, Any] = {
        "classes": classes, "test": test, "validation": validation, "seed": seed
    }  # fmt: skip
    if isinstance(train, tf.data.Dataset):
        return from_dataset(train, memory_limit=memory_limit, **options)
    return from_arrays(*train, **options)


def load_measured(
    data: Any, *, classes: Sequence[str], own: str | None, **parting: Any
) -> ImageData:
    """Images that are given in memory to be measured.

    All of them are the test part, unless they came as a pair to train and to test on,
    or are those that were trained on.

    Args:
        data: As for `load_given`.
        classes: The classes of the network.
        own: `ImageData.digest` of the images that it was trained on.
        **parting: ``validation`` and ``seed`` of its training.
    """
    given, test = _train_and_test(data)
    if test is not None:
        return load_given(data, classes=classes, **parting)
    kind, pair = "arrays", given
    if isinstance(given, tf.data.Dataset):
        kind, pair = "dataset", _read(given, MEMORY_LIMIT)
    source, names = _source(*pair, classes=classes)
    if _digest(source) == own:
        return load_given(pair, classes=classes, **parting)
    split = Split(source, name=kind, classes=names)
    return ImageData(
        name=kind,
        classes=names,
        shape=source.shape,
        train=split,
        validation=None,
        test=split,
        digest=_digest(source),
        task="segmentation" if source.masked else "classification",
    )


def _train_and_test(data):
    """What is given to train on, and to test on or None."""
    if isinstance(data, tf.data.Dataset):
        return data, None
    # As ``keras.datasets`` gives them, or two datasets.
    pairs = all(isinstance(one, tuple) and len(one) == 2 for one in data)
    if pairs or isinstance(data[0], tf.data.Dataset):
        return data
    return data, None


def _parted(kind, name, train, test, classes, validation, seed):
    """The set of images and labels, given as the arguments of :func:`_source`."""
    name = kind if name is None else f"{kind}:{name}"
    source, classes = _source(*train, classes=classes)
    if len(classes) < 2:
        raise ValueError(f"there is only one class, {classes[0]!r}; give two or more")
    digest, tested = _digest(source), None
    if test is not None:
        other, _ = _source(*_pair(test), classes=classes, what="test ")
        if other.shape != source.shape:
            raise ValueError(
                f"the images of x are {_times(source.shape)} and those of test "
                f"{_times(other.shape)}; bring them to one size"
            )
        tested = Split(other, name=f"{name} test", classes=classes)
        digest = f"{digest}-{_digest(other)}"
    images = ImageData.parted(
        name,
        Split(source, name=f"{name} train", classes=classes),
        tested,
        validation=validation,
        seed=seed,
        digest=digest,
        task="segmentation" if source.masked else "classification",
    )
    images.warn_of_missing_classes()
    return images


def _pair(test):
    if isinstance(test, (tuple, list)) and len(test) == 2:
        return test
    raise ValueError(f"test is a {type(test).__name__}; give a pair (x, y)")


def _source(x, y, groups=None, *, classes=None, what=""):
    """Images in an order that their content decides, and the names of the classes."""
    images = _images(x, f"{what}x")
    shape = images.shape[1:]
    masked = _are_masks(y, images)
    if masked:
        masks, names = _masks(y, classes, f"{what}y")
        images = np.concatenate([images, masks], -1)
        labels = np.zeros(len(images), "int64")
    else:
        labels, names = _labels(y, classes, len(images), f"{what}y")
    pixels = np.array(
        [hashlib.blake2b(one.tobytes(), digest_size=16).hexdigest() for one in images]
    )
    texts = None if groups is None else _texts(groups, len(images))
    order = np.lexsort((*([] if texts is None else [texts]), labels, pixels))
    images, labels, pixels = images[order], labels[order], pixels[order]
    # Equal images are told apart by a number.
    places = np.arange(len(pixels))
    first = np.concatenate([[True], pixels[1:] != pixels[:-1]])
    numbers = places - np.maximum.accumulate(np.where(first, places, 0))
    source = Arrays(
        lambda: (images, labels),
        len(images),
        shape,
        masked=masked,
        keys=[f"{one}:{n}" for one, n in zip(pixels, numbers, strict=True)],
        groups=None if texts is None else texts[order].tolist(),
    )
    return source, names


def _digest(source):
    """Of pixels and labels."""
    digest = hashlib.sha256(repr(source.shape).encode())
    digest.update("\n".join(source.keys).encode())
    digest.update(source.labels.tobytes())
    return digest.hexdigest()[:16]


def _array(values, what):
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(
            f"{what} is no array ({str(error).splitlines()[0]}); give images of one "
            "size, or a folder of images (folder:PATH)"
        ) from error


def _times(shape):
    return "x".join(map(str, shape))


def _images(values, what):
    """uint8 images ``(n, height, width, channels)``."""
    array = _array(values, what)
    _check_pixels(array.dtype, what, array)
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4:
        raise ValueError(
            f"{what} has the shape {array.shape}; give images (n, height, width, "
            "channels), or (n, height, width) of grey ones"
        )
    if array.shape[3] not in (1, 3):
        first = array.shape[1] in (1, 3)
        advice = (
            f"bring the channels to the end, as in np.moveaxis({what}, 1, -1)"
            if first
            else "give 1 (grey) or 3 (RGB)"
        )
        raise ValueError(
            f"{what} has {array.shape[3]} channels, shape {array.shape}; {advice}"
        )
    if not array.size:
        raise ValueError(f"{what} is empty, shape {array.shape}; give some images")
    return array


def _check_pixels(dtype, what, array=None):
    """Refuses pixels that are not uint8, with the way to make them so."""
    dtype = np.dtype(dtype)
    if dtype == np.uint8:
        return
    small = array is not None and array.size and array.max() <= 1
    if dtype.kind == "b":
        way = f"{what}.astype('uint8') * 255"
    elif dtype.kind == "f":
        way = f"({what} * 255).round().astype('uint8') of values in 0..1"
        if not small:
            way += f", {what}.round().astype('uint8') of values in 0..255"
    elif dtype == np.uint16:
        way = f"({what} // 257).astype('uint8') of 16 bits"
    else:
        way = f"{what}.astype('uint8') of values in 0..255"
    raise ValueError(f"{what} is {dtype}; give uint8 images in 0..255, as in {way}")


def _labels(values, classes, count, what):
    """int64 labels and the names of the classes."""
    array = _array(values, what)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        raise ValueError(
            f"{what} has the shape {array.shape}; give one integer an image, of "
            f"one-hot rows as in {what}.argmax(-1)"
        )
    if array.shape != (count,):
        raise ValueError(
            f"there are {count} images and labels of the shape {array.shape}; give "
            f"{what} one label an image"
        )
    given = _names(classes)
    found = array.tolist()
    if all(isinstance(one, str) for one in found):
        names = given or tuple(sorted(set(found)))
        for one in set(found):
            if one not in names:
                raise unknown(f"class in {what}", one, names)
        place = {name: number for number, name in enumerate(names)}
        return np.array([place[one] for one in found], "int64"), names
    if not all(type(one) is int for one in found):
        odd = next(one for one in found if type(one) is not int)
        raise ValueError(
            f"{what} holds {odd!r}, a {type(odd).__name__}; give integers from 0, as "
            f"in {what}.astype(int), or names of classes"
        )
    labels = np.array(found, "int64")
    top = int(labels.max())
    if given is None and (labels.min() < 0 or top >= MOST_CLASSES):
        raise ValueError(
            f"{what} holds {labels.min()} to {top}, which are no class ids; number "
            f"the classes from 0, as in np.unique({what}, return_inverse=True)[1]"
        )
    names = given or tuple(map(str, range(top + 1)))
    check_labels(labels, len(names), what)
    return labels, names


def _are_masks(values, images):
    """Whether labels are the classes of pixels."""
    shape = np.shape(values)
    return shape in (images.shape[:3], (*images.shape[:3], 1))


def _masks(values, classes, what):
    """uint8 masks ``(n, height, width, 1)``, 0 for none, and the names of classes."""
    array = np.asarray(values).reshape(*np.shape(values)[:3], 1)
    if array.dtype.kind not in "ui":
        raise ValueError(
            f"{what} is {array.dtype}; give a class id a pixel, as in "
            f"{what}.astype(int)"
        )
    array = np.where(array == 255, -1, array.astype("int64"))
    given = _names(classes)
    names = given or tuple(map(str, range(int(array.max()) + 1)))
    if array.min() < -1 or array.max() >= len(names) or len(names) > 254:
        raise ValueError(
            f"{what} holds {array.min()} to {array.max()}; with {len(names)} classes "
            "give ids from 0 to the last, and -1 or 255 where a pixel has none"
        )
    return (array + 1).astype("uint8"), names


def _names(classes):
    if classes is None:
        return None
    names = reader.read(tuple[str, ...], classes, "classes")
    if isinstance(classes, str) or len(set(names)) < len(names) or not names:
        raise ValueError(
            f"classes is {classes!r}; give a list of different names, as in "
            "['cat', 'dog']"
        )
    return names


def _texts(groups, count):
    array = _array(groups, "groups")
    if array.shape != (count,):
        raise ValueError(
            f"there are {count} images and groups of the shape {array.shape}; give "
            "one group an image"
        )
    return np.array([str(one) for one in array.tolist()])


def _read(dataset, limit):
    """All images and labels of a dataset."""
    _check_elements(dataset)
    size, image = int(dataset.cardinality()), dataset.element_spec[0]
    if size == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "the dataset has no end; leave out repeat(), or take(n) as many as it has"
        )
    if size > 0 and image.shape.is_fully_defined():
        _check_bytes(size * int(np.prod(image.shape)), limit)
    images: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    total = 0
    for some, truth in dataset.as_numpy_iterator():
        truth = np.asarray(truth)
        # One at a time, or a batch.
        if not truth.ndim or (some.ndim == 3 and truth.shape[:2] == some.shape[:2]):
            some, truth = some[None], truth[None]
        if images and some.shape[1:] != images[0].shape[1:]:
            raise ValueError(
                f"the images of the dataset are {_times(images[0].shape[1:])} and "
                f"{_times(some.shape[1:])}; resize them to one size in map, or write "
                "them to a folder (folder:PATH)"
            )
        images.append(some)
        labels.append(truth)
        total += some.nbytes
        _check_bytes(total, limit)
    if not images:
        raise ValueError("the dataset is empty; give one with images")
    y = np.concatenate(labels)
    if y.dtype.kind in "OS":
        y = np.array([one.decode() if isinstance(one, bytes) else one for one in y])
    return np.concatenate(images), y


def _check_elements(dataset):
    """Refuses a dataset of something else than uint8 images and labels."""
    spec = dataset.element_spec
    if not (
        isinstance(spec, tuple)
        and len(spec) == 2
        and all(isinstance(one, tf.TensorSpec) for one in spec)
    ):
        kind = type(spec).__name__
        shown = f"{kind} of {', '.join(map(str, spec))}" if kind == "dict" else spec
        raise ValueError(
            f"the dataset holds {shown}; give one of (image, label), as in "
            "dataset.map(lambda one: (one['image'], one['label']))"
        )
    if spec[0].dtype != tf.uint8:
        raise ValueError(
            f"the images of the dataset are {spec[0].dtype.name}; give uint8 images "
            "in 0..255, as in dataset.map(lambda image, label: "
            "(tf.cast(image, tf.uint8), label)) where their values are in 0..255"
        )
    if not (spec[1].dtype.is_integer or spec[1].dtype == tf.string):
        raise ValueError(
            f"the labels of the dataset are {spec[1].dtype.name}; give one integer or "
            "class name an image, of one-hot rows tf.argmax(label, -1)"
        )


def _check_bytes(count, limit):
    if count > limit:
        raise ValueError(
            f"the dataset takes more than {limit / 2**30:.3g} GiB in memory; take(n) "
            "of it, or write it to a folder of images (folder:PATH) or a set of TFDS, "
            "which are read as they go"
        )
