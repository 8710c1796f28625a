"""A set of images in its parts: what everything that trains or measures is given."""

import dataclasses
import functools
import hashlib
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo import reader
from kerazoo.data.splits import Arrays, Split
from kerazoo.reader import Count, Name

if TYPE_CHECKING:
    from kerazoo.data.batches import Batches

# The part of a set that is tested on where nobody has said which.
TEST_SHARE = 0.2


@dataclasses.dataclass(frozen=True)
class ImageData:
    """A set of images in three disjoint parts.

    Attributes:
        name: The name it was loaded by.
        classes: Tuple of class names; an image's label is a position in it.
        shape: Height, width and channels; None where images differ.
        train: The training `Split`.
        validation: The `Split` carved from the training examples, or None.
        test: The test `Split`; None where nothing may look at it.
        published: Mean and standard deviation from the table of sets, or None.
        skipped: `folders.Finding` of each file of a folder that is left out.
        digest: Of the pixels and labels of images that were given in memory, in
            whatever order; None for images that are found by name.
        task: What can be learnt from it; a name of :data:`kerazoo.tasks.TASKS`.
    """

    name: Name
    classes: tuple[str, ...]
    shape: tuple[Count | None, Count | None, Count | None]
    train: Split
    validation: Split | None
    test: Split | None
    published: tuple | None = None
    skipped: tuple = ()
    digest: str | None = None
    task: str = "classification"

    def __post_init__(self) -> None:
        """Refuses what no set has."""
        reader.validate(self)

    @classmethod
    def parted(
        cls,
        name: str,
        train: Split,
        test: Split | None,
        *,
        validation: float,
        seed: int,
        held_out: Split | None = None,
        **others: Any,
    ) -> "ImageData":
        """A set out of its training and its test examples.

        Args:
            name: The set's name.
            train: The examples to learn from.
            test: Those to test on; None for a fifth of the others, always the same.
            validation: Share of the training examples to hold out; 0 for none.
            seed: It draws them.
            held_out: The validation split, where one is there.
            **others: Further attributes.
        """
        if test is None:
            train, test = train.split_off(TEST_SHARE, 0, "test")
        if validation and held_out is None:
            train, held_out = train.split_off(validation, seed)
        return cls(
            name=name,
            classes=train.classes,
            shape=train.shape,
            train=train,
            validation=held_out if validation else None,
            test=test,
            **others,
        )

    @property
    def parts(self) -> dict[str, Split]:
        """The splits that there are, by name."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: one for name, one in parts.items() if one is not None}

    def warn_of_missing_classes(self) -> None:
        """Warns of classes that a part has no image of; reads labels or masks."""
        from kerazoo.data.batches import count_pixels

        for split in self.parts.values():
            if split.source.masked:
                there = np.flatnonzero(count_pixels(split))
            else:
                there = np.unique(split.read_labels())
            missing = [n for i, n in enumerate(split.classes) if i not in there]
            if missing:
                warnings.warn(
                    f"{split.name} has no image of {', '.join(missing[:5])}; add "
                    "images, or make the parts yourself",
                    stacklevel=4,
                )

    def batches(self, part: str, **options: Any) -> "Batches":
        """`Batches` of a part, made once: a search trains on the same ones many times.

        Args:
            part: "train", "validation" or "test".
            **options: The arguments of `Batches`; two of the same are the same batches.
        """
        key = (part, *sorted(options.items()))
        if key not in self._batches:
            from kerazoo.data.batches import Batches

            self._batches[key] = Batches(getattr(self, part), **options)
        return self._batches[key]

    @functools.cached_property
    def fingerprint(self) -> dict[str, Any]:
        """How many images every part has, and a digest of which they are.

        Of files their names count, of images that were given in memory their content.
        """
        counts: dict[str, Any] = {n: one.size for n, one in self.parts.items()}
        if self.digest:
            return counts | {"digest": self.digest}
        digest = hashlib.sha256()
        for one in self.parts.values():
            if one.keys is not None:
                names = "\n".join(sorted(one.keys))
                digest.update(names.encode("utf-8", "surrogateescape"))
                counts["digest"] = digest.hexdigest()[:16]
        return counts

    @functools.cached_property
    def _batches(self):
        return {}

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean of each channel over the training share, on the 0..255 scale."""
        return self._moments[0]

    @property
    def std(self) -> tuple[float, ...]:
        """Standard deviation of each channel, as `mean`."""
        return self._moments[1]

    @functools.cached_property
    def _moments(self):
        if isinstance(self.train.source, Arrays):
            images = self.train.source.images[..., : self.train.shape[-1]]
            counts = np.zeros((images.shape[-1], 256), "int64")
            # bincount makes eight bytes of every value; those of a few images stay in
            # the processor's cache.
            for start in range(0, self.train.size, 256):
                some = images[self.train.indices[start : start + 256]]
                channels = some.reshape(-1, some.shape[-1]).T
                counts += np.stack([np.bincount(c, minlength=256) for c in channels])
            return moments(counts)
        if self.published:
            return self.published
        from kerazoo.data.batches import count_values

        return moments(count_values(self.train))


def moments(counts: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel from counts of the values 0 ... 255.

    Args:
        counts: Integer array of shape (channels, 256).

    Returns:
        Two tuples of floats.
    """
    shares = counts / counts.sum(1, keepdims=True)
    values = np.arange(256)
    mean = shares @ values
    variance = (shares * (values - mean[:, None]) ** 2).sum(1)
    return tuple(map(float, mean)), tuple(map(float, np.sqrt(variance)))
