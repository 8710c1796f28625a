"""Average precision against pycocotools, and by hand."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo.analysis.average_precision import (
    average_precision,
    coco_average_precision,
    iou,
    proposal_recall,
)
from kerazoo.detections import Detections, Objects

EMPTY = np.zeros((0, 4))


def objects(*rows, ignored=()):
    """Objects of rows (class, x1, y1, x2, y2)."""
    table = np.array(rows, float).reshape(-1, 5)
    marks = np.isin(np.arange(len(table)), ignored)
    return Objects(table[:, 1:], table[:, 0].astype(int), marks)


def found(*rows):
    """Detections of rows (class, score, x1, y1, x2, y2)."""
    table = np.array(rows, float).reshape(-1, 6)
    order = np.argsort(-table[:, 1], kind="stable")
    table = table[order]
    return Detections(table[:, 2:], table[:, 1], table[:, 0].astype(int))


def one(detections, truth, **options):
    (first, *_) = average_precision(detections, truth, 1, **options)
    return first


def test_by_hand():
    """A hit, a miss, a hit: precisions 1, 1/2, 2/3 at recalls 1/2, 1/2, 1."""
    truth = [objects((0, 0, 0, 10, 10), (0, 50, 50, 60, 60))]
    seen = [
        found(
            (0, 0.9, 0, 0, 10, 10), (0, 0.8, 20, 20, 30, 30), (0, 0.7, 50, 50, 60, 60)
        )
    ]
    measured = one(seen, truth)
    assert measured.objects == 2
    assert measured.average == pytest.approx(0.5 + 0.5 * 2 / 3)
    # Six of the eleven recalls are 0.5 or less.
    assert measured.eleven_points == pytest.approx((6 + 5 * 2 / 3) / 11)
    np.testing.assert_allclose(measured.precision, [1, 1 / 2, 2 / 3])
    np.testing.assert_allclose(measured.recall, [0.5, 0.5, 1])
    assert measured.curve[50] == 1
    assert measured.curve[51] == pytest.approx(2 / 3)


def test_an_object_is_found_once_and_a_threshold_is_reached():
    truth = [objects((0, 0, 0, 10, 10))]
    twice = [found((0, 0.9, 0, 0, 10, 10), (0, 0.8, 0, 0, 10, 10))]
    assert one(twice, truth).precision.tolist() == [1, 0.5]
    half = [found((0, 0.9, 0, 0, 10, 5))]
    assert one(half, truth).average == 1
    assert one(half, truth, iou_threshold=0.51).average == 0


def test_the_object_that_is_overlapped_most_counts_even_if_it_is_taken():
    """VOC's rule; COCO would give the second detection the second object."""
    truth = [objects((0, 0, 0, 10, 10), (0, 0, 0, 10, 15))]
    seen = [found((0, 0.9, 0, 0, 10, 10), (0, 0.8, 0, 0, 10, 11))]
    assert one(seen, truth).precision.tolist() == [1, 0.5]


def test_ignored_objects_are_neither_found_nor_missed():
    truth = [objects((0, 0, 0, 10, 10), (0, 50, 50, 60, 60), ignored=(1,))]
    seen = [found((0, 0.9, 50, 50, 60, 60), (0, 0.8, 0, 0, 10, 10))]
    measured = one(seen, truth)
    assert (measured.objects, measured.average) == (1, 1)


def test_classes_without_objects_have_no_precision():
    truth = [objects(), objects((1, 0, 0, 5, 5))]
    seen = [found((0, 0.9, 0, 0, 5, 5)), found()]
    first, second = average_precision(seen, truth, 2)
    assert (first.average, first.eleven_points, first.objects) == (None, None, 0)
    assert second.average == second.eleven_points == 0
    assert second.curve == (0.0,) * 101
    with pytest.raises(ValueError, match="detections are of 1 images, truth of 2"):
        average_precision(seen[:1], truth, 2)


def test_a_recall_of_exactly_three_tenths_counts():
    """0.1 added up gives 0.30000000000000004, which would miss it."""
    truth = [objects(*((0, 20 * n, 0, 20 * n + 10, 10) for n in range(10)))]
    seen = [found(*((0, 1 - n / 10, 20 * n, 0, 20 * n + 10, 10) for n in range(3)))]
    assert one(seen, truth).eleven_points == pytest.approx(4 / 11)


