"""Average precision of detections: PASCAL VOC's two, and COCO's."""

import contextlib
import dataclasses
import io
from collections.abc import Sequence

import numpy as np

from kerazoo import reader
from kerazoo.detections import Detections, Objects
from kerazoo.reader import Share

# Where the eleven-point precision looks; multiples of 0.1 by addition would miss some.
ELEVEN = np.arange(11) / 10
# Where a curve is kept.
GRID = np.arange(101) / 100


@dataclasses.dataclass(frozen=True)
class ClassPrecision:
    """How well the objects of one class are found.

    Attributes:
        objects: How many there are, without those that are ignored.
        average: The area under the precision that no higher recall exceeds (VOC from
            2010 on); None without objects.
        eleven_points: Its mean at the recalls 0, 0.1 ... 1 (VOC until 2009).
        recall: After every detection, by falling score.
        precision: The same.
    """

    objects: int
    average: float | None
    eleven_points: float | None
    recall: np.ndarray
    precision: np.ndarray

    @property
    def curve(self) -> tuple[float, ...]:
        """The precision that no higher recall exceeds, at recalls 0, 0.01 ... 1."""
        return tuple(map(float, _envelope_at(self.recall, self.precision, GRID)))


@reader.checked
def average_precision(
    detections: Sequence[Detections],
    truth: Sequence[Objects],
    classes: int,
    iou_threshold: Share = 0.5,
) -> list[ClassPrecision]:
    """PASCAL VOC's average precision of every class.

    By falling score, each detection takes the object of its class and image that it
    overlaps most. It is right where they overlap by the threshold at least and no
    better detection has taken the object; where the object is ignored, so is the
    detection.

    Args:
        detections: Of every image.
        truth: The objects of the same images, without padding.
        classes: Number of classes.
        iou_threshold: Intersection over union.

    Raises:
        ValueError: Where the numbers of images differ.

    Reference:
        Everingham et al., "The PASCAL Visual Object Classes Challenge", IJCV 2010, and
        the code of the development kit, whose boxes are inclusive.
    """
    if len(detections) != len(truth):
        raise ValueError(
            f"detections are of {len(detections)} images, truth of {len(truth)}; give "
            "both of the same images."
        )
    return [_of_class(detections, truth, one, iou_threshold) for one in range(classes)]


def _of_class(detections, truth, number, threshold):
    rows = []
    for image, (found, there) in enumerate(zip(detections, truth, strict=True)):
        own, real = found.classes == number, there.classes == number
        overlaps = iou(found.boxes[own], there.boxes[real])
        ignored = np.asarray(there.ignored)[real]
        for score, one in zip(found.scores[own], overlaps, strict=True):
            best = int(one.argmax()) if one.size else -1
            hit = best >= 0 and one[best] >= threshold
            rows.append((score, image, best if hit else -1, hit and ignored[best]))
    objects = sum(
        int(((one.classes == number) & ~np.asarray(one.ignored, bool)).sum())
        for one in truth
    )
    # Of equal scores the first image and its first detection count first.
    rows.sort(key=lambda row: -row[0])
    taken: set[tuple[int, int]] = set()
    right = []
    for _, image, best, passed in rows:
        if passed:
            continue
        right.append(best >= 0 and (image, best) not in taken)
        taken.add((image, best))
    hits = np.cumsum(np.array(right, int))
    recall = hits / max(objects, 1)
    precision = hits / np.arange(1, len(hits) + 1)
    if not objects:
        return ClassPrecision(0, None, None, recall, precision)
    return ClassPrecision(
        objects,
        _area(recall, precision),
        float(_envelope_at(recall, precision, ELEVEN).mean()),
        recall,
        precision,
    )


def _area(recall, precision):
    """The area under the envelope, which changes at every right detection."""
    if not len(recall):
        return 0.0
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.diff(recall, prepend=0) @ envelope)


def _envelope_at(recall, precision, points):
    """The largest precision at a recall of each point or more, 0 beyond the last."""
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, points)
    return np.append(envelope, 0.0)[places]


def iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (n, 4) with others (m, 4): (n, m)."""
    one, other = (np.asarray(b, "float64").reshape(-1, 4) for b in (boxes, others))
    start = np.maximum(one[:, None, :2], other[None, :, :2])
    end = np.minimum(one[:, None, 2:], other[None, :, 2:])
    both = np.maximum(end - start, 0).prod(-1)
    areas = [np.maximum(b[:, 2:] - b[:, :2], 0).prod(-1) for b in (one, other)]
    union = areas[0][:, None] + areas[1] - both
    return np.divide(both, union, where=union > 0, out=np.zeros_like(both))


def proposal_recall(
    proposals: Sequence[np.ndarray], truth: Sequence[Objects], iou_threshold: float
) -> float | None:
    """The share of objects that a proposal overlaps; None where there are none.

    Args:
        proposals: Boxes (n, 4) of every image.
        truth: The objects of the same images; those that are ignored do not count.
        iou_threshold: Intersection over union.
    """
    found = total = 0
    for boxes, objects in zip(proposals, truth, strict=True):
        real = objects.boxes[~np.asarray(objects.ignored, bool)]
        overlaps = iou(real, boxes)
        total += len(real)
        found += int((overlaps.max(1, initial=0) >= iou_threshold).sum())
    return found / total if total else None


def coco_average_precision(
    detections: Sequence[Detections], truth: Sequence[Objects], classes: int
) -> float | None:
    """COCO's mAP, the mean over overlaps from 0.5 to 0.95, by pycocotools.

    What is ignored is a crowd there. Of an image the best hundred detections count.

    Returns:
        The mean over classes; None without objects, or where pycocotools is not
        installed.
    """
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError:
        return None
    rows: list[dict] = []
    found: list[dict] = []
    for image, (some, real) in enumerate(zip(detections, truth, strict=True), 1):
        for box, one, ignored in zip(*real[:3], strict=True):
            row = _coco_box(image, one, box)
            area = row["bbox"][2] * row["bbox"][3]
            more = {"id": len(rows) + 1, "area": area, "iscrowd": int(ignored)}
            rows.append(row | more)
        for box, one, score in zip(some.boxes, some.classes, some.scores, strict=True):
            found.append(_coco_box(image, one, box) | {"score": float(score)})
    if not any(not row["iscrowd"] for row in rows):
        return None
    if not found:
        return 0.0
    # It says what it does.
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": n} for n in range(1, len(truth) + 1)],
            "annotations": rows,
            "categories": [{"id": n} for n in range(classes)],
        }
        coco.createIndex()
        measured = COCOeval(coco, coco.loadRes(found), "bbox")
        measured.evaluate()
        measured.accumulate()
    # Overlaps, recalls, classes, areas (all first), detections of an image (100 last).
    precision = measured.eval["precision"][..., 0, -1]
    return float(precision[precision > -1].mean())


def _coco_box(image, kind, box):
    x1, y1, x2, y2 = (float(side) for side in box)
    place = {"image_id": image, "category_id": int(kind)}
    return place | {"bbox": [x1, y1, x2 - x1, y2 - y1]}
