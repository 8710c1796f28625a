"""Where objects may be: boxes of an image that know no class.

R-CNN, SPP-net and Fast R-CNN look at regions that something else proposes. What does so
is a function of the pixels of an image alone, so that what it has found is kept, by the
content of the image.
"""

import contextlib
import dataclasses
import functools
import hashlib
import io
import pathlib
import time
import zipfile
from collections.abc import Iterable
from typing import Any

import numpy as np
import platformdirs

from kerazoo import reader
from kerazoo.analysis.average_precision import proposal_recall
from kerazoo.data import draws
from kerazoo.data.batches import stored
from kerazoo.data.resizing import channels
from kerazoo.data.splits import Split
from kerazoo.detections import Proposals
from kerazoo.display import percent
from kerazoo.errors import unknown
from kerazoo.files import check_file, replacing, write_atomic
from kerazoo.reader import Count, Name, Path
from kerazoo.recipe import Recipe
from kerazoo.registry import Card
from kerazoo.run import Run

METHODS = ("selective_search", "windows", "run", "file")
# R-CNN's code: images no wider than this, and no box narrower or lower than that.
WIDTH, NARROWEST = 500, 20
# Sliding windows: shares of the image's sides, height to width, and steps of a side.
SHARES, RATIOS, STEPS = (0.2, 0.3, 0.45, 0.65, 0.9), (0.5, 1.0, 2.0), 4


@reader.checked
def find_proposals(method: Name) -> Proposals:
    """The method of a name.

    Args:
        method: ``selective_search`` or ``selective_search:quality`` (slower, and some
            three times as many boxes), by OpenCV; ``windows``, sliding over the image;
            ``run:PATH``, the region proposal network of a run of Faster R-CNN;
            ``file:PATH``, what :func:`write_proposals` has written.

    Raises:
        ValueError: For another name, or what it names is not there.
    """
    kind, _, rest = method.partition(":")
    if kind == "selective_search" and rest in ("", "fast", "quality"):
        return Kept(SelectiveSearch(quality=rest == "quality"))
    if method == "windows":
        return Windows()
    if kind in ("run", "file") and not rest.strip():
        raise ValueError(
            f"proposals is {method!r}, which names no place; write the path behind the "
            f"colon, as in {kind}:boxes."
        )
    if kind == "run":
        return Kept(NetworkProposals(rest))
    if kind == "file":
        return FileProposals(rest)
    raise unknown("method of proposals", method, METHODS)


def of_recipe(card: Card, recipe: Recipe) -> dict[str, Any]:
    """The arguments of ``Batches`` that give a network its regions.

    Args:
        card: The network's.
        recipe: How it is trained.

    Returns:
        ``proposals`` and ``proposed``; nothing for a network that needs none.

    Raises:
        ValueError: For a method that is not there, or that the network needs not.
    """
    if "regions" not in card.options:
        if recipe.proposals is not None:
            raise ValueError(
                f"proposals is {recipe.proposals!r}, but {card.name} is given none; "
                "leave it out."
            )
        return {}
    count = recipe.options.get("proposals", card.options["proposals"].default)
    method = find_proposals(recipe.proposals or METHODS[0])
    return {"proposals": method, "proposed": count}


def of_model(model: Any, recipe: Recipe) -> dict[str, Any]:
    """The same of a served network, by the regions that it takes.

    Args:
        model: The ``keras.Model`` of a run.
        recipe: How it was trained.

    Raises:
        ValueError: For a method that is not there.
    """
    if not isinstance(model.input, dict):
        return {}
    method = find_proposals(recipe.proposals or METHODS[0])
    return {"proposals": method, "proposed": model.input["proposals"].shape[1]}


