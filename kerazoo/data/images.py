"""A set of images in its parts: what everything that trains or measures is given."""

import dataclasses
import functools
import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo import reader
from kerazoo.data.splits import Arrays, Split
from kerazoo.reader import Count, Name

if TYPE_CHECKING:
    from kerazoo.data.batches import Batches


@dataclasses.dataclass(frozen=True)
class ImageData:
    """A set of images in three disjoint parts.

    Attributes:
        name: The name it was loaded by.
        classes: Tuple of class names; an image's label is a position in it.
        shape: Height, width and channels; None where images differ.
        train: The training `Split`.
        validation: The `Split` carved from the training examples, or None.
        test: The test `Split`.
        published: Mean and standard deviation from the table of sets, or None.
        skipped: `folders.Finding` of each file of a folder that is left out.
        digest: Of the pixels and labels of images that were given in memory, in
            whatever order; None for images that are found by name.
    """

    name: Name
    classes: tuple[str, ...]
    shape: tuple[Count | None, Count | None, Count | None]
    train: Split
    validation: Split | None
    test: Split
    published: tuple | None = None
    skipped: tuple = ()
    digest: str | None = None

    def __post_init__(self) -> None:
        """Refuses what no set has."""
        reader.validate(self)

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
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        counts: dict[str, Any] = {n: one.size for n, one in parts.items() if one}
        if self.digest:
            return counts | {"digest": self.digest}
        digest = hashlib.sha256()
        for one in filter(None, parts.values()):
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
            images = self.train.source.images
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