def coco_curve(seen, truth, points):
    """COCO's precision of class 0 at an overlap of 0.5 and at given recalls."""
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def box(b):
        return [b[0], b[1], b[2] - b[0], b[3] - b[1]]

    rows = [
        {"image_id": n, "category_id": 0, "bbox": box(b), "area": 1.0, "iscrowd": 0}
        for n, some in enumerate(truth, 1)
        for b in some.boxes
    ]
    results = [
        {"image_id": n, "category_id": 0, "bbox": box(b), "score": s}
        for n, some in enumerate(seen, 1)
        for b, s in zip(some.boxes, some.scores, strict=True)
    ]
    coco = COCO()
    coco.dataset = {
        "images": [{"id": n} for n in range(1, len(truth) + 1)],
        "annotations": [row | {"id": n} for n, row in enumerate(rows, 1)],
        "categories": [{"id": 0}],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        measured = COCOeval(coco, coco.loadRes(results), "bbox")
        measured.params.iouThrs = np.array([0.5])
        measured.params.recThrs = points
        measured.evaluate()
        measured.accumulate()
    return measured.eval["precision"][0, :, 0, 0, -1]


@st.composite
def scenes(draw):
    """Images whose objects lie apart, so that the two rules of matching agree."""
    truth, seen = [], []
    scores = iter(draw(st.permutations(range(1, 61))))
    for _ in range(draw(st.integers(1, 4))):
        count = draw(st.integers(0, 5))
        boxes = [(0, 40 * n, 0, 40 * n + 20, 20) for n in range(count)]
        truth.append(objects(*boxes))
        rows = []
        for _ in range(draw(st.integers(0, 6))):
            dx, dy = draw(st.integers(-12, 12)), draw(st.integers(-12, 12))
            place = 40 * draw(st.integers(0, 5))
            sides = (place + dx, dy, place + dx + 20, dy + 20)
            rows.append((0, next(scores) / 64, *sides))
        seen.append(found(*rows))
    return seen, truth


@settings(max_examples=60, deadline=None)
@given(scenes())
def test_equals_pycocotools(case):
    seen, truth = case
    total = sum(len(some.boxes) for some in truth)
    if not total or not sum(map(len, seen)):
        return
    measured = one(seen, truth)
    eleven = coco_curve(seen, truth, np.linspace(0, 1, 11))
    assert measured.eleven_points == pytest.approx(eleven.mean(), abs=1e-12)
    every = coco_curve(seen, truth, np.arange(1, total + 1) / total)
    assert measured.average == pytest.approx(every.mean(), abs=1e-12)


def test_cocos_own_measure():
    pytest.importorskip("pycocotools")
    truth = [objects((0, 0, 0, 10, 10), (1, 50, 50, 60, 60)), objects()]
    exact = [found((0, 0.9, 0, 0, 10, 10), (1, 0.8, 50, 50, 60, 60)), found()]
    assert coco_average_precision(exact, truth, 2) == pytest.approx(1)
    # An overlap of 0.7 passes five of the ten thresholds, those up to 0.7.
    near = [found((0, 0.9, 0, 0, 10, 7), (1, 0.8, 50, 50, 60, 57)), found()]
    assert coco_average_precision(near, truth, 2) == pytest.approx(0.5)
    assert coco_average_precision([found(), found()], truth, 2) == 0
    assert coco_average_precision([found()], [objects()], 2) is None
    crowd = [objects((0, 0, 0, 10, 10), (0, 20, 0, 40, 40), ignored=(1,))]
    seen = [found((0, 0.9, 20, 0, 30, 20), (0, 0.8, 0, 0, 10, 10))]
    assert coco_average_precision(seen, crowd, 1) == pytest.approx(1)


def test_recall_of_proposals():
    truth = [objects((0, 0, 0, 10, 10), (0, 20, 0, 30, 10)), objects()]
    proposals = [np.array([[0, 0, 10, 8], [0, 0, 40, 40]]), EMPTY]
    assert proposal_recall(proposals, truth, 0.5) == 0.5
    assert proposal_recall(proposals, truth, 0.9) == 0
    assert proposal_recall([EMPTY], [objects()], 0.5) is None


def test_iou_of_nothing():
    assert iou(EMPTY, np.ones((3, 4))).shape == (0, 3)
    assert iou(np.zeros((1, 4)), np.zeros((1, 4))).tolist() == [[0]]
