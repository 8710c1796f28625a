"""Finding a set of images by name and parting it into train, validation and test."""

import contextlib
import functools
import os
import pathlib
import re
import sys
import urllib.error
import urllib.request
import warnings
from typing import Annotated, Any

import numpy as np
import platformdirs
from absl import logging

from kerazoo import errors, reader
from kerazoo.data import annotations, arrays, sets
from kerazoo.data.arrays import DataLike
from kerazoo.data.images import ImageData
from kerazoo.data.splits import Arrays, BoxRecords, MaskRecords, Records, Split
from kerazoo.reader import Name, Path, Range, Rate, Whole

# tensorflow-datasets asks the network whether it runs in Google's cloud unless told.
os.environ.setdefault("NO_GCE_CHECK", "true")

GIBIBYTE = 2**30
# TFDS takes more: names of community repositories and other libraries.
TFDS_NAME = r"\w+(/[\w.+-]+)?(:([\d.*]+|experimental_latest))?"


# What may stand after the question mark of a TFDS set.
OPTIONS = {"train", "test", "masks"}
# What a place on the disk may follow.
PLACES = {"folder", "masks", *annotations.KINDS}


class NotPrepared(ValueError):
    """A set is known but not there; the message says which files belong where."""


@reader.checked
def load(
    name: DataLike,
    *,
    data_dir: Path | None = None,
    validation: Rate = 0.1,
    seed: Whole = 0,
    train_split: Name | None = None,
    test_split: Name | None = None,
    download: bool = True,
    memory_limit: Annotated[int, Range(0)] = 2 * GIBIBYTE,
) -> ImageData:
    """Loads a set of labelled images.

    Args:
        name: A name of `kerazoo.data.SETS` ("digits", "mnist", ...), any other TFDS
            image classification set ("name", "name:version", "name/config",
            "name?train=train[:80%]&test=train[80%:]" for splits of your own), or
            "folder:PATH", or a `pathlib.Path` of a folder. A folder's "?groups=REGEX"
            keeps files of one group (a patient, a scene) in one part: what the regular
            expression finds in the path below the folder of the class, its first group
            where it has one. Or the images themselves: arrays ``(x, y)`` as for
            `from_arrays`, a `tf.data.Dataset` as for `from_dataset`, or a pair of
            either, to train and to test on. "masks:PATH" or "digit_scenes/masks" have a
            class for every pixel, "?scenes=400" of these the same so many in every
            epoch; "voc:PATH", "coco:PATH/annotations.json",
            "yolo:PATH/data.yaml" or "digit_scenes/boxes" have boxes.
        data_dir: TFDS data directory. Default: the environment variable
            KERAZOO_DATA_DIR; else, for the digits, the user's cache directory and, for
            the others, TFDS' own default.
        validation: Share of the training examples that becomes the validation split;
            0 for none. Stratified by class and drawn by `seed`.
        seed: Integer.
        train_split: TFDS split string instead of the set's own, e.g. "train[:10%]".
        test_split: The same for the test split.
        download: Whether a set that is not there may be downloaded.
        memory_limit: Sets of one image shape that take no more bytes than this once
            decoded are held in memory; others are read from the files as they go.

    Returns:
        An `ImageData`; one that is given instead of a name, as it is.

    Raises:
        ValueError: If the name, a split, the share or the directory is not usable, or
            if the set is not there and cannot be downloaded.
    """
    data_dir = _data_dir(data_dir)
    if isinstance(name, ImageData):
        return name
    if arrays.in_memory(name):
        return arrays.load_given(
            name, validation=validation, seed=seed, memory_limit=memory_limit
        )
    name = arrays.named(name)
    if not isinstance(name, str):
        raise ValueError(
            f"data is a {type(name).__name__}; give a name such as 'digits', the path "
            "of a folder of images, arrays (x, y), a tf.data.Dataset, or what "
            "kerazoo.data.load returned."
        )
    if name.partition(":")[0] in arrays.KINDS:
        raise ValueError(
            f"{name} are images that were given in memory, where nobody can find them "
            "by name; give them again in Python, as in data=(x, y)"
        )
    kind, colon, place = name.partition(":")
    if kind in PLACES and colon and not place.partition("?")[0].strip():
        # The current folder is hardly meant, as where a shell's variable is not set.
        raise ValueError(
            f"{name!r} names no place; write the path after the colon, as in "
            f"{kind}:photos"
        )
    if kind in ("folder", "masks"):
        if train_split or test_split:
            raise ValueError(
                f"{name} has no TFDS splits; make subfolders train and test instead of "
                "giving train_split or test_split"
            )
        from kerazoo.data import folders, masks

        read = folders.load_folder if kind == "folder" else masks.load_masks
        # A name without a colon is that of a folder as well.
        return read(name, place or name, validation=validation, seed=seed)
    # voc/2007 is a set of TFDS.
    if kind in annotations.KINDS and colon:
        if train_split or test_split:
            raise ValueError(
                f"{name} has no TFDS splits; it has the parts that its folder names"
            )
        return annotations.load_boxes(
            name, kind, place, validation=validation, seed=seed
        )
    stem, _, text = name.partition("?")
    options = dict(one.partition("=")[::2] for one in text.split("&")) if text else {}
    if stem.partition("/")[0] == "digit_scenes":
        from kerazoo.data import scenes

        return scenes.load_scenes(name, options, validation=validation, seed=seed)
    parting = {"validation": validation, "seed": seed}
    own = {"train": train_split, "test": test_split}
    options |= {part: split for part, split in own.items() if split}
    builder = functools.partial(_builder, data_dir=data_dir, download=download)
    return _load_tfds(name, stem, options, builder, memory_limit, parting)