class SelectiveSearch:
    """Selective search (Uijlings et al. 2013), as OpenCV has it.

    Images wider than 500 pixels are shrunk to that, and boxes of which a side is
    shorter than a twenty-fifth of the width are left out, as in R-CNN. OpenCV orders
    boxes by numbers that it draws; here the content of the image draws them.

    Args:
        quality: Whether all color spaces are gone through, and not the fast ones.

    Raises:
        ValueError: Where OpenCV with its contributed modules is not installed.
    """

    def __init__(self, *, quality: bool = False) -> None:
        try:
            import cv2

            self._make = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation
        except (ImportError, AttributeError) as error:
            raise ValueError(
                "proposals by selective_search need OpenCV with its contributed "
                "modules, which is not installed: install kerazoo's extra "
                'detection (pip install -e ".[detection]"), or give proposals=windows '
                "or proposals=run:RUN, a run of Faster R-CNN."
            ) from error
        self.quality = quality
        self.name = f"selective_search_{cv2.__version__}"
        self.name += "_quality" if quality else ""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        import cv2

        height, width = image.shape[:2]
        pixels = np.ascontiguousarray(
            np.broadcast_to(image, (height, width, 3))[..., ::-1]
        )
        scale = max(1.0, width / WIDTH)
        if scale > 1:
            size = (WIDTH, max(1, round(height / scale)))
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        search = self._make()
        search.setBaseImage(pixels)
        if self.quality:
            search.switchToSelectiveSearchQuality()
        else:
            search.switchToSelectiveSearchFast()
        found = np.asarray(search.process(), "int64").reshape(-1, 4)
        sides = found[:, 2:]
        found = found[(sides >= NARROWEST / WIDTH * pixels.shape[1]).all(1)]
        found = np.unique(found, axis=0)
        order = draws.permutation(len(found), int(digest(image)[:8], 16), 0)
        x, y, wide, tall = found[order].T
        boxes = np.stack([x, y, x + wide, y + tall], -1).astype("float32")
        edge = np.array([width, height, width, height], "float32")
        return np.minimum(boxes * np.float32(scale), edge)


class Windows:
    """Windows of several sizes and shapes that slide over an image."""

    name = "windows"

    def __call__(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        found = []
        for share in SHARES:
            for ratio in RATIOS:
                tall = min(height, share * np.sqrt(height * width * ratio))
                wide = min(width, share * np.sqrt(height * width / ratio))
                rows, columns = (
                    np.linspace(0, side - one, 1 + round(STEPS * (side - one) / one))
                    for side, one in ((height, tall), (width, wide))
                )
                y, x = (one.ravel() for one in np.meshgrid(rows, columns))
                found.append(np.stack([x, y, x + wide, y + tall], -1))
        boxes = np.concatenate(found).astype("float32")
        return boxes[draws.permutation(len(boxes), 0, 0)]


class NetworkProposals:
    """What the region proposal network of a run proposes.

    Args:
        run: The folder of a run of Faster R-CNN.

    Raises:
        ValueError: Where there is no such run.
    """

    def __init__(self, run: str) -> None:
        self._run = Run(run)
        model = self._run.path / "model.keras"
        if not model.is_file():
            raise ValueError(
                f"proposals is 'run:{run}', which has no model yet; let its training "
                "end, or give another run."
            )
        self.name = f"run_{_content(model)}"

    @functools.cached_property
    def _model(self):
        import keras

        model = self._run.model()
        names = {layer.name for layer in model.layers}
        if "proposals" not in names or "restored" not in names or len(model.inputs) > 1:
            raise ValueError(
                f"{self._run.path} is a run of {self._run.config.network}, which "
                "proposes no regions; give a run of Faster R-CNN."
            )
        found = model.get_layer("proposals").output
        return keras.Model(model.input, found), model.get_layer("restored")

    def __call__(self, image: np.ndarray) -> np.ndarray:
        model, restored = self._model
        pixels = np.asarray(channels(image, model.input.shape[-1]))[None]
        boxes = np.asarray(model(pixels, training=False))
        there = ((boxes[..., 2:] - boxes[..., :2]) > 0).all(-1)
        classes = np.where(there, 0, -1).astype("int32")
        found = np.asarray(restored(pixels, boxes, classes))
        return found[there]


class FileProposals:
    """Proposals out of a file, by the content of the image.

    Args:
        path: What :func:`write_proposals` has written.

    Raises:
        ValueError: Where there is no such file, or it is of something else.
    """

    def __init__(self, path: str) -> None:
        self.path = pathlib.Path(path).expanduser()
        try:
            with np.load(self.path) as file:
                self._boxes = {name: file[name] for name in file.files}
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"proposals are to be read from {path}, which is no file that "
                f"kerazoo.write_proposals has written ({error})."
            ) from error
        self.name = f"file_{_content(self.path)}"

    def __call__(self, image: np.ndarray) -> np.ndarray:
        key = digest(image)
        if key not in self._boxes:
            height, width = image.shape[:2]
            raise ValueError(
                f"{self.path} has no proposals for an image of {height}x{width} pixels "
                "that is asked for; write them for all images of the set, as they are "
                "stored."
            )
        return self._boxes[key].astype("float32").reshape(-1, 4)


