"""Files of what a network found for every pixel of an image."""

import pathlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from kerazoo.colors import palette
from kerazoo.data.masks import VOID
from kerazoo.data.resizing import restored
from kerazoo.files import replacing
from kerazoo.serving.places import places


class MaskFiles:
    """Writes a mask and an overlay for every image, at the image's own size.

    ``a.png`` holds the index of every pixel's class, 255 where the network has not
    looked, and shows it in colors, for a PNG file may have both; ``a_overlay.png`` is
    the image with those colors over it.

    Args:
        folder: Where they go; it is made.
        images: The image files, which keep their folders below the one that they share.
        classes: Class names.
        size: Height and width of the network's images.
        resize: How they are resized to it.
        native: Height and width that images are brought to before, or ``None``.

    Raises:
        ValueError: Where the folder holds such a file already.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        images: Sequence[pathlib.Path],
        classes: Sequence[str],
        size: tuple[int, int],
        resize: str,
        native: tuple[int, int] | None = None,
    ) -> None:
        self.classes = classes
        self._size, self._resize, self._native = size, resize, native
        self._places = places(folder, images, (".png", "_overlay.png"))

    def place(self, image: pathlib.Path) -> pathlib.Path:
        """The file of an image's mask."""
        return _mask(self._places[image])

    def write(
        self, image: pathlib.Path, pixels: np.ndarray, scores: np.ndarray
    ) -> pathlib.Path:
        """Writes the two files.

        Args:
            image: The image's file.
            pixels: uint8 array (height, width, 1 or 3).
            scores: What the network gave, (rows, columns, classes).

        Returns:
            The file of the mask.
        """
        if self._resize == "center" and self._native:
            scores, seen = restored(scores, self._size, self._native, "center")
            shares = np.concatenate([scores, seen[..., None]], -1)
            shares, _ = restored(shares, self._native, pixels.shape[:2], "bilinear")
            scores, known = shares[..., :-1], shares[..., -1] > 0.5
        else:
            scores, known = restored(scores, self._size, pixels.shape[:2], self._resize)
        mask = np.where(known, scores.argmax(-1), VOID).astype("uint8")
        place = self.place(image)
        place.parent.mkdir(parents=True, exist_ok=True)
        indexed = Image.fromarray(mask)
        colors = np.full((256, 3), 255, "uint8")
        colors[: len(self.classes)] = palette(len(self.classes))
        indexed.putpalette(colors.ravel().tolist())
        with replacing(place) as scratch:
            indexed.save(scratch, format="PNG")
        over = _overlay(self._places[image])
        mixed = (pixels.astype("uint16") + colors[mask]) // 2
        with replacing(over) as scratch:
            Image.fromarray(mixed.astype("uint8")).save(scratch, format="PNG")
        return place


def _mask(place):
    return place.with_name(f"{place.name}.png")


def _overlay(place):
    return place.with_name(f"{place.name}_overlay.png")