def _load_tfds(name, stem, options, find, memory_limit, parting):
    """A set of TFDS."""
    if not re.fullmatch(TFDS_NAME, stem) or not options.keys() <= OPTIONS:
        raise ValueError(
            f"{name!r} names no set; write NAME, NAME/CONFIGURATION or NAME:VERSION, "
            "with splits of your own as in "
            "'tf_flowers?train=train[:80%]&test=train[80%:]', or with the feature that "
            "holds the class of every pixel, as in "
            "'oxford_iiit_pet?masks=segmentation_mask'"
        )
    base = re.split("[:/]", stem)[0]
    rest = stem.removeprefix(base)
    row = sets.SETS.get(base)
    builder = find(name, (row.tfds if row else base) + rest)
    mask = _mask(builder, name, options.get("masks"))
    objects = None if mask else _objects(builder)
    keys = mask or (objects and objects[:2]) or _keys(builder, name)
    own = (row.train, row.test) if row else ("train", None)
    train_split = options.get("train") or own[0]
    test_split = options.get("test") or own[1]
    if test_split is None:
        train_split, test_split = _own_test_split(builder, stem, train_split)
    _check_splits(builder, name, train_split, test_split)
    truth, count = builder.info.features[keys[1]], 0
    if objects:
        truth = truth.feature["label"]
    if mask and not getattr(truth, "num_classes", None):
        count = 1 + MaskRecords(builder, train_split, keys, 0).largest()
    classes = tuple(getattr(truth, "names", None) or map(str, range(count)))

    def split(which, part):
        if mask:
            masked = MaskRecords(builder, part, keys, len(classes))
            return Split(masked, name=f"{name} {which}", classes=classes)
        if objects:
            boxed = BoxRecords(builder, part, objects)
            return Split(boxed, name=f"{name} {which}", classes=classes)
        records = Records(builder, part, keys, memory_limit)
        size, shape = records.size, records.shape
        if not size:
            raise ValueError(f"split {part!r} of {name} is empty; choose another")
        held = None not in shape and size * int(np.prod(shape)) <= memory_limit
        source = Arrays(records.read, size, shape) if held else records
        return Split(source, name=f"{name} {which}", classes=classes)

    return ImageData.parted(
        name,
        split("train", train_split),
        split("test", test_split),
        **parting,
        published=(row.mean, row.std) if row and row.mean else None,
        task="segmentation" if mask else "detection" if objects else "classification",
    )