class Kept:
    """Proposals that are found once and kept in the user's cache.

    Args:
        proposals: What finds them.
    """

    def __init__(self, proposals: Proposals) -> None:
        self.proposals, self.name = proposals, proposals.name
        root = pathlib.Path(platformdirs.user_cache_dir("kerazoo"))
        self.folder = root / "proposals" / self.name

    def __call__(self, image: np.ndarray) -> np.ndarray:
        key = digest(image)
        place = self.folder / key[:2] / f"{key}.npy"
        with contextlib.suppress(OSError, ValueError, EOFError):
            return np.load(place)
        found = self.proposals(image)
        # A full disk costs time alone.
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            content = io.BytesIO()
            np.save(content, found)
            write_atomic(place, content.getvalue())
        return found


@dataclasses.dataclass(frozen=True)
class Recall:
    """How well proposals meet the objects of some images.

    Attributes:
        images: How many.
        objects: How many, without those that are ignored.
        regions: Proposals of an image, on average.
        half: The share of the objects that one overlaps by 0.5; None without objects.
        most: The same of 0.7.
        milliseconds: Of an image, on average; of what was kept nearly none.
    """

    images: int
    objects: int
    regions: float
    half: float | None
    most: float | None
    milliseconds: float

    def cells(self) -> tuple[str, ...]:
        """What a table shows."""
        shares = ("" if one is None else percent(one) for one in (self.half, self.most))
        counts = (f"{self.images:,}", f"{self.objects:,}", f"{self.regions:,.0f}")
        return (*counts, *shares, f"{self.milliseconds:,.1f}")


@reader.checked
def recall_of(split: Split, proposals: Proposals, count: Count = 2000) -> Recall:
    """Measures proposals on the images of a split, as they are stored.

    Args:
        split: A split whose images have boxes.
        proposals: Of :func:`find_proposals`.
        count: How many of an image are looked at.

    Raises:
        ValueError: Where the images have no boxes.
    """
    if not split.source.boxed:
        raise ValueError(
            f"{split.name} has no boxes, which proposals are measured by; give a set "
            "such as voc:PATH or digit_scenes/boxes."
        )
    boxes, truth, seconds = [], [], 0.0
    for image, objects in stored(split):
        began = time.perf_counter()
        boxes.append(proposals(image)[:count])
        seconds += time.perf_counter() - began
        truth.append(objects)
    half, most = (proposal_recall(boxes, truth, share) for share in (0.5, 0.7))
    return Recall(
        images=len(boxes),
        objects=sum(int((~one.ignored).sum()) for one in truth),
        regions=float(np.mean([len(one) for one in boxes])),
        half=half,
        most=most,
        milliseconds=1000 * seconds / len(boxes),
    )


def digest(image: np.ndarray) -> str:
    """What the pixels of an image are known by."""
    digest = hashlib.blake2b(repr(image.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()


def _content(path):
    """What the content of a file is known by."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


@reader.checked
def write_proposals(path: Path, proposals: Iterable[tuple[Any, Any]]) -> None:
    """Writes proposals of your own to a file, which ``file:PATH`` names.

    Args:
        path: The file to write, ``.npz``.
        proposals: Pairs of an image, uint8 (height, width, channels) as it is stored,
            and its boxes (n, 4): x1, y1, x2, y2 in pixels, half-open, the best first.

    Raises:
        ValueError: For something else, or where the file cannot be written.
    """
    path = check_file(path)
    found: dict[str, np.ndarray] = {}
    for number, (image, boxes) in enumerate(proposals):
        pixels, rows = np.asarray(image), np.asarray(boxes, "float32")
        if pixels.dtype != np.uint8 or pixels.ndim != 3:
            raise ValueError(
                f"image {number} of proposals is {pixels.dtype} of shape "
                f"{pixels.shape}; give uint8 images (height, width, channels)."
            )
        rows = rows.reshape(-1, 4) if rows.size == 0 else rows
        if rows.ndim != 2 or rows.shape[1] != 4 or not np.isfinite(rows).all():
            raise ValueError(
                f"the boxes of image {number} of proposals have the shape "
                f"{rows.shape}; give numbers (n, 4)."
            )
        wrong = (rows[:, 2:] <= rows[:, :2]).any(1)
        if wrong.any():
            raise ValueError(
                f"box {rows[wrong][0].tolist()} of image {number} of proposals has no "
                "area; give x1, y1, x2, y2 with x2 > x1 and y2 > y1."
            )
        found[digest(pixels)] = rows
    if not found:
        raise ValueError("proposals are empty; give those of one image at least.")
    with replacing(path) as scratch, open(scratch, "wb") as file:
        np.savez_compressed(file, **found)  # type: ignore[arg-type]