def _data_dir(given):
    """Where the user wants the files to be; None where TFDS wants them."""
    place = given or os.environ.get("KERAZOO_DATA_DIR") or None
    if place is None:
        return None
    place = pathlib.Path(reader.read(Path, place, "data_dir"))
    if not place.is_dir():
        raise ValueError(
            f"the data directory {place} is not there; make it or give another data_dir"
        )
    return place


def _builder(name, tfds_name, data_dir, download):
    """The prepared TFDS builder of a set."""
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    if re.match(r"digits\b", tfds_name):
        from kerazoo.data import digits

        data_dir = data_dir or _cache_dir()
        try:
            digits.prepare_digits(data_dir)
        except OSError as error:
            raise _unwritable(data_dir, error) from error
    try:
        with _quiet():
            builder = tfds.builder(tfds_name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError as error:
        known = {*sets.SETS, *tfds.list_builders()}
        near = errors.unknown("data set", name, known)
        if "did you mean" not in str(near):
            near = errors.unknown("data set", name, [*sets.SETS, "folder:PATH"])
        raise near from error
    except (ValueError, AssertionError) as error:
        raise ValueError(
            f"{name!r} names no version or configuration of a TFDS set: {error}"
        ) from error
    if not builder.is_prepared():
        _prepare(builder, name, download)
    if builder.info.file_format.value != "tfrecord":
        raise ValueError(
            f"{name} in {builder.data_dir} is stored as "
            f"{builder.info.file_format.value}; kerazoo reads tfrecord: prepare it "
            "again with file_format='tfrecord' in another data_dir"
        )
    return builder


@contextlib.contextmanager
def _quiet():
    """Keeps TFDS from logging what an error will say, or what nobody asked for."""
    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _cache_dir():
    place = platformdirs.user_cache_dir("kerazoo")
    try:
        os.makedirs(place, exist_ok=True)
    except OSError as error:
        raise _unwritable(place, error) from error
    return place


def _unwritable(place, error):
    return ValueError(
        f"cannot write to the data directory {place} ({error.strerror or error}); give "
        "a data_dir that can be written or set KERAZOO_DATA_DIR"
    )


def _prepare(builder, name, download):
    """Downloads and prepares a set, or says which files are missing where."""
    manual = pathlib.Path(builder.data_dir_root, "downloads", "manual")
    reason: str | None = "downloading is switched off"
    if download:
        missing = [
            url
            for url, info in builder.url_infos.items()
            if not (info.filename and (manual / info.filename).exists())
        ]
        reason = next(filter(None, map(_unreachable, missing[:1])), None)
    if not reason:
        try:
            # What TFDS prints must not mix with what a command prints.
            with contextlib.redirect_stdout(sys.stderr):
                builder.download_and_prepare()
            return
        except PermissionError as error:
            raise _unwritable(builder.data_dir_root, error) from error
        except Exception as error:  # TFDS raises a dozen kinds, most of them bare
            reason = f"{type(error).__name__}: {error}".split("\n")[0]
    raise NotPrepared(
        f"{name} is not in {builder.data_dir} and cannot be downloaded ({reason}); "
        + missing_files(builder)
    )


def missing_files(builder: Any) -> str:
    """Says which files to put where so that a TFDS set can be prepared offline."""
    manual = pathlib.Path(builder.data_dir_root, "downloads", "manual")
    files = [
        f"{info.filename} ({info.size}, {url})"
        for url, info in builder.url_infos.items()
        if info.filename
    ]
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
        text = " ".join(builder.MANUAL_DOWNLOAD_INSTRUCTIONS.split())
        files.append(f"what the set asks to be fetched by hand: {text}")
    copy = f"copy a prepared folder to {builder.data_dir}"
    if not files:
        return copy
    return f"put into {manual}: {'; '.join(files)}; or {copy}"


def _unreachable(url):
    """Why a server cannot be reached, or None; TFDS itself would wait without limit."""
    if not url.startswith(("http:", "https:")):
        return None
    try:
        urllib.request.urlopen(
            urllib.request.Request(url, method="HEAD"), timeout=10
        ).close()
    except urllib.error.HTTPError:
        return None  # It answers, if not to this question.
    except OSError as error:
        return f"no connection to {url}: {getattr(error, 'reason', error)}"
    return None


def _keys(builder, name):
    """Names of the image and of the label among the features."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    keys = builder.info.supervised_keys or ("image", "label")
    if (
        len(keys) != 2
        or not all(isinstance(one, str) and one in features for one in keys)
        or not isinstance(features[keys[0]], tfds.features.Image)
        or not isinstance(features[keys[1]], tfds.features.ClassLabel)
    ):
        raise ValueError(
            f"{name} is not an image classification set: it holds {sorted(features)}; "
            "choose one with an image and a class label"
        )
    if features[keys[0]].np_dtype != np.uint8:
        raise ValueError(
            f"the images of {name} are {features[keys[0]].np_dtype}; kerazoo "
            "reads sets of uint8 images"
        )
    return keys


def _mask(builder, name, given):
    """Names of the image and of the mask, where a set has or is asked for one."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    kinds = {key: type(features[key]) for key in features}
    images = [key for key, kind in kinds.items() if kind is tfds.features.Image]
    masks = [key for key, kind in kinds.items() if kind is tfds.features.LabeledImage]
    labelled = any(kind is tfds.features.ClassLabel for kind in kinds.values())
    if given is None and (labelled or len(masks) != 1):
        return None
    mask = given or masks[0]
    possible = [key for key in (*masks, *images) if features[key].shape[-1] == 1]
    seen = [key for key in images if key != mask]
    if mask not in possible or not seen:
        raise ValueError(
            f"{name} has no image and mask {mask!r}; it holds {sorted(features)}, of "
            f"which {', '.join(possible) or 'none'} could be masks"
        )
    first = "image" if "image" in seen else seen[0]
    return first, mask


def _objects(builder):
    """Names of the image, of its objects, and of what marks those to be ignored."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    images = [key for key in features if isinstance(features[key], tfds.features.Image)]
    for key in features:
        inside = getattr(features[key], "feature", None)
        if not images or not isinstance(inside, tfds.features.FeaturesDict):
            continue
        if {"bbox", "label"} <= set(inside):
            marks = [one for one in ("is_difficult", "is_crowd") if one in inside]
            return images[0], key, marks[0] if marks else None
    return None


def _own_test_split(builder, name, train):
    """What to train and to test on, of a set that nobody has said it of."""
    for split in ("test", "validation"):
        if split in builder.info.splits:
            return train, split
    if train == "train" and train in builder.info.splits:
        # TFDS has shuffled the examples when it wrote them.
        train, test = "train[:80%]", "train[80%:]"
        warnings.warn(
            f"{name} has no test split, so that {test} is tested on; say otherwise as "
            f"in '{name}?train=train[:90%]&test=train[90%:]'",
            stacklevel=3,
        )
        return train, test
    raise ValueError(
        f"{name} has no test split, only {', '.join(builder.info.splits)}; say which "
        f"images to test on, as in '{name}?train=train[:80%]&test=train[80%:]'"
    )


def _check_splits(builder, name, train_split, test_split):
    """Raises ValueError if a split does not exist or the two share an example."""
    ranges = []
    for split in (train_split, test_split):
        try:
            parts = builder.info.splits[split].file_instructions
        except (KeyError, ValueError, AssertionError) as error:
            raise ValueError(
                f"{name} has no split {split!r}; it has "
                f"{', '.join(builder.info.splits)} and parts of them such as "
                "'train[:10%]'"
            ) from error
        ranges.append([(p.filename, p.skip, p.skip + p.take) for p in parts])
    for path, start, stop in ranges[0]:
        for other, first, last in ranges[1]:
            if path == other and start < last and first < stop:
                raise ValueError(
                    f"train_split={train_split!r} and test_split={test_split!r} of "
                    f"{name} share examples; give splits that do not overlap"
                )
